"""Coverage-guided fuzzing of everything that reads a user's files: labels, manifests, shards, app configurations.

    python benchmarks/fuzz_readers.py TARGET [--seconds 60] [--keep FOLDER]

Needs atheris (`pip install atheris`), which the project itself does not. A target starts from whole files and ends at
the first exception that is not a `FaceirError`, an error that cannot be printed, or 10 s without an answer; the bytes
that led to it are written into --keep, and given to the script in place of --seconds they are read once more:
`python benchmarks/fuzz_readers.py TARGET --again FILE`. `tests/fuzz` and `tests/data` do the same blindly.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

if find_spec("atheris") is None:
    sys.exit("error: atheris is not installed; type: pip install atheris")

import atheris

with atheris.instrument_imports(include=["faceir"]):
    from faceir.data import kitti, shards, tfrecords
    from faceir.data.convert import Plan, convert
    from faceir.data.entry import Classes, Entry
    from faceir.data.formats import FORMATS, guess
    from faceir.data.pack import Limit, pack
    from faceir.errors import FaceirError
    from faceir.runtime.deepstream.app_config import read_app

import cv2
import numpy as np

LINE = "face 0.25 3 0 10.5 8 40 36 0 0 0 0 0 0 0\nDontCare 0 -1 0 1 1 9 9 0 0 0 0 0 0 0\n"
WRITTEN = {
    "coco": "labels.json",
    "voc": "Annotations/a.xml",
    "yolo": "labels/cam/a.txt",
    "csv": "labels.csv",
    "wider": "wider_face_split/wider_face_train_bbx_gt.txt",
}
TARGETS = ("kitti", *WRITTEN, "wider_mat", "tfrecords", "manifest", "shards", "app")
CONFIGS = Path(__file__).parents[1] / "configs"


def told(error: object) -> None:
    """It must be one that a user can mend, and printable."""
    if not isinstance(error, FaceirError):
        raise TypeError(f"{error!r} is neither a picture nor an error")
    str(error).encode("utf-8")


@contextmanager
def expected() -> Iterator[None]:
    """Where a `FaceirError` may come."""
    try:
        yield
    except FaceirError as error:
        told(error)


def reader(form: str, folder: Path) -> Callable[[], None]:
    """Reads, counts and guesses a data set of that form; each picture's header is opened, too."""

    def use() -> None:
        with expected():
            for came in FORMATS[form].read(folder, Classes(), None):
                if not isinstance(came, Entry):
                    told(came)
                    continue
                with expected():
                    if min(came.size_wh) < 1:
                        raise ValueError(f"a size of {came.size_wh}")
                json.dumps([str(came.item.picture), came.item.source, came.split], ensure_ascii=False).encode("utf-8")
        with expected():
            FORMATS[form].count(folder)
        with expected():
            guess(folder)

    return use


def small_set(folder: Path) -> Path:
    """Two pictures with their labels."""
    for name in ("images", "labels"):
        (folder / "cam" / name).mkdir(parents=True)
    for name in "ab":
        cv2.imwrite(str(folder / "cam" / "images" / f"{name}.png"), np.full((40, 60), ord(name), np.uint8))
        (folder / "cam" / "labels" / f"{name}.txt").write_text(LINE)
    return folder


def record(data: bytes) -> bytes:
    """One TFRecord, its checksums right."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", tfrecords.masked(length)) + data + struct.pack("<I", tfrecords.masked(data))


def tao_example() -> bytes:
    """A picture as TAO writes it."""
    message = tfrecords.example()()
    feature = message.features.feature
    feature["frame/id"].bytes_list.value.append(b"images/a")
    feature["target/object_class"].bytes_list.value.append(b"face")
    for key in ("frame/width", "frame/height", "target/occlusion"):
        feature[key].int64_list.value.append(3)
    for n, key in enumerate(("truncation", *(f"coordinates_{edge}" for edge in ("x1", "y1", "x2", "y2")))):
        feature[f"target/{key}"].float_list.value.append(float(n))
    return bytes(message.SerializeToString())


def mat(path: Path) -> bytes:
    """WIDER FACE's layout with one picture."""
    from scipy.io import savemat  # type: ignore[import-untyped]

    def cell(value: object) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
        made = np.empty((1, 1), object)
        made[0, 0] = value
        return made

    boxes = cell(cell(np.array([[1, 2, 3, 4]])))
    savemat(path, {"event_list": cell("0--a"), "file_list": cell(cell("b")), "face_bbx_list": boxes})
    return path.read_bytes()


def target(name: str, folder: Path) -> tuple[list[bytes], Callable[[bytes], None]]:
    """Whole inputs of a target, and what is done with one."""
    source = small_set(folder / "kitti")
    path, form, where = folder / "kitti" / "cam" / "labels" / "a.txt", "kitti", source
    if name in WRITTEN:
        where, form = folder / name, name
        convert(Plan(source, "kitti", where, name))
        path = where / WRITTEN[name]
    elif name == "manifest":
        path = source / "manifest.csv"
        path.write_text(
            "picture,set,terms,split,note\ncam/images/a.png,cam,free,train,x\ncam/images/b.png,cam,free,val,y\n"
        )
    elif name == "shards":
        pack(kitti.walk(source), source, folder / "shards", Limit(1))
        return _shards(folder / "shards")
    elif name == "tfrecords":
        return _tfrecords(folder / "records")
    elif name == "wider_mat":
        where, form = folder / "wider" / "wider_face_val.mat", "wider"
        where.parent.mkdir()
        path = where
        mat(path)
    elif name == "app":
        shutil.copytree(CONFIGS, folder / "app")
        return _app(next((folder / "app").glob("deepstream_app*.txt")))
    use = reader(form, where)
    if name == "coco":
        return _coco(path, use)

    def one(data: bytes) -> None:
        path.write_bytes(data)
        use()

    return [path.read_bytes()], one


def _coco(path: Path, use: Callable[[], None]) -> tuple[list[bytes], Callable[[bytes], None]]:
    """After an even first byte a file, after an odd one a value of a whole one: in which list, row, key, and what."""
    whole = path.read_bytes()
    keys = sorted({key for rows in json.loads(whole).values() for row in rows for key in row})

    def one(data: bytes) -> None:
        if len(data) < 4 or data[0] % 2 == 0:
            path.write_bytes(data[1:])
        else:
            document = json.loads(whole)
            rows = list(document.values())[data[0] // 2 % len(document)]
            value: object = data[3:].decode("latin-1")
            with suppress(ValueError, RecursionError):
                value = json.loads(data[3:])
            rows[data[1] % len(rows)][keys[data[2] % len(keys)]] = value
            path.write_text(json.dumps(document), encoding="utf-8")
        use()

    values = (b"1", b"-1.5e3", b"[1, 2, 3, 4]", b'"\\ud800"', b'"a/../b"', b"null", b"{}", b"NaN", b"9" * 30)
    return [b"\0" + whole, *(bytes([1, 0, n]) + value for n, value in enumerate(values))], one


def _shards(folder: Path) -> tuple[list[bytes], Callable[[bytes], None]]:
    """The input is an edit: which file, how, where, and with what; one of whole files would shrink to nothing."""
    names = ("index.json", "samples.npy", "faceir-000000.tar", "faceir-000001.tar")
    whole = {folder / name: (folder / name).read_bytes() for name in names}
    paths, use = list(whole), reader("shards", folder)

    def one(data: bytes) -> None:
        if len(data) < 4:
            return
        path, at, added = paths[data[0] % len(paths)], int.from_bytes(data[2:4], "little"), data[4:]
        before = whole[path]
        at %= len(before) + 1
        rest = (len(before), len(before), at, at + len(added))[data[1] % 4]  # another file, a cut, put in, changed
        after = (before[:at] if data[1] % 4 else b"") + added + before[rest:]
        path.write_bytes(after)
        try:
            use()
            with expected():
                if path.suffix != ".json" and after != before and not shards.verify(folder):
                    raise ValueError("what is broken is whole")
            with expected():
                shards.Shards(folder).sets()
            with expected():
                shards.find(folder, kitti.Filter("val"))
        finally:
            path.write_bytes(before)

    index = whole[paths[0]]
    return [bytes([n, how, 9, 0]) + b"1" for n in range(len(paths)) for how in range(4)] + [bytes(4) + index], one


def _tfrecords(folder: Path) -> tuple[list[bytes], Callable[[bytes], None]]:
    """After an even first byte a file, after an odd one a record, which needs no luck with its checksums."""
    folder.mkdir()
    path, use = folder / "a-fold-000-of-002", reader("tfrecords", folder)

    def one(data: bytes) -> None:
        path.write_bytes(record(data[1:]) if data and data[0] % 2 else data[1:])
        use()

    return [b"\0" + record(tao_example()), b"\1" + tao_example()], one


def _app(path: Path) -> tuple[list[bytes], Callable[[bytes], None]]:
    """The first byte says which of the two files of a configuration the others are."""
    whole = {p: p.read_bytes() for p in (path, path.with_name("config_infer_primary_faceir.txt"))}
    paths = list(whole)

    def one(data: bytes) -> None:
        broken = paths[data[0] % 2 if data else 0]
        broken.write_bytes(data[1:])
        try:
            with expected():
                read_app(path)
        finally:
            broken.write_bytes(whole[broken])

    return [bytes([n]) + data for n, data in enumerate(whole.values())], one


def main() -> None:
    """Fuzz one target for as long as it goes well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument(
        "--keep", type=Path, default=Path("fuzz"), help="where the bytes that led to an end are written"
    )
    parser.add_argument("--again", type=Path, help="read these bytes once and end")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        wholes, one = target(asked.target, Path(name))
        if asked.again:
            one(asked.again.read_bytes())
            return
        corpus = Path(name, "corpus")
        corpus.mkdir()
        for n, data in enumerate(wholes):
            (corpus / str(n)).write_bytes(data)
        asked.keep.mkdir(parents=True, exist_ok=True)
        most = max(map(len, wholes)) * 2
        options = [f"-max_total_time={asked.seconds}", "-timeout=10", f"-max_len={most}", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={asked.keep}/{asked.target}-", str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
