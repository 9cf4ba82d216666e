"""Shards: the same pictures, labels and rows as the folder, by one seek; other programs read them too."""

import json
import pickle
import tarfile
import tracemalloc

import cv2
import numpy as np
import pytest

from faceir.data import kitti, shards
from faceir.data.items import Selected
from faceir.data.pack import Limit, pack
from faceir.errors import InputError

LINE = "face 0 2 0 1 1 9 9 0 0 0 0 0 0 0\n"
CLASSES = ({"face": "face"}, ("face",))


@pytest.fixture
def folder(tmp_path):
    """Seven pictures of two sets with a manifest; one without label file, one without face, one name with dots."""
    rng = np.random.default_rng(0)
    rows = ["picture,set,terms,split,modality"]
    for n, name in enumerate(("a/images/0", "a/images/1.x", "a/images/2", "b/images/0", "b/images/1", "b/images/2")):
        path = tmp_path / "set" / f"{name}.{'png' if n % 2 else 'jpg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 255, (12, 16, 3)).astype(np.uint8))
        label = path.parent.parent / "labels" / f"{path.stem}.txt"
        label.parent.mkdir(exist_ok=True)
        if n != 4:
            label.write_text((LINE + "DontCare 0 0 0 1 1 5 5 0 0 0 0 0 0 0\n") * n)
        rows.append(f"{path.relative_to(tmp_path / 'set')},{name[0]},free,{'val' if n == 2 else 'train'},ir{n}")
    (tmp_path / "set" / "manifest.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "set"


def packed(folder, out, per_shard=4):
    return pack(kitti.walk(folder), folder, out, Limit(per_shard))


def files(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


def same(one, other):
    for a, b in zip(one, other, strict=True):
        assert (a.source, a.about, a.picture_data(), a.label_data()) == (
            b.source,
            b.about,
            b.picture_data(),
            b.label_data(),
        )
        x, y = kitti.read_frame(a, *CLASSES), kitti.read_frame(b, *CLASSES)
        assert np.array_equal(x.rgb, y.rgb)
        assert np.array_equal(x.gray, y.gray)
        assert np.array_equal(x.detections.xyxy, y.detections.xyxy)


def test_shards_hold_what_the_folder_holds(folder, tmp_path):
    made = packed(folder, tmp_path / "out")
    assert (made.shards, made.pictures, made.faces, made.skipped) == (2, 6, 0 + 1 + 2 + 3 + 0 + 5, ())
    found = shards.find(tmp_path / "out")
    same(found, kitti.find(folder))
    assert found[-1].picture.name == "2.png"
    assert [i.picture for i in found[1:3]] == [found[1].picture, found[2].picture]
    assert found.sets() == {"a": 3, "b": 3}
    with pytest.raises(IndexError):
        found[6]
    same(pickle.loads(pickle.dumps(found)), found)
    with pytest.raises(InputError, match="label file"):
        found[4].check()
    found[3].check()


@pytest.mark.parametrize(
    "want", [kitti.Filter("val"), kitti.Filter(exclude_set=("a",)), kitti.Filter("train", ("free",))]
)
def test_filters_choose_the_same_pictures(folder, tmp_path, want):
    packed(folder, tmp_path / "out")
    found = shards.find(tmp_path / "out", want)
    assert isinstance(found, Selected)
    same(found, kitti.find(folder, want))
    assert sum(found.sets().values()) == len(found)
    with pytest.raises(InputError, match="holds no labelled picture"):
        shards.find(tmp_path / "out", kitti.Filter("test"))


def test_the_same_pictures_give_the_same_bytes(folder, tmp_path):
    packed(folder, tmp_path / "one")
    (folder / "a" / "images" / "2.jpg").touch()
    packed(folder, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_what_is_whole_is_kept_and_what_was_cut_is_mended(folder, tmp_path):
    out = tmp_path / "out"
    packed(folder, out, 2)
    whole = files(out)
    assert packed(folder, out, 2).kept == 3
    first = out / "faceir-000001.tar"
    first.write_bytes(first.read_bytes()[:-600])
    (out / "index.json").unlink()
    (out / "faceir-000002.json").unlink()
    (out / "faceir-000002.tar.part").write_bytes(b"x")
    made = packed(folder, out, 2)
    assert (made.kept, files(out)) == (1, whole)
    (folder / "b" / "labels" / "2.txt").write_text(LINE)
    assert packed(folder, out, 2).kept == 2
    same(shards.find(out), kitti.find(folder))
    assert packed(folder, out, 6).shards == 1
    assert not (out / "faceir-000001.tar").exists()


def test_verify_names_what_differs(folder, tmp_path):
    out = tmp_path / "out"
    packed(folder, out)
    heard = []
    assert shards.verify(out, heard.append) == []
    assert heard == [1, 2, 3]
    broken = bytearray((out / "faceir-000000.tar").read_bytes())
    broken[700] ^= 1
    (out / "faceir-000000.tar").write_bytes(broken)
    (out / "faceir-000001.tar").unlink()
    first, second = shards.verify(out)
    assert "faceir-000000.tar: has sha256" in str(first)
    assert "faceir-000001.tar: does not exist" in str(second)
    with pytest.raises(InputError, match=r"faceir-000001\.tar: No such file"):
        shards.find(out)[5]


def test_unreadable_pictures_are_skipped_and_named(folder, tmp_path):
    (folder / "a" / "images" / "0.jpg").write_bytes(b"")
    (folder / "b" / "images" / "0.png").write_bytes(b"no picture")
    made = packed(folder, tmp_path / "out", 1)
    assert made.skipped == ("a/images/0.jpg: is empty (0 bytes)", "b/images/0.png: cannot be decoded as a picture")
    assert (tmp_path / "out" / "skipped.txt").read_text().splitlines() == list(made.skipped)
    same(shards.find(tmp_path / "out"), [i for n, i in enumerate(kitti.find(folder)) if n not in (0, 3)])


def test_pictures_outside_of_the_folder_are_skipped_and_named(folder, tmp_path):
    (tmp_path / "x.png").write_bytes((folder / "a" / "images" / "1.x.png").read_bytes())
    with (folder / "manifest.csv").open("a") as file:
        file.write(f"{tmp_path}/x.png,c,free,train,ir\n../x.png,c,free,train,ir\n")
    made = packed(folder, tmp_path / "out")
    assert made.pictures == 6
    assert made.skipped == tuple(f"{name}: lies outside of the folder" for name in (tmp_path / "x.png", "../x.png"))


def test_names_and_ends_are_those_of_the_folder(folder, tmp_path):
    packed(folder, tmp_path / "out")
    for one, other in zip(shards.find(tmp_path / "out"), kitti.find(folder), strict=True):
        assert one.named(tmp_path / "out") == other.named(folder)
        for first, last in ((1 << 17, 1 << 12), (3, 5), (0, 0)):
            assert one.picture_ends(first, last) == other.picture_ends(first, last)
    assert shards.find(tmp_path / "out")[0].named(tmp_path / "out") == ("a/images/0.jpg", "a/labels/0.txt")


def test_other_files_are_not_packed_over(folder, tmp_path):
    with pytest.raises(InputError, match="holds other files"):
        packed(folder, folder)


def test_an_index_that_cannot_be_is_refused(folder, tmp_path):
    packed(folder, tmp_path / "out")
    path = tmp_path / "out" / "index.json"
    index = json.loads(path.read_text())
    for change in ({"format": 2}, {"pictures": 7}, {"shards": [{"name": "../x", "pictures": 6}]}, {"groups": 3}):
        path.write_text(json.dumps(index | change))
        with pytest.raises(InputError, match=r"index\.json"):
            shards.find(tmp_path / "out")
    path.write_text("[")
    with pytest.raises(InputError, match="cannot be read"):
        shards.find(tmp_path / "out")


def test_tarfile_reads_them(folder, tmp_path):
    packed(folder, tmp_path / "out", 6)
    tar = tmp_path / "out" / "faceir-000000.tar"
    with tarfile.open(tar) as opened:
        names = opened.getnames()
        assert names[:6] == ["a/0.jpg", "a/0.txt", "a/0.json", "a/1_x.png", "a/1_x.txt", "a/1_x.json"]
        assert "b/1.txt" not in names
        assert {(m.mtime, m.uid, m.gid, m.mode) for m in opened} == {(0, 0, 0, 0o644)}
        items = kitti.find(folder)
        assert opened.extractfile("b/2.png").read() == items[5].picture_data()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves the tar open
def test_webdataset_reads_them(folder, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    packed(folder, tmp_path / "out", 6)
    tar, items = tmp_path / "out" / "faceir-000000.tar", kitti.find(folder)
    samples = list(webdataset.WebDataset(str(tar), shardshuffle=False))
    assert len(samples) == len(items)
    for sample, item in zip(samples, items, strict=True):
        assert sample[item.picture.suffix[1:]] == item.picture_data()
        assert sample.get("txt") == item.label_data()
        assert json.loads(sample["json"])["row"] == item.about


def test_ten_million_pictures_cost_a_worker_little(tmp_path):
    """A made-up index over sparse files: opening and reading at random keeps nothing a picture in memory."""
    number, per_shard = 10_000_000, 100_000
    header = {"descr": np.lib.format.dtype_to_descr(shards.ROW), "fortran_order": False, "shape": (number,)}
    with (tmp_path / "samples.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + number * shards.ROW.itemsize)
    rows = np.load(tmp_path / "samples.npy", mmap_mode="r+")
    text = json.dumps({"picture": "a/images/0.jpg", "set": "a", "row": {}}).encode()
    rng = np.random.default_rng(0)
    asked = rng.integers(0, number, 200)
    for n in asked:
        rows[n] = (0, 3, 0, 0, 3, len(text), 0, 0)
    del rows
    names = [f"faceir-{n:06d}.tar" for n in range(number // per_shard)]
    for name in names:
        (tmp_path / name).write_bytes(b"jpg" + text)
    index = {
        "format": 1, "pictures": number, "groups": [{"set": "a", "terms": "", "split": ""}],
        "shards": [{"name": name, "pictures": per_shard} for name in names],
    }  # fmt: skip
    (tmp_path / "index.json").write_text(json.dumps(index))
    tracemalloc.start()
    found = pickle.loads(pickle.dumps(shards.find(tmp_path)))
    assert all(found[n].picture_data() == b"jpg" for n in asked.tolist())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == number
    assert peak < 2e6, f"{peak / 1e6:.1f} MB"
