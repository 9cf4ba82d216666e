"""COCO detections: there and back, pycocotools reads what is written, and what is wrong is told with counts."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceir.data import coco
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from faceir.flow import Frame

FACE = {"face": "face"}
BOX = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
IMAGE = {"id": 1, "file_name": "a.jpg"}


def frames(folder: Path, count: int = 4) -> list[Frame]:
    """Pictures on disk with 0, 1, 2, .. faces, one region to ignore in the last."""
    rng = np.random.default_rng(0)
    made = []
    for n in range(count):
        path = folder / "images" / f"p{n}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.full((60, 80 + n), n, np.uint8))
        corner = rng.uniform(0, 30, (n, 2))
        faces = Detections(
            np.concatenate([corner, corner + rng.uniform(5, 25, (n, 2))], axis=1),
            rng.uniform(0, 1, n),
            labels=[0] * (n - 1) + [DONT_CARE if n == count - 1 else 0] * (n > 0),
            occlusion=rng.integers(-1, 9, n),
            truncation=[0.25] * n,
            track_ids=np.arange(n) - 1,
        )
        made.append(Frame.of(np.full((60, 80 + n), n, np.uint8), detections=faces, source=str(path), index=n))
    return made


def write(path: Path, some: list[Frame], **rest: Any) -> Path:
    with coco.Writer(path, **rest) as writer:
        for frame in some:
            writer.write(frame)
    return path


def dump(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_no_picture(tmp_path: Path) -> None:
    assert coco.read_detections(write(tmp_path / "r.json", [], with_scores=True), FACE, ("face",)) == ({}, False)


def test_detections_there_and_back(tmp_path: Path) -> None:
    made = frames(tmp_path)
    by_name, complete = coco.read_detections(
        write(tmp_path / "r.json", made, with_scores=True), FACE, ("face",), write(tmp_path / "labels.json", made)
    )
    assert complete
    assert list(by_name) == [f"images/p{n}.png" for n in range(len(made))]
    for frame, found in zip(made, by_name.values(), strict=True):
        sure = frame.detections[frame.detections.labels != DONT_CARE]
        np.testing.assert_allclose(found.xyxy, sure.xyxy, atol=2e-3)
        np.testing.assert_allclose(found.scores, sure.scores, atol=1e-6)
    bare, complete = coco.read_detections(tmp_path / "r.json", FACE, ("face",))
    assert not complete  # an empty picture has no row
    assert {name: len(found) for name, found in bare.items()} == {
        name: len(found) for name, found in by_name.items() if len(found)
    }


def test_pycocotools_reads_labels_and_detections(tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    made = frames(tmp_path, 6)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(write(tmp_path / "labels.json", made)))
        found = truth.loadRes(str(write(tmp_path / "r.json", made, with_scores=True)))
        judge = COCOeval(truth, found, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    for key, frame in enumerate(made, 1):
        rows = truth.loadAnns(truth.getAnnIds(imgIds=key))
        assert [row["iscrowd"] for row in rows] == [int(label < 0) for label in frame.detections.labels]
        np.testing.assert_allclose(
            [row["bbox"] for row in rows] or np.zeros((0, 4)),
            np.concatenate(
                [frame.detections.xyxy[:, :2], frame.detections.xyxy[:, 2:] - frame.detections.xyxy[:, :2]], axis=1
            ),
            atol=2e-3,
        )
    assert judge.stats[0] == pytest.approx(1)  # the truth as detections


def test_image_ids_are_those_of_the_labels(tmp_path: Path) -> None:
    made = frames(tmp_path)
    ids = {f"images/p{n}.png": 70 + n for n in range(4)}
    rows = json.loads(write(tmp_path / "r.json", made, with_scores=True, image_ids=ids).read_text())
    assert {row["image_id"] for row in rows} == {71, 72, 73}
    with pytest.raises(InputError, match="no image id"):
        write(tmp_path / "s.json", made, with_scores=True, image_ids={"other.png": 1})


def test_after_an_error_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError), coco.Writer(tmp_path / "x.json") as writer:
        writer.write(Frame.of(np.zeros((4, 4), np.float32)))  # type: ignore[arg-type]
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (5, "is not a list of results"),
        ([BOX], "1 of 1 boxes have no score"),
        ([BOX | {"score": 1.5}, BOX | {"score": 0.5}, BOX | {"score": -3}], "2 of 3 scores lie outside 0..1, such as"),
        ([BOX | {"score": "high"}], "1 of 1 scores lie outside"),
        ([BOX | {"score": 1, "category_id": 1}, BOX | {"score": 1, "category_id": 2}], "2 category ids and nothing"),
        ([{"score": 0.5, "category_id": 1, "bbox": [1, 2, 3, 4]}], "detection 0: has no image_id"),
        ([BOX | {"score": 0.5, "image_id": []}], "detection 0: has no image_id"),
        ([BOX | {"score": 0.5, "bbox": [1, 2, 10**400, 4]}], "detection 0: bbox is 1000"),
        ([BOX | {"score": 0.5, "bbox": [1, 2, 0, 4]}], "detection 0: has an inverted or empty"),
        ([BOX | {"score": 0.5, "category_id": {}}, BOX | {"score": 0.5}], "2 category ids and nothing"),
    ],
)
def test_wrong_detections_are_told(tmp_path: Path, rows: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        coco.read_detections(dump(tmp_path / "r.json", rows), FACE, ("face",))


def test_images_that_the_labels_do_not_list_are_counted(tmp_path: Path) -> None:
    labels = dump(tmp_path / "labels.json", {"images": [IMAGE]})
    rows = dump(tmp_path / "r.json", [BOX | {"score": 1, "image_id": key} for key in (1, 2, 3)])
    with pytest.raises(InputError, match=r"2 of its 3 images are not listed in .*labels.json, such as 2"):
        coco.read_detections(rows, FACE, ("face",), labels)
