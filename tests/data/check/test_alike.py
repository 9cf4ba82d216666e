"""Pictures that are there twice: the same bytes, the same look, and across splits."""

import cv2
import numpy as np

from faceir.data.check.alike import Print, alike, print_of
from faceir.data.kitti import Item


def one(name, sha256, hashed, split=""):
    return Print(name, f"{name}.txt", split, sha256, hashed)


def told(*prints):
    return [(f.code, f.picture, f.other) for f in alike(prints)]


def test_pairs():
    far = (1 << 64) - 1
    assert told() == []
    assert told(one("a", "1", 0), one("b", "2", far)) == []
    assert told(one("a", "1", 0), one("b", "1", 0)) == [("picture-duplicate", "b", "a")]
    assert told(one("a", "1", None), one("b", "1", None)) == [("picture-duplicate", "b", "a")]
    assert told(one("a", "1", 0), one("b", "2", 1)) == [("picture-alike", "b", "a")]
    assert told(one("a", "1", 0, "train"), one("b", "1", 0, "val")) == [("picture-across-splits", "b", "a")]
    assert told(one("a", "1", 0, "train"), one("b", "2", 3, "val")) == [("picture-across-splits", "b", "a")]
    assert told(one("a", "1", 0, ""), one("b", "1", 0, "val")) == [("picture-duplicate", "b", "a")]


def test_each_picture_is_told_once_and_a_crossing_goes_first():
    prints = [one(str(n), str(n), 0, "train" if n < 4 else "val") for n in range(5)]
    found = told(*prints)
    assert [picture for _, picture, _ in found] == ["1", "2", "3", "4"]
    assert found[-1] == ("picture-across-splits", "4", "0")
    prints = [one("a", "1", 0, "val"), one("b", "2", 1, "train"), one("c", "3", 0, "val")]
    assert told(*prints)[1] == ("picture-across-splits", "c", "b")


def test_prints_of_files(tmp_path):
    image = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 255, (200, 300), np.uint8), (0, 0), 9)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    cv2.imwrite(str(tmp_path / "b.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 60])
    (tmp_path / "c.png").write_bytes(b"no picture")
    prints = [
        print_of(Item(tmp_path / name, tmp_path / "x.txt"), name, "x.txt") for name in ("a.png", "b.jpg", "c.png")
    ]
    assert told(*prints) == [("picture-alike", "b.jpg", "a.png")]
    assert prints[2].hash is None
    assert print_of(Item(tmp_path / "none.png", tmp_path / "x.txt"), "none.png", "x.txt") is None
