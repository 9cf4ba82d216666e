"""COCO labels: there and back, and what is broken in a document costs its pictures alone, and is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceir.data import coco_labels
from faceir.data.convert import Plan
from faceir.data.convert import convert as run
from faceir.data.entry import Classes, Entry
from faceir.errors import InputError
from tests.data.test_coco import BOX, IMAGE, dump, frames, write

HUGE = 10**400
NO_IDS = ([], {}, None, True, float("nan"), [[1]], {"id": 1})
OTHER_IDS = (3, "text", 1.5, HUGE, float("inf"))
ODD_NAMES = ("a\0.png", "\ud800.png", "", " ", None, 3, [], "x" * 5000 + ".png", "a/" * 3000 + "a.png")
ODD_BOXES = (
    None, [], {}, [1, 2, 3], [1, 2, 0, 4], [1, 2, -3, 4], [1, 2, HUGE, 4], [1, 2, float("nan"), 4], ["1", 2, 3, 4],
    [1, 2, 3, None], [1, 2, 3, [4]], [1e300, 2, 3, 4], [1e9, 2, 1e-3, 4], [True, 2, 3, 4], "1234", [-HUGE, 2, 3, 4],
)  # fmt: skip
ODD_REST = (
    {"category_id": []}, {"category_id": {}}, {"category_id": 9}, {"category_id": None}, {"category_id": HUGE},
    {"occlusion": 10}, {"occlusion": HUGE}, {"occlusion": "much"}, {"truncation": 2}, {"truncation": []},
    {"track_id": 1.5}, {"track_id": HUGE}, {"track_id": {}}, {"score": float("nan")}, {"score": -1},
)  # fmt: skip


def came_of(path: Path) -> tuple[list[Entry], list[InputError], Classes]:
    classes = Classes()
    every = list(coco_labels.read(path, classes))
    return [c for c in every if isinstance(c, Entry)], [c for c in every if isinstance(c, InputError)], classes


def test_no_picture(tmp_path: Path) -> None:
    assert came_of(write(tmp_path / "none.json", []))[:2] == ([], [])


def test_labels_there_and_back(tmp_path: Path) -> None:
    made = frames(tmp_path)
    back, told, classes = came_of(write(tmp_path / "labels.json", made))
    assert (told, classes.names) == ([], ["face"])
    assert [str(entry.item.picture) for entry in back] == [frame.source for frame in made]
    for one, other in zip(made, back, strict=True):
        np.testing.assert_allclose(other.faces.xyxy, one.detections.xyxy, atol=2e-3)
        for column in ("labels", "occlusion", "truncation", "track_ids"):
            np.testing.assert_array_equal(getattr(other.faces, column), getattr(one.detections, column))
        np.testing.assert_array_equal(other.frame().gray, one.gray)


@settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    broken_images=st.dictionaries(
        st.integers(0, 3),
        st.sampled_from([{"id": v} for v in NO_IDS + OTHER_IDS] + [{"file_name": v} for v in ODD_NAMES]) | st.just(7),
        max_size=2,
    ),
    broken_rows=st.dictionaries(
        st.integers(0, 7),
        st.sampled_from(
            [{"image_id": v} for v in (*NO_IDS, 4, "other", 2.5, -HUGE, float("-inf"))]
            + [{"bbox": v} for v in ODD_BOXES]
            + list(ODD_REST)
        )
        | st.just(7),
        max_size=3,
    ),
)
def test_a_broken_part_costs_its_pictures_and_is_named(
    tmp_path_factory: pytest.TempPathFactory, broken_images: dict[int, Any], broken_rows: dict[int, Any]
) -> None:
    """Of four pictures with two faces each: those that nothing is wrong with come whole, all else is told by number."""

    def with_faults(row: dict[str, Any], fault: Any) -> Any:
        return row | fault if isinstance(fault, dict) else fault

    images = [{"id": f"n{n}", "file_name": f"{n}.png", "width": 9, "height": 9} for n in range(4)]
    rows = [{"image_id": f"n{n // 2}", "category_id": 1, "bbox": [1, 2, 3, 4]} for n in range(8)]
    document = {
        "categories": [{"id": 1, "name": "face"}],
        "images": [with_faults(row, broken_images.get(n, {})) for n, row in enumerate(images)],
        "annotations": [with_faults(row, broken_rows.get(n, {})) for n, row in enumerate(rows)],
    }
    path = dump(tmp_path_factory.mktemp("odd") / "a.json", document)
    back, told, _ = came_of(path)
    named = " ".join(str(error) for error in told)
    named.encode()  # can be written into a report
    with_id = {n for n, row in broken_images.items() if isinstance(row, dict) and "id" in row}
    lost_ids = with_id | {n for n, row in broken_images.items() if not isinstance(row, dict)}
    found = {entry.item.picture.name: len(entry.faces) for entry in back}
    for n in range(4):
        mine = [row for row in (2 * n, 2 * n + 1) if row in broken_rows]
        wandering = [row for row in mine if not isinstance(broken_rows[row], dict) or "image_id" in broken_rows[row]]
        if n in broken_images and n not in with_id:
            assert f"images[{n}]" in named
        elif n not in broken_images:
            assert found.get(f"{n}.png") == (2 - len(wandering) if mine == wandering else None)
            assert all(f"annotations[{row}]" in named for row in mine)
        if n in lost_ids:  # its faces are of a picture that nobody knows
            assert all(f"annotations[{row}]" in named for row in (2 * n, 2 * n + 1))


def test_a_conversion_goes_on_and_names_what_was_broken(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    path = write(tmp_path / "set" / "labels.json", frames(tmp_path / "set"))
    document = json.loads(path.read_text())
    document["annotations"][1]["bbox"][2] = -1
    document["images"].append({"id": [], "file_name": "\ud800"})
    dump(path, document)
    result = run(Plan(path, "coco", tmp_path / "out", "kitti"))
    assert (result.pictures, result.skips) == (3, 2)
    report = [json.loads(line) for line in (tmp_path / "out" / "conversion.jsonl").read_text().splitlines()]
    first, second = [line for line in report if line["kind"] == "skipped"]
    assert first["where"].endswith("labels.json: annotations[1]")
    assert first["came"].startswith("has an inverted or empty bbox")
    assert first["came"].endswith("its image 3 is left out")
    assert second["where"].endswith("labels.json: images[4]")
    assert second["came"] == "has the id [], which is none"


@pytest.mark.parametrize("name", ["/abs/a.png", "../../a.png", "x/../../a.png", "~/a.png", "a.png/../../../b.png"])
def test_names_that_lead_elsewhere_stay_names(tmp_path: Path, name: str) -> None:
    """They are read there, as other programs write such, but nothing is written outside of the target."""
    (entry,), told, _ = came_of(dump(tmp_path / "a.json", {"images": [IMAGE | {"file_name": name}]}))
    assert (entry.item.picture, told) == (tmp_path / name, [])


def test_ids_may_be_text_and_classes_are_compared_in_lower_case(tmp_path: Path) -> None:
    document = {
        "images": [{"id": "a", "file_name": "a.jpg"}],
        "categories": [{"id": "f", "name": "Face"}, {"id": 8, "name": "car"}, {"id": 9, "name": "DontCare"}],
        "annotations": [BOX | {"image_id": "a", "category_id": key} for key in ("f", 8, 9)],
    }
    (entry,), _, classes = came_of(dump(tmp_path / "a.json", document))
    assert (entry.faces.labels.tolist(), classes.names) == ([0, 1, -1], ["Face", "car"])
    assert entry.faces.xyxy.tolist() == [[1, 2, 4, 6]] * 3


def test_null_is_unknown(tmp_path: Path) -> None:
    row = BOX | {"occlusion": None, "truncation": None, "track_id": None, "score": None}
    (entry,), told, _ = came_of(dump(tmp_path / "a.json", {"images": [IMAGE], "annotations": [row]}))
    assert (entry.faces.occlusion.tolist(), entry.faces.track_ids.tolist(), told) == ([-1], [-1], [])


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([], "has no list of images"),
        ({"images": 3}, "'images' is not a list"),
        ({"images": [IMAGE], "annotations": {}}, "'annotations' is not a list"),
        ({"images": [IMAGE], "annotations": [BOX | {"image_id": 5}]}, "annotations of 1 images that it does not list"),
        (
            {"images": [IMAGE], "annotations": [BOX, BOX | {"category_id": 2}]},
            "has 2 category ids and nothing that names them",
        ),
    ],
)
def test_what_is_no_document_is_refused(tmp_path: Path, document: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        came_of(dump(tmp_path / "a.json", document))


def test_what_two_share_is_told(tmp_path: Path) -> None:
    document = {
        "images": [IMAGE, IMAGE | {"file_name": "b.jpg"}, {"id": 2, "file_name": "c.jpg"}],
        "categories": [{"id": 1, "name": "face"}, {"id": 1, "name": "car"}, {"id": 2, "name": "\ud800"}],
        "annotations": [BOX],
    }
    (entry,), told, _ = came_of(dump(tmp_path / "a.json", document))
    assert entry.item.picture.name == "c.jpg"
    assert [str(error).partition(": ")[2].partition(":")[0] for error in told] == [
        "categories[1]", "categories[2]", "images[0]", "images[1]",
    ]  # fmt: skip


@pytest.mark.parametrize("depth", range(900, 1000, 9))
def test_deep_nesting_is_told(tmp_path: Path, depth: int) -> None:
    """Whatever JSON reads, a message can name, though it stands deeper in the stack."""
    deep = "[" * depth + "]" * depth
    whole = {"categories": [{"id": 1, "name": "face"}], "images": [IMAGE, {"id": 2, "file_name": "b.jpg"}]}
    for key in ("bbox", "score", "occlusion", "track_id", "category_id", "image_id"):
        text = json.dumps(whole | {"annotations": [BOX | {key: "DEEP"}]}).replace('"DEEP"', deep)
        try:
            back, told, _ = came_of(dump(tmp_path / "a.json", text))
        except InputError as error:
            assert "is not JSON" in str(error)  # noqa: PT017  # from some depth on
        else:
            assert len(back) == (2 if key == "image_id" else 1)
            assert [str(error).partition(": ")[2][:14] for error in told] == ["annotations[0]"]


def test_a_number_of_many_digits_costs_its_picture(tmp_path: Path) -> None:
    digits = "9" * 5000
    text = json.dumps({"images": [IMAGE, {"id": 2, "file_name": "b.jpg"}], "annotations": [BOX]})
    (entry,), (error,), _ = came_of(dump(tmp_path / "a.json", text.replace("[1, 2, 3, 4]", f"[1, 2, {digits}, 4]")))
    assert entry.item.picture.name == "b.jpg"
    assert "annotations[0]: bbox is inf" in str(error)
