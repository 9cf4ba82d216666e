"""config_infer_primary*.txt, the detector's file."""

from __future__ import annotations

from faceir.runtime.deepstream.keys import GroupKeys, Kept, mapped, no, yes
from faceir.runtime.deepstream.tables import reasons as why

__all__ = ["INFER"]

_NAMED = "the model's contract names its tensors"
_CLASSIFIER = "faces are detected, not classified"

_PROPERTY = GroupKeys("property", (
    yes("onnx-file path -"),
    mapped("tlt-encoded-model path -", "refused without --model: only NVIDIA's converter opens an .etlt"),
    mapped("uff-file path -", "refused without onnx-file or --model"),
    mapped("model-file path -", "refused without onnx-file or --model"),
    mapped("proto-file path -", "refused without onnx-file or --model"),
    mapped("model-engine-file path -", "refused without onnx-file or --model, else left alone: no engine is needed"),
    *no("a model sealed by faceir is opened with FACEIR_KEY, an .etlt not at all", "tlt-model-key text -"),
    *no("an INT8 model carries its scales", "int8-calib-file path -"),
    yes("labelfile-path path -", "one class a line; without it the model's own classes"),
    yes("net-scale-factor float 1.0", "only 1/255, which is built in"),
    yes("offsets floats -", "only zeros, as the nets take no means off"),
    yes("mean-file path -", "refused, as the nets take no means off"),
    mapped("model-color-format int 0 0,1,2", "all the same: the net sees luminance"),
    yes("infer-dims ints -", "channels;height;width, must be the model's"),
    mapped("input-dims ints -", "infer-dims"),
    mapped("uff-input-dims ints -", "infer-dims"),
    mapped("batch-size int 1 1..1024", why.SINGLY),
    mapped("network-mode int 0 0,1,2", "0: computed in FP32; 1, 2: in what is fastest, and INT8 if the file is INT8"),
    yes("network-type int 0 0", "detectors only"),
    yes("process-mode int 1 1", "whole frames only"),
    yes("num-detected-classes int - 1..1024", "must be there"),
    yes("interval int 0 0..", "frames between two that are looked at, of each stream"),
    yes("cluster-mode int 0 0,1,2,3,4"),
    mapped("enable-dbscan flag 0", "cluster-mode=1, where that key is missing"),
    mapped("maintain-aspect-ratio flag 0", "Fit.keep_aspect"),
    mapped("symmetric-padding flag 0", "the picture lies at the top left; boxes come back to the same place"),
    yes("filter-out-class-ids ints -"),
    *no(why.DEVICE, "gpu-id int 0", "enable-dla flag 0", "use-dla-core int 0"),
    *no(_NAMED, "uff-input-blob-name text -", "output-blob-names texts -"),
    *no("a contract's input is channels, height, width", "uff-input-order int 0", "network-input-order int 0"),
    *no("DetectNet_v2's grids are the only output that is read", "parse-bbox-func-name text -",
         "custom-lib-path path -", "custom-network-config path -", "engine-create-func-name text -"),
    *no("pictures are shrunk by area, as in training", "scaling-filter int 0", "scaling-compute-hw int 0"),
    *no(why.TENSORRT, "workspace-size int 0", "force-implicit-batch-dim flag 0", "layer-device-precision texts -",
         "output-io-formats texts -", "output-buffer-pool-size int 2"),
    *no(why.TENSORS, "output-tensor-meta flag 0", "input-tensor-from-meta flag 0", "output-instance-mask flag 0",
         "tensor-meta-pool-size int 6"),
    *no(why.ONE, "gie-unique-id int 15"),
    *no(why.SECOND, "operate-on-gie-id int -1", "operate-on-class-ids ints -", "crop-objects-to-roi-boundary flag 0",
         "input-object-min-width int 0", "input-object-min-height int 0", "input-object-max-width int 0",
         "input-object-max-height int 0", "secondary-reinfer-interval int 0"),
    *no(_CLASSIFIER, "classifier-threshold float 0", "classifier-async-mode flag 0", "is-classifier flag 0",
         "threshold float 0", "classifier-type text -", "segmentation-threshold float 0"),
))  # fmt: skip

_CLASS_ATTRS = GroupKeys("class-attrs-all|class-attrs-N", (
    yes("pre-cluster-threshold float 0.2 0.."),
    mapped("threshold float - 0..", "pre-cluster-threshold, where that key is missing"),
    yes("post-cluster-threshold float 0 0..", "not with cluster-mode 0, whose boxes score -0.1 in DeepStream"),
    yes("nms-iou-threshold float 0.3 0..1"),
    yes("topk int -1 -1.."),
    yes("eps float 0 0.."),
    yes("group-threshold int 0 0..", "0: boxes are not grouped"),
    yes("minBoxes int 0 0..", "0: boxes are not grouped"),
    yes("dbscan-min-score float 0 0.."),
    yes("detected-min-w int 0 0..", "pixels of the streammux's frame"),
    yes("detected-min-h int 0 0..", "pixels of the streammux's frame"),
    yes("detected-max-w int 0 0..", "pixels of the streammux's frame, 0: any"),
    yes("detected-max-h int 0 0..", "pixels of the streammux's frame, 0: any"),
    yes("roi-top-offset int 0 0..", "pixels of the streammux's frame"),
    yes("roi-bottom-offset int 0 0..", "pixels of the streammux's frame"),
    yes("border-color colour 1;0;0;1", "class 0's is that of all boxes"),
    *no("boxes are not filled", "bg-color colour -"),
))  # fmt: skip

INFER: Kept = (_PROPERTY, _CLASS_ATTRS)
"""Groups of config_infer_primary*.txt."""
