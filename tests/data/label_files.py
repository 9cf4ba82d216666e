"""Small data sets in every format, random faces, and records of TAO for tests of the readers."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st

from faceir.data import convert as converting
from faceir.data import tfrecords
from faceir.data.entry import Classes, Entry
from faceir.data.formats import FORMATS, guess
from faceir.data.kitti import format_lines
from faceir.detections import DONT_CARE, Detections

SIZE_WH = (160, 120)
CLASSES = ("face", "Person_face")


@st.composite
def faces(draw: Any, inside: bool = False) -> Detections:
    """Up to five boxes on an eighth of a thousandth pixel, some of them regions to ignore, some beyond the picture."""
    count = draw(st.integers(0, 5))
    low, width, height = (0, *SIZE_WH) if inside else (-30, 200, 200)
    boxes = []
    for _ in range(count):
        x1, y1 = (draw(st.floats(low, side - 1, width=32)) for side in (width, height))
        x2, y2 = (
            draw(st.floats(float(np.float32(v + 0.5)), side, width=32)) for v, side in ((x1, width), (y1, height))
        )
        boxes.append([x1, y1, x2, y2])
    column = lambda values: np.array(draw(st.lists(values, min_size=count, max_size=count)))  # noqa: E731
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        labels=column(st.sampled_from([DONT_CARE, 0, 0, 1])).astype(np.int64),
        track_ids=column(st.sampled_from([-1, 0, 7, 2**53 + 1])).astype(np.int64),
        occlusion=column(st.integers(-1, 9)).astype(np.int8),
        truncation=column(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0])).astype(np.float32),
    )


def write_kitti(folder: Path, some: Sequence[Detections]) -> Path:
    """`folder/cam/...`, a picture for each, named p0, p1 ..."""
    for name in ("images", "labels"):
        (folder / "cam" / name).mkdir(parents=True)
    for n, found in enumerate(some):
        picture = np.full((SIZE_WH[1], SIZE_WH[0], 3), 20 + n, np.uint8)
        picture[10 + 7 * n % 50 : 60, 5 * n % 60 : 90] = 200
        cv2.imwrite(str(folder / "cam" / "images" / f"p{n}.png"), picture)
        (folder / "cam" / "labels" / f"p{n}.txt").write_text(format_lines(found, CLASSES, with_scores=False))
    return folder


def convert(source: Path, out: Path, target: str, **rest: Any) -> converting.Result:
    return converting.convert(converting.Plan(source, guess(source), out, target, **rest))


def read_all(where: Path, form: str | None = None, images: Path | None = None) -> tuple[dict[str, Entry], Classes]:
    """Pictures by stem; fails for anything that was skipped."""
    classes, found = Classes(), {}
    for came in FORMATS[form or guess(where)].read(where, classes, images):
        assert isinstance(came, Entry), came
        found[came.item.picture.stem] = came
    return found, classes


def example(features: Mapping[str, Sequence[Any]]) -> bytes:
    """A serialised tf.train.Example."""
    message = tfrecords.example()()
    for key, values in features.items():
        kind = {bytes: "bytes_list", float: "float_list", int: "int64_list"}[type(values[0]) if values else float]
        getattr(message.features.feature[key], kind).value.extend(values)
    return bytes(message.SerializeToString())


def framed(data: bytes) -> bytes:
    """As a TFRecord."""
    length = struct.pack("<Q", len(data))
    return (
        length + struct.pack("<I", tfrecords.masked(length)) + data + struct.pack("<I", tfrecords.masked(data))
    )  # fmt: skip


def tao_record(name: str, found: Detections) -> bytes:
    """One picture as TAO's `dataset_convert` writes it."""
    edges = {f"target/coordinates_{edge}": found.xyxy[:, n].tolist() for n, edge in enumerate(("x1", "y1", "x2", "y2"))}
    names = ["dontcare" if label == DONT_CARE else CLASSES[label].lower() for label in found.labels.tolist()]
    return example(
        {
            "frame/id": [name.encode()],
            "frame/width": [SIZE_WH[0]],
            "frame/height": [SIZE_WH[1]],
            "target/object_class": [name.encode() for name in names],
            "target/truncation": found.truncation.tolist(),
            "target/occlusion": found.occlusion.tolist(),
            "target/observation_angle": [0.0] * len(found),
            **edges,
        }
    )
