"""TAO's TFRecords: checksums against published values and another writer, folds, and what a broken byte costs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceir.data import tfrecords
from faceir.data.entry import Classes, Entry
from faceir.detections import DONT_CARE, Detections
from faceir.errors import InputError
from tests.data.label_files import SIZE_WH, example, framed, tao_record

FACES = Detections([[1.5, 2, 30, 40], [5, 5, 9, 9]], labels=[1, DONT_CARE], occlusion=[3, 0], truncation=[0.25, 0])


def read(where: Path, **rest: object) -> tuple[list[Entry | Exception], Classes]:
    classes = Classes()
    return list(tfrecords.read(where, classes, **rest)), classes  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "crc"),
    [(bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E), (b"123456789", 0xE3069283)],
)
def test_checksum_is_that_of_rfc_3720(data: bytes, crc: int) -> None:
    assert tfrecords.crc32c(data) == crc


def test_tensorboard_writes_the_same_frames(tmp_path: Path) -> None:
    writer = pytest.importorskip("tensorboard.summary.writer.record_writer")
    some = [b"", b"a", bytes(range(256)) * 5]
    with (tmp_path / "x").open("wb") as file:
        records = writer.RecordWriter(file)
        for data in some:
            records.write(data)
    assert (tmp_path / "x").read_bytes() == b"".join(map(framed, some))
    assert list(tfrecords.records(tmp_path / "x")) == some
    assert tfrecords.count(tmp_path / "x") == 3


def test_records_of_tao(tmp_path: Path) -> None:
    for fold in (0, 1):
        name = f"set-fold-{fold:03d}-of-002-shard-00000-of-00001"
        (tmp_path / name).write_bytes(framed(tao_record(f"images/p{fold}", FACES)))
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "p0.jpg"), np.zeros(SIZE_WH[::-1], np.uint8))
    (first, second), classes = read(tmp_path)
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert classes.names == ["person_face"]
    assert first.faces.labels.tolist() == [0, DONT_CARE]
    for column in ("xyxy", "occlusion", "truncation"):
        np.testing.assert_array_equal(getattr(first.faces, column), getattr(FACES, column))
    assert (first.split, second.split) == ("val", "train")
    assert first.item.picture == tmp_path / "images" / "p0.jpg"
    assert first.frame().gray.shape == first.size_wh[::-1]
    assert second.item.picture.name == "p1.png"


def test_a_broken_record_costs_itself_and_a_broken_length_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "r.tfrecord"
    one = framed(tao_record("p", FACES))
    path.write_bytes(one + one[:20] + b"\xff" + one[21:] + one)
    first, broken, last = read(path)[0]
    assert isinstance(first, Entry)
    assert isinstance(last, Entry)
    assert isinstance(broken, InputError)
    assert f"byte {len(one)}: a record is broken" in str(broken)
    path.write_bytes(one + b"\xff" + one[1:] + one)
    first, broken = read(path)[0]
    assert f"{2 * len(one)} bytes are lost" in str(broken)
    path.write_bytes(one + one[:-1])
    assert "ends within a record" in str(read(path)[0][1])


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ({}, "lacks frame/id"),
        ({"frame/id": [b"a"], "target/object_class": [b"face"]}, "differ in length"),
        ({"frame/id": [b"\xff"]}, "lacks frame/id"),
        ({"frame/id": [b"a\0b"]}, "zero byte"),
    ],
)
def test_records_of_others_are_told(tmp_path: Path, features: dict[str, list[object]], says: str) -> None:
    path = tmp_path / "r.tfrecord"
    path.write_bytes(framed(example(features)))
    (error,), _ = read(path)
    assert isinstance(error, InputError)
    assert says in str(error)


def test_an_inverted_box_is_named(tmp_path: Path) -> None:
    features = {
        f"target/coordinates_{e}": [v] for e, v in zip(("x1", "y1", "x2", "y2"), (5.0, 1.0, 4.0, 2.0), strict=True)
    }
    features |= {"target/truncation": [0.0], "target/occlusion": [0]}
    record = example({"frame/id": [b"a"], "target/object_class": [b"face"], **features})
    (tmp_path / "r").write_bytes(framed(record))
    assert "record 0: face 1: is inverted" in str(read(tmp_path)[0][0])


def test_no_records(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello, this is no record at all")
    with pytest.raises(InputError, match="holds no TFRecords"):
        read(tmp_path)
