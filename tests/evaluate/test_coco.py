from __future__ import annotations

import contextlib
import io
from dataclasses import astuple

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.evaluate import Judged
from faceir.evaluate.coco import coco_scores
from tests.evaluate.scenes import row, scene


def pycocotools_scores(pictures: list[Judged], classes: int) -> np.ndarray:
    """The twelve numbers of the real thing; -1 = cannot be given. Regions to ignore are crowds of every class."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = [], []
    for n, p in enumerate(pictures):
        counted = p.counted if p.counted is not None else np.ones(len(p.truth), bool)
        for box, counts, label in zip(p.truth.xyxy.tolist(), counts_of(counted), p.truth.labels.tolist(), strict=True):
            x1, y1, x2, y2 = box
            for category in [label] if counts else range(classes):
                truth.append(
                    {"id": len(truth) + 1, "image_id": n, "category_id": category, "bbox": [x1, y1, x2 - x1, y2 - y1],
                     "area": (x2 - x1) * (y2 - y1), "iscrowd": int(not counts), "ignore": int(not counts)}
                )  # fmt: skip
        for box, score, label in zip(
            p.found.xyxy.tolist(), p.found.scores.tolist(), p.found.labels.tolist(), strict=True
        ):
            x1, y1, x2, y2 = box
            found.append({"image_id": n, "category_id": label, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": n} for n in range(len(pictures))],
            "categories": [{"id": n} for n in range(classes)],
            "annotations": truth,
        }
        coco.createIndex()
        real = COCOeval(coco, coco.loadRes(found), "bbox")
        real.evaluate()
        real.accumulate()
        real.summarize()
    return np.asarray(real.stats)


def counts_of(mask: np.ndarray) -> list[bool]:
    return [bool(value) for value in mask]


def ours(pictures: list[Judged]) -> np.ndarray:
    return np.array([-1 if value is None else value for value in astuple(coco_scores(pictures))])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("whole", [True, False])
def test_all_twelve_are_pycocotools(seed: int, classes: int, whole: bool) -> None:
    pictures = [scene(1000 * seed + n, whole, classes, most=15, span=400, decimals=2) for n in range(40)]
    np.testing.assert_allclose(ours(pictures), pycocotools_scores(pictures, classes), atol=1e-6)


def test_more_faces_than_count() -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 2000, (160, 2))
    truth = np.concatenate([corner, corner + 40], axis=1)
    p = Judged(Detections(truth), Detections(truth + rng.normal(0, 2, truth.shape), rng.random(160)))
    np.testing.assert_allclose(ours([p] * 2), pycocotools_scores([p] * 2, 1), atol=1e-6)
    assert 0 < ours([p])[6] < 0.01  # one found face a picture


def test_what_cannot_be_given_is_none() -> None:
    empty = coco_scores([])
    assert set(astuple(empty)) == {None}
    only_small = coco_scores([row("hm")])
    assert (only_small.ap_small, only_small.ap_medium, only_small.ar_large) == (
        pytest.approx(0.5, abs=0.01),
        None,
        None,
    )
    assert coco_scores([row("ff")]).ap is None
    assert coco_scores([row("mm")]).ap == 0
