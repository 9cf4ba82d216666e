from __future__ import annotations

from pathlib import Path

import pytest

from faceir.runtime.deepstream.keys import Key, find_group
from faceir.runtime.deepstream.tables import APP, INFER, TRACKER_FILE
from faceir.runtime.deepstream.tables.page import document
from faceir.runtime.deepstream.values import meant

DOCS = Path(__file__).parents[4] / "docs" / "deepstream.md"

# Every key of nvinfer's file, of DeepStream 6.3, that is of use to a detector.
INFER_KEYS = {
    "property": """
        gpu-id net-scale-factor offsets mean-file model-color-format infer-dims input-dims uff-input-dims
        uff-input-blob-name uff-file onnx-file model-file proto-file tlt-encoded-model tlt-model-key model-engine-file
        int8-calib-file labelfile-path batch-size network-mode network-type process-mode num-detected-classes interval
        gie-unique-id operate-on-gie-id operate-on-class-ids output-blob-names cluster-mode parse-bbox-func-name
        custom-lib-path maintain-aspect-ratio symmetric-padding scaling-filter scaling-compute-hw enable-dla
        use-dla-core workspace-size force-implicit-batch-dim layer-device-precision output-io-formats
        output-tensor-meta input-tensor-from-meta output-instance-mask filter-out-class-ids
        crop-objects-to-roi-boundary input-object-min-width input-object-max-width input-object-min-height
        input-object-max-height secondary-reinfer-interval classifier-threshold classifier-async-mode is-classifier
        enable-dbscan threshold uff-input-order custom-network-config engine-create-func-name""",
    "class-attrs-all": """
        pre-cluster-threshold threshold post-cluster-threshold nms-iou-threshold topk eps group-threshold minBoxes
        dbscan-min-score detected-min-w detected-min-h detected-max-w detected-max-h roi-top-offset roi-bottom-offset
        border-color bg-color""",
}
INFER_KEYS["class-attrs-7"] = INFER_KEYS["class-attrs-all"]
_SOURCE = """
    enable type uri num-sources camera-width camera-height camera-fps-n camera-fps-d camera-v4l2-dev-node
    camera-csi-sensor-id camera-id latency gpu-id num-decode-surfaces num-extra-surfaces drop-frame-interval
    intra-decode-enable low-latency-decode cudadec-memtype nvbuf-memory-type rtsp-reconnect-interval-sec
    rtsp-reconnect-attempts select-rtp-protocol udp-buffer-size source-id smart-record smart-rec-cache
    smart-record-dir alsa-device video-format sensorID-padID-mapping init-rtsp-reconnect-interval-sec"""
_GIE = """
    enable plugin-type config-file batch-size model-engine-file labelfile-path interval gie-unique-id
    operate-on-gie-id operate-on-class-ids gpu-id nvbuf-memory-type infer-raw-output-dir bbox-border-color0
    bbox-border-color13 bbox-bg-color0 input-tensor-meta"""
# Every key of deepstream-app, of DeepStream 6.3, and what files of others, from 5.0 to 9, have beyond them.
APP_KEYS = {
    "application": """
        enable-perf-measurement perf-measurement-interval-sec gie-kitti-output-dir kitti-track-output-dir
        reid-track-output-dir global-gpu-id""",
    "tiled-display": """
        enable rows columns width height gpu-id nvbuf-memory-type compute-hw buffer-pool-size square-seq-grid""",
    "source0": _SOURCE,
    "source12": _SOURCE,
    "source-attr-all": _SOURCE,
    "source-list": """
        num-source-bins list sensor-id-list use-nvmultiurisrcbin max-batch-size http-ip http-port sgie-batch-size
        sensor-name-list stream-name-display dummy-payload enable-error-propagation low-latency-mode""",
    "streammux": """
        width height batch-size batched-push-timeout live-source enable-padding gpu-id buffer-pool-size
        nvbuf-memory-type attach-sys-ts-as-ntp frame-duration config-file sync-inputs max-latency
        frame-num-reset-on-eos async-process drop-pipeline-eos num-surfaces-per-frame
        cache-buffer sort-batch align-first-buffer""",
    "sink0": """
        enable type sync qos source-id gpu-id width height container codec enc-type bitrate profile iframeinterval
        output-file rtsp-port udp-port link-to-demux plane-id conn-id color-range nvbuf-memory-type msg-conv-config
        msg-conv-payload-type msg-conv-msg2p-lib msg-conv-comp-id msg-conv-frame-interval msg-broker-proto-lib
        msg-broker-conn-str msg-broker-config msg-broker-comp-id topic new-api disable-msgconv
        display-id overlay-id offset-x offset-y nvdslogger show-fps msg-conv-msg2p-new-api msg-conv-dummy-payload""",
    "osd": """
        enable gpu-id process-mode border-width text-size text-color text-bg-color font show-clock clock-x-offset
        clock-y-offset clock-text-size clock-color display-text display-bbox display-mask hw-blend-color-attr
        nvbuf-memory-type""",
    "primary-gie": _GIE,
    "secondary-gie0": _GIE,
    "tracker": """
        enable tracker-width tracker-height ll-lib-file ll-config-file gpu-id compute-hw display-tracking-id
        tracking-id-reset-mode tracking-surface-type input-tensor-meta tensor-meta-gie-id user-meta-pool-size
        enable-batch-process enable-past-frame""",
    "message-converter": """
        enable msg-conv-config msg-conv-payload-type msg-conv-msg2p-lib msg-conv-comp-id debug-payload-dir
        multiple-payloads msg-conv-msg2p-new-api msg-conv-frame-interval""",
    "message-consumer0": "enable config-file proto-lib conn-str sensor-list-file subscribe-topic-list",
    "tests": "file-loop pipeline-recreate-sec",
    "message-broker": "enable",
    "pre-process": "enable",
    "secondary-pre-process0": "enable",
    "frame-dump": "enable",
    "nvds-analytics": "enable",
    "ds-example": "enable",
    "dewarper": "enable",
    "img-save": "enable",
    "segvisual": "enable",
}


@pytest.mark.parametrize(("table", "listed"), [(INFER, INFER_KEYS), (APP, APP_KEYS)], ids=["nvinfer", "app"])
def test_every_key_is_in_the_table(table: tuple, listed: dict[str, str]) -> None:  # type: ignore[type-arg]
    missing = []
    for name, keys in listed.items():
        group = find_group(table, name)
        missing += (
            [f"[{name}]"] if group is None else [f"[{name}] {key}" for key in keys.split() if not group.find(key)]
        )
    assert missing == []


ROWS = [(group.name, key) for group in (*INFER, *APP, *TRACKER_FILE) for key in group.keys]


@pytest.mark.parametrize(("group", "key"), ROWS, ids=[f"{g}-{k.name}" for g, k in ROWS])
def test_a_row_holds_together(group: str, key: Key) -> None:
    if key.default:
        value = meant(key.default, key.kind)
        assert not key.choices or value in key.choices
        assert key.low is None or (isinstance(value, int | float) and value >= key.low)
    if key.here != "honoured" and key.name != "*":
        assert key.note, "says to what, or why not"


def test_the_page_has_the_table() -> None:
    """When it does not: python -c 'from faceir.runtime.deepstream.tables.page import document; print(document())'."""
    assert document().strip() in DOCS.read_text("utf-8")
