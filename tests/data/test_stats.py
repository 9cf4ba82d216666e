"""Numbers of a data set against what was put in."""

import json

import cv2
import numpy as np
import pytest

from faceir.data.kitti import Item
from faceir.data.stats import HEAT_WH, collect, modality_of
from faceir.evaluate.measures import look_of
from faceir.fit import Fit

TAIL = " 0 0 0 0 0 0 0\n"


def items_of(root, texts, image):
    items = []
    for n, text in enumerate(texts):
        items.append(Item(root / f"{n}.png", root / f"{n}.txt", "set", {"modality": "nir"} if n == 0 else {}))
        cv2.imwrite(str(items[-1].picture), image)
        items[-1].label.write_text(text)
    return items


def collected(root, texts, image=None, sample=100):
    shown = np.full((480, 768, 3), 90, np.uint8) if image is None else image
    return collect(items_of(root, texts, shown), ("face",), Fit((384, 240)), look_of, sample)


def parts(stats, name):
    (histogram,) = [h for h in stats.histograms() if h.name.startswith(name)]
    return {part: count for part, count in zip(histogram.parts, histogram.counts, strict=True) if count}


def test_labels(tmp_path):
    one = "face 0.30 2 0 100 100 140 150" + TAIL
    ignored = "DontCare 0 -1 0 0 0 50 50" + TAIL
    stats = collected(tmp_path, ["", one, one * 7 + ignored, "face 0 -1 0 700 470 768 480" + TAIL])
    assert (stats.pictures, stats.faces, stats.ignored) == (4, 9, 1)
    assert parts(stats, "faces of a picture") == {"0": 1, "1": 2, "5 to 9": 1}
    assert parts(stats, "height") == {"0 to 8": 1, "24 to 32": 8}
    assert parts(stats, "width over height") == {"0.8 to 0.9": 8, "from 1.5": 1}
    assert parts(stats, "occlusion") == {"unknown": 1, "2": 8}
    assert parts(stats, "truncation") == {"whole": 1, "up to 0.4": 8}
    assert stats.heat().sum() == 9
    assert stats.heat()[-1, -2] == 1
    assert stats.heat().shape == HEAT_WH[::-1]
    assert json.loads(json.dumps(stats.to_json()))["histograms"][1]["counts"]["24 to 32"] == 8


def test_looks_are_of_a_sample(tmp_path):
    stats = collected(tmp_path, [""] * 6, sample=4)
    assert (stats.pictures, stats.looked_at, len(stats.looks)) == (6, 4, 4)
    assert stats.look_quantiles()["brightness"] == pytest.approx((90, 90, 90))
    assert stats.modalities.total() == 4
    nothing = collected(tmp_path, [""], sample=0)
    assert nothing.look_quantiles() == {}
    assert nothing.to_json()["looks"] == {}


def test_what_is_stated_is_not_guessed(tmp_path):
    assert collected(tmp_path, ["", ""]).modalities == {"nir": 1, "gray?": 1}


def test_what_cannot_be_read_is_left_out_and_named(tmp_path):
    items = items_of(tmp_path, ["", "nonsense", ""], np.zeros((20, 20, 3), np.uint8))
    items[2].picture.write_bytes(b"no picture")
    stats = collect(items, ("face",), Fit(), look_of, 9)
    assert stats.pictures == 1
    assert len(stats.left_out) == 2


def test_modality():
    rng = np.random.default_rng(0)
    gray = cv2.GaussianBlur(rng.integers(0, 255, (200, 300), np.uint8), (0, 0), 8)
    assert modality_of(np.stack([gray] * 3, -1)) == "gray"
    tint = np.stack([gray, np.clip(gray.astype(int) - 20, 0, 255), gray], -1).astype(np.uint8)
    assert modality_of(tint) == "tinted"
    other = gray[::-1]
    assert modality_of(np.stack([gray, other, 255 - other], -1)) == "colour"
