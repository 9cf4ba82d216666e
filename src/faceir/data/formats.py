"""Every label format that can be read, by name, and which of them a file or folder is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faceir.data import coco_labels, csv_labels, kitti, shards, tfrecords, voc, wider, yolo
from faceir.data.entry import Came, Classes, Entry, head
from faceir.data.folder import PICTURE_SUFFIXES, Item
from faceir.errors import InputError, need_file

__all__ = ["FORMATS", "Format", "guess"]


@dataclass(frozen=True)
class Format:
    """How a format is read. `count` tells the pictures without reading them, for a progress bar."""

    read: Callable[[Path, Classes, Path | None], Iterator[Came]]
    count: Callable[[Path], int]


def _read_kitti(where: Path, classes: Classes, images: Path | None) -> Iterator[Came]:
    """KITTI folders and our shards, which are KITTI inside."""
    if images is not None:
        raise InputError("--images", f"{where} says itself where its pictures lie", "no --images")
    if shards.is_sharded(where):
        yield from _read_shards(where, classes)
        return
    stems = _Stems()
    for item in kitti.walk(where):
        stems.add(item)
        try:
            yield _kitti_entry(item, classes)
        except InputError as error:
            yield error
    if not (where / "manifest.csv").exists():
        yield from stems.orphans()


def _read_shards(where: Path, classes: Classes) -> Iterator[Came]:
    items = shards.Shards(where)
    _ = items.rows  # told at once, not for each picture
    for number in range(len(items)):
        try:
            yield _kitti_entry(items[number], classes)
        except InputError as error:
            yield error


def _kitti_entry(item: Item, classes: Classes) -> Entry:
    data = item.label_data()
    try:
        text = (data or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(item.label, f"cannot be read ({error})", "a KITTI label file") from None
    unsaid = Counter[str]()
    for line in text.splitlines():
        fields = line.split()
        if fields and classes.label(fields[0]) >= 0:
            unsaid["alpha or 3-D fields"] += any(v.strip("-0.") for v in (*fields[3:4], *fields[8:15]))
    if data is None:
        unsaid["no label file"] = 1
    faces = kitti.parse_lines(text, classes.mapping, classes.names, item.label)
    return Entry(item, faces, unsaid=+unsaid)


class _Stems:
    """Names of the pictures of each folder of labels, to find labels without picture."""

    def __init__(self) -> None:
        self._of: dict[Path, set[str]] = {}

    def add(self, item: Item) -> None:
        self._of.setdefault(item.label.parent, set()).add(item.label.name)

    def orphans(self) -> Iterator[InputError]:
        for folder, names in self._of.items():
            for path in sorted(folder.glob("*.txt")):
                if path.name not in names:
                    yield InputError(path, "has no picture", f"a picture named {path.stem}")


def _wider_lists(where: Path) -> list[Path]:
    return [where] if where.is_file() else wider.lists(where)


def _joined(
    find: Callable[[Path], list[Path]], one: Callable[[Path, Classes, Path | None], Iterator[Came]], wanted: str
) -> Callable[[Path, Classes, Path | None], Iterator[Came]]:
    """A reader of all files that `find` finds."""

    def read(where: Path, classes: Classes, images: Path | None) -> Iterator[Came]:
        found = find(where)
        if not found:
            raise InputError(where, "holds no labels of that format", wanted)
        for path in found:
            yield from one(path, classes, images)

    return read


def _csv_files(where: Path) -> list[Path]:
    if where.is_file():
        return [where]
    ours = where / "labels.csv"
    return [ours] if ours.is_file() else [p for p in sorted(where.glob("*.csv")) if p.name != "manifest.csv"]


def _lines(paths: Iterable[Path], wanted: Callable[[str], bool]) -> int:
    count = 0
    for path in paths:
        with path.open(encoding="utf-8", errors="replace") as file:
            count += sum(1 for line in file if wanted(line))
    return count


def _count_csv(where: Path) -> int:
    last = ""

    def new(line: str) -> bool:
        nonlocal last
        before, last = last, line.split(",", 1)[0]
        return last != before

    return max(_lines(_csv_files(where), new) - 1, 0)


def _count_wider(where: Path) -> int:
    return _lines(
        (p for p in _wider_lists(where) if p.suffix == ".txt"), lambda line: line.strip().endswith(PICTURE_SUFFIXES)
    )


def _count_yolo(where: Path) -> int:
    return sum(1 for p in where.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)


FORMATS = {
    "kitti": Format(_read_kitti, lambda where: sum(1 for _ in kitti.walk(where))),
    "shards": Format(_read_kitti, lambda where: len(shards.find(where))),
    "coco": Format(coco_labels.read, coco_labels.count),
    "voc": Format(voc.read, lambda where: sum(1 for _ in voc.label_files(where))),
    "yolo": Format(yolo.read, _count_yolo),
    "wider": Format(_joined(_wider_lists, wider.read, "wider_face_SPLIT_bbx_gt.txt or .mat"), _count_wider),
    "csv": Format(_joined(_csv_files, csv_labels.read, "labels.csv"), _count_csv),
    "tfrecords": Format(tfrecords.read, lambda where: sum(tfrecords.count(p) for p in tfrecords.files(where))),
}
"""Of the name that `--from` takes."""

_SUFFIXES = {".json": "coco", ".csv": "csv", ".mat": "wider", ".txt": "wider", ".tfrecord": "tfrecords"}


def guess(where: str | Path) -> str:
    """The name of the format of a file or folder; raises `InputError` when it is none that is known."""
    where = Path(where)
    found: str | None
    if where.is_dir():
        found = _guess_folder(where)
    else:
        need_file(where, "labels")
        found = "tfrecords" if tfrecords.is_tfrecord(where) else _SUFFIXES.get(where.suffix.lower())
    if found is None:
        raise InputError(where, "is in no label format that is known here", ", ".join(FORMATS), "name it with --from")
    return found


def _guess_folder(folder: Path) -> str | None:
    """By what only one format has first, by the look of the labels last."""
    if shards.is_sharded(folder):
        return "shards"
    if (folder / "Annotations").is_dir() or any(folder.glob("*.xml")):
        return "voc"
    if wider.lists(folder):
        return "wider"
    if any((folder / name).is_file() for name in ("data.yaml", "data.yml", "dataset.yaml")):
        return "yolo"
    if coco_labels.files(folder):
        return "coco"
    if (folder / "labels.csv").is_file():
        return "csv"
    if any(tfrecords.is_tfrecord(p) for p in folder.iterdir() if "-fold-" in p.name or "tfrecord" in p.name):
        return "tfrecords"
    tops: tuple[Path, ...] = (folder, *sorted(p for p in folder.iterdir() if p.is_dir()))
    if any((top / name).is_dir() for top in tops for name in ("images", "image_2")):
        return _kitti_or_yolo(tops)
    return "csv" if _csv_files(folder) else "tfrecords" if tfrecords.files(folder) else None


def _kitti_or_yolo(tops: Iterable[Path]) -> str:
    """YOLO's lines begin with a number; without a line, KITTI."""
    for top in tops:
        for labels in ("labels", "label_2"):
            for path in (top / labels).rglob("*.txt") if (top / labels).is_dir() else ():
                words = head(path).split()
                if words and path.name not in ("classes.txt", "obj.names"):
                    return "yolo" if words[0].isdigit() else "kitti"
    return "kitti"
