"""NVIDIA's FaceDetect-IR files for DeepStream, three editions, key by key."""

from __future__ import annotations

from pathlib import Path

_MODELS = {
    "a": "../../models/tlt_pretrained_models/facedetectir",
    "b": "../../../models/tao_pretrained_models/facedetectir",
    "c": "../../models/tao_pretrained_models/facedetectir",
}
_CLUSTERING = {
    "a": """
## 0=Group Rectangles, 1=DBSCAN, 2=NMS, 3= DBSCAN+NMS Hybrid, 4 = None(No clustering)
[class-attrs-all]
pre-cluster-threshold=0.2
group-threshold=1
## Set eps=0.7 and minBoxes for enable-dbscan=1
eps=0.2
#minBoxes=3
""",
    "b": """cluster-mode=2

#Use the config params below for dbscan clustering mode
#[class-attrs-all]
#detected-min-w=4
#detected-min-h=4
#minBoxes=3
#eps=0.7

#Use the config params below for NMS clustering mode
[class-attrs-all]
topk=20
nms-iou-threshold=0.5
pre-cluster-threshold=0.2

## Per class configurations
[class-attrs-0]
topk=20
nms-iou-threshold=0.5
pre-cluster-threshold=0.4
""",
    "c": """cluster-mode=1

[class-attrs-all]
pre-cluster-threshold=0.05
detected-min-w=4
detected-min-h=4
minBoxes=3
eps=0.7
""",
}


def primary(edition: str) -> str:
    """config_infer_primary_facedetectir.txt."""
    models = _MODELS[edition]
    dims = "infer-dims=3;240;384" if edition == "a" else "input-dims=3;240;384;0"
    return f"""[property]
gpu-id=0
net-scale-factor=0.0039215697906911373
tlt-model-key=tlt_encode
tlt-encoded-model={models}/resnet18_facedetectir_pruned.etlt
labelfile-path=labels_facedetectir.txt
int8-calib-file={models}/facedetectir_int8.txt
model-engine-file={models}/resnet18_facedetectir_pruned.etlt_b1_gpu0_int8.engine
{dims}
uff-input-blob-name=input_1
batch-size=1
process-mode=1
model-color-format=0
## 0=FP32, 1=INT8, 2=FP16 mode
network-mode=1
num-detected-classes=1
interval=0
gie-unique-id=1
output-blob-names=output_bbox/BiasAdd;output_cov/Sigmoid
{_CLUSTERING[edition]}"""


APP = """# Copyright (c) NVIDIA CORPORATION.
[application]
enable-perf-measurement=1
perf-measurement-interval-sec=1

[tiled-display]
enable=1
rows=1
columns=1
width=1280
height=720
gpu-id=0

[source0]
enable=1
#Type - 1=CameraV4L2 2=URI 3=MultiURI
type=3
num-sources=1
uri=file://../../streams/sample_1080p_h265.mp4
gpu-id=0

[streammux]
gpu-id=0
batch-size=1
batched-push-timeout=40000
## Set muxer output width and height
width=1920
height=1080

[sink0]
enable=1
#Type - 1=FakeSink 2=EglSink 3=File
type=2
sync=1
source-id=0
gpu-id=0

[sink1]
enable=0
type=3
#1=mp4 2=mkv
container=1
#1=h264 2=h265 3=mpeg4
codec=1
sync=0
bitrate=2000000
output-file=out.mp4
source-id=0

[sink2]
enable=0
#Type - 1=FakeSink 2=EglSink 3=File 4=RTSPStreaming 5=Overlay
type=4
#1=h264 2=h265
codec=1
sync=0
bitrate=4000000
# set below properties in case of RTSPStreaming
rtsp-port=8554
udp-port=5400

[osd]
enable=1
gpu-id=0
border-width=3
text-size=15
text-color=1;1;1;1;
text-bg-color=0.3;0.3;0.3;1
font=Arial

[primary-gie]
enable=1
gpu-id=0
# Modify as necessary
batch-size=1
#Required by the app for OSD, not a plugin property
bbox-border-color0=1;0;0;1
bbox-border-color1=0;1;1;1
bbox-border-color2=0;0;1;1
bbox-border-color3=0;1;0;1
interval=0
gie-unique-id=1
config-file=config_infer_primary_facedetectir.txt

[tracker]
enable=1
tracker-width=640
tracker-height=384
ll-lib-file=/opt/nvidia/deepstream/deepstream/lib/libnvds_nvmultiobjecttracker.so
ll-config-file=../deepstream-app/config_tracker_NvDCF_perf.yml
#enable-past-frame=1
gpu-id=0

[tests]
file-loop=0
"""
"""deepstream_app_source1_facedetectir.txt."""


def write(folder: Path, edition: str = "b", app: str = APP, primary_text: str | None = None) -> Path:
    """The three files in `folder`; the path of the app's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels_facedetectir.txt").write_text("Face\n")
    (folder / "config_infer_primary_facedetectir.txt").write_text(primary_text or primary(edition))
    path = folder / "deepstream_app_source1_facedetectir.txt"
    path.write_text(app)
    return path
