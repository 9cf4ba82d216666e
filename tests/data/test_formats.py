"""Which format is this, COCO as others write it, and every reader on broken files: no crash, nothing in silence."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceir.data.convert import Plan
from faceir.data.convert import convert as run
from faceir.data.entry import Classes, Entry
from faceir.data.formats import FORMATS, guess
from faceir.detections import DONT_CARE, Detections
from faceir.errors import FaceirError, InputError
from tests.data.label_files import CLASSES, convert, framed, read_all, tao_record, write_kitti

FACES = Detections(
    [[1.5, 2, 30, 40], [5, 5, 90, 90], [7, 7, 20, 20]], labels=[0, 1, DONT_CARE], occlusion=[3, 0, -1],
    truncation=[0.25, 0, -1],
)  # fmt: skip


_KEYS = (
    "images", "annotations", "categories", "id", "image_id", "category_id", "bbox", "file_name", "name", "iscrowd",
)  # fmt: skip


def data_sets(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Of each format a data set of three pictures, and the file of it to break."""
    write_kitti(folder / "kitti", [FACES, Detections(), FACES])
    found = {"kitti": (folder / "kitti", folder / "kitti" / "cam" / "labels" / "p0.txt")}
    for target, label in (
        ("coco", "labels.json"), ("voc", "Annotations/p0.xml"), ("yolo", "labels/cam/p0.txt"), ("csv", "labels.csv"),
        ("wider", "wider_face_split/wider_face_train_bbx_gt.txt"),
    ):  # fmt: skip
        convert(folder / "kitti", folder / target, target)
        found[target] = folder / target, folder / target / label
    (folder / "tfrecords").mkdir()
    path = folder / "tfrecords" / "x-fold-000-of-002"
    path.write_bytes(b"".join(framed(tao_record(f"images/p{n}", FACES)) for n in range(3)))
    (folder / "tfrecords" / "images").symlink_to(folder / "kitti" / "cam" / "images")
    return found | {"tfrecords": (folder / "tfrecords", path)}


@pytest.fixture(scope="module")
def made() -> object:
    with tempfile.TemporaryDirectory() as name:
        yield data_sets(Path(name))


def mutated(data: bytes, seed: int) -> bytes:
    """Some bytes changed, cut out, doubled or put in."""
    rng, out = random.Random(seed), bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(5):
            case 0:
                out[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del out[at : at + rng.randint(1, 30)]
            case 2:
                out[at:at] = out[at : at + rng.randint(1, 40)]
            case 3:
                out[at:at] = rng.choice(
                    [b"-", b"nan", b"1e99", b"\0", b"\n", b'"', b"[]", b"{}", b"null", b"0", b",", b"<"]
                )
            case _:
                out = out[:at]
    return bytes(out)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    form=st.sampled_from([name for name in FORMATS if name != "shards"]),
    breaking=st.one_of(st.binary(max_size=200), st.integers(0, 2**32)),
    whole=st.booleans(),
)
def test_broken_files_are_told_and_nothing_is_left_out_in_silence(
    made: dict[str, tuple[Path, Path]], form: str, breaking: bytes | int, whole: bool
) -> None:
    """A reader yields pictures and errors, or raises one that a user can mend; so does a conversion."""
    folder, path = made[form]
    before = path.read_bytes()
    try:
        path.write_bytes(breaking if isinstance(breaking, bytes) else mutated(before, breaking))
        for came in FORMATS[form].read(path if whole and form in ("coco", "csv", "wider") else folder, Classes(), None):
            assert isinstance(came, Entry | FaceirError)
        with tempfile.TemporaryDirectory() as name:
            result = run(Plan(folder, form, Path(name, "out"), "voc", pictures="none"))
            told = sum('"skipped"' in line for line in Path(name, "out", "conversion.jsonl").read_text().splitlines())
            assert told == result.skips
            if form in ("kitti", "yolo", "voc", "tfrecords") and result.pictures < 3:
                assert result.skips  # what is not there is told
    except FaceirError:
        pass
    finally:
        path.write_bytes(before)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda some: st.lists(some, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            some, max_size=5,
        ),
        max_leaves=20,
    )
)  # fmt: skip
def test_any_json_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, document: object) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(document))
    with contextlib.suppress(FaceirError):
        assert all(isinstance(came, Entry | FaceirError) for came in FORMATS["coco"].read(path, Classes(), None))


def test_every_format_is_recognised_counted_and_read_alike(made: dict[str, tuple[Path, Path]]) -> None:
    for form, (folder, _) in made.items():
        assert guess(folder) == form
        assert FORMATS[form].count(folder) == 3
        found, _ = read_all(folder)
        assert sorted(found) == ["p0", "p1", "p2"]
        faces = found["p0"].faces
        np.testing.assert_allclose(faces.xyxy[0], FACES.xyxy[0], atol=0.51)
        assert (faces.labels == DONT_CARE).sum() == (0 if form == "yolo" else 1)


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("data.yaml", b"names: [a]", "yolo"),
        ("a.xml", b"<annotation/>", "voc"),
        ("some.csv", b"picture", "csv"),
        ("r", framed(b"x"), "tfrecords"),
        ("labels/a.txt", b"0 1 1 1 1", "yolo"),
        ("label_2/a.txt", b"Car 0", "kitti"),
        ("a.json", b'{"images": []}', "coco"),
    ],
)
def test_a_folder_is_known_by_what_lies_in_it(tmp_path: Path, name: str, content: bytes, form: str) -> None:
    path = tmp_path / name
    if path.parent != tmp_path:
        path.parent.mkdir()
        (tmp_path / path.parent.name.replace("label_", "image_").replace("labels", "images")).mkdir()
    path.write_bytes(content)
    assert guess(tmp_path) == form


def test_what_is_no_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("x")
    for where in (tmp_path, tmp_path / "a.xyz", tmp_path / "none"):
        with pytest.raises(InputError, match=r"no label format|does not exist"):
            guess(where)


def test_coco_as_its_authors_lay_it_out(tmp_path: Path) -> None:
    """annotations/instances_val2017.json with pictures in val2017; a category DontCare is a region to ignore."""
    (tmp_path / "val2017").mkdir()
    (tmp_path / "annotations").mkdir()
    cv2.imwrite(str(tmp_path / "val2017" / "7.png"), np.zeros((30, 40), np.uint8))
    box = {"image_id": 7, "bbox": [1, 2, 3, 4]}
    document = {
        "images": [{"id": 7, "file_name": "7.png"}],
        "categories": [{"id": 3, "name": "Face"}, {"id": 4, "name": "DontCare"}],
        "annotations": [box | {"category_id": 3}, box | {"category_id": 4}],
    }
    (tmp_path / "annotations" / "instances_val2017.json").write_text(json.dumps(document))
    found, classes = read_all(tmp_path)
    entry = found["7"]
    assert (entry.size_wh, entry.split, classes.names) == ((40, 30), "val", ["Face"])
    assert entry.faces.labels.tolist() == [0, DONT_CARE]


def test_pycocotools_reads_what_was_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pycocotools.coco import COCO

    convert(write_kitti(tmp_path / "set", [FACES]), tmp_path / "out", "coco")
    truth = COCO(str(tmp_path / "out" / "labels.json"))
    rows = truth.loadAnns(truth.getAnnIds())
    np.testing.assert_allclose(rows[0]["bbox"], [1.5, 2, 28.5, 38], atol=1e-3)
    assert [row["iscrowd"] for row in rows] == [0, 0, 1]
    assert [c["name"] for c in truth.loadCats(truth.getCatIds())] == list(CLASSES)
    (picture,) = truth.loadImgs(truth.getImgIds())
    assert (tmp_path / "out" / picture["file_name"]).is_file()


def test_a_broken_manifest_is_told(tmp_path: Path) -> None:
    write_kitti(tmp_path, [FACES])
    for manifest in (b"picture,set,terms,split\n\xff\n", b"set,terms,split,picture\na\n"):
        (tmp_path / "manifest.csv").write_bytes(manifest)
        for use in (FORMATS["kitti"].count, lambda where: list(FORMATS["kitti"].read(where, Classes(), None))):
            with pytest.raises(InputError, match=r"manifest\.csv: (cannot be read|line 2 has other)"):
                use(tmp_path)
