from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceir.detections import Detections
from faceir.flow import Frame
from faceir.runtime.deepstream.filter import FaceFilter, MuxFrame
from faceir.runtime.deepstream.infer import ClassAttrs

ANY = ClassAttrs(0.2, 0, 0.3, -1, 0, 0, 0, 0, (0, 0), (0, 0), 0, 0, (1, 0, 0, 1))
PICTURE = np.zeros((100, 200), np.uint8)


def faces(*xyxy: tuple[float, float, float, float], labels: list[int] | None = None) -> Frame:
    boxes = np.array(xyxy, np.float32).reshape(-1, 4)
    found = Detections(boxes, np.ones(len(boxes), np.float32), np.array(labels or [0] * len(boxes)))
    return Frame.of(PICTURE).with_detections(found)


def kept(attrs: ClassAttrs, frame: Frame, mux: MuxFrame | None = None) -> list[float]:
    return [float(x) for x in FaceFilter([attrs], mux=mux)(frame).detections.xyxy[:, 0]]


SMALL, WIDE, HIGH, LOW = (0, 40, 10, 50), (1, 40, 61, 60), (2, 0, 22, 20), (3, 80, 23, 100)


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({}, [0, 1, 2, 3]),
        ({"min_wh": (11, 0)}, [1, 2, 3]),
        ({"min_wh": (10, 10)}, [0, 1, 2, 3]),
        ({"min_wh": (0, 15)}, [1, 2, 3]),
        ({"max_wh": (59, 0)}, [0, 2, 3]),
        ({"max_wh": (60, 20)}, [0, 1, 2, 3]),
        ({"max_wh": (0, 10)}, [0]),
        ({"roi_top": 1}, [0, 1, 3]),
        ({"roi_bottom": 1}, [0, 1, 2]),
        ({"roi_bottom": 40}, [0, 1, 2]),
        ({"roi_top": 30, "roi_bottom": 45}, [0]),
    ],
)
def test_each_limit(limits: dict[str, object], wanted: list[float]) -> None:
    assert kept(replace(ANY, **limits), faces(SMALL, WIDE, HIGH, LOW)) == wanted  # type: ignore[arg-type]


def test_nothing_in_nothing_out() -> None:
    frame = faces()
    assert FaceFilter([replace(ANY, roi_top=5)])(frame) is frame
    assert FaceFilter([ANY]).idle
    assert not FaceFilter([ANY], left_out=[0]).idle


def test_classes_have_limits_of_their_own() -> None:
    keep = FaceFilter([replace(ANY, min_wh=(50, 0)), ANY, ANY], left_out=[2])
    frame = keep(faces(SMALL, WIDE, SMALL, SMALL, labels=[0, 0, 1, 2]))
    assert frame.detections.labels.tolist() == [0, 1]


def test_limits_count_in_the_mux_frame() -> None:
    """A picture of 200 x 100 on a frame of 400 x 400: stretched 2 x 4, padded 2 x 2."""
    wide = replace(ANY, min_wh=(0, 30))
    assert kept(wide, faces(SMALL), MuxFrame((400, 400))) == [0]
    assert kept(wide, faces(SMALL), MuxFrame((400, 400), padded=True)) == []
    assert kept(wide, faces(SMALL), MuxFrame()) == []
    assert kept(replace(ANY, roi_bottom=199), faces(LOW), MuxFrame((400, 400), padded=True)) == [3]
    assert kept(replace(ANY, roi_bottom=201), faces(LOW), MuxFrame((400, 400), padded=True)) == []


@given(
    st.lists(st.tuples(*[st.integers(0, 100)] * 4), max_size=6),
    st.tuples(*[st.integers(0, 60)] * 6),
)
def test_agrees_with_the_plain_rule(boxes: list[tuple[int, int, int, int]], limits: tuple[int, ...]) -> None:
    min_w, min_h, max_w, max_h, top, bottom = limits
    attrs = replace(ANY, min_wh=(min_w, min_h), max_wh=(max_w, max_h), roi_top=top, roi_bottom=bottom)
    upright = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in boxes]

    def fits(x1: int, y1: int, x2: int, y2: int) -> bool:
        w, h = x2 - x1, y2 - y1
        return (w >= min_w and h >= min_h and (not max_w or w <= max_w) and (not max_h or h <= max_h)
                and y1 >= top and y2 <= 100 - bottom)  # fmt: skip

    out = FaceFilter([attrs])(faces(*upright)).detections.xyxy.tolist()
    assert out == [[float(v) for v in box] for box in upright if fits(*box)]
