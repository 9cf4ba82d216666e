"""Stored detections in place of a detector: a folder of KITTI files or a COCO file that another program wrote.

They are looked up by the name of the picture, so they answer `detect_items` and not a call with pictures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from faceir.data import coco, kitti
from faceir.detections import Detections
from faceir.errors import InputError
from faceir.flow import Image

__all__ = ["Stored", "read_coco", "read_kitti"]

_LAYERS = frozenset(("images", "labels", "image_2", "label_2"))  # folders that say what lies in them, not whose
_FIELDS = 16
_Key = tuple[str, ...]


class Stored:
    """The detections of pictures known by name.

    `by_name` has an entry a picture: its name without or with folders, with or without suffix. Where several
    pictures share a name, the folders decide. `complete` = a picture without entry is a mistake, else nothing was
    found in it.
    """

    def __init__(self, where: str | Path, by_name: Mapping[str, Detections], complete: bool) -> None:
        self.where, self.complete = where, complete
        self._of: dict[_Key, Detections] = {_key(name): found for name, found in by_name.items()}
        self._named: dict[str, list[_Key]] = defaultdict(list)
        for key in self._of:
            self._named[key[-1]].append(key)

    def __len__(self) -> int:
        return len(self._of)

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """The shape `faceir.flow.Detector`, which these cannot fill: raises `InputError`."""
        raise InputError(
            self.where, "holds stored detections, which cannot see other pictures", "a model", "name one with -m"
        )

    def check(self, items: Sequence[kitti.Item]) -> None:
        """Raise `InputError`, with counts, unless these are detections of `items`."""
        keys = [self._find(item) for item in items]
        lacking = [item for item, key in zip(items, keys, strict=True) if key is None]
        if self._of and len(lacking) == len(items):
            raise InputError(
                self.where,
                f"names none of the {len(items)} pictures: it has {_shown(next(iter(self._of)))!r} and "
                f"{len(self._of) - 1} more, they are {items[0].picture.stem!r} and such",
                "an entry for each picture, named like it",
            )
        if lacking and self.complete:
            raise InputError(
                self.where,
                f"lacks {len(lacking)} of {len(items)} pictures, such as {lacking[0].picture.stem!r}",
                "an entry for each picture, an empty one where nothing was found",
            )
        count = Counter(key for key in keys if key is not None)
        shared = [key for key, n in count.items() if n > 1]
        if shared:
            raise InputError(
                self.where,
                f"{len(shared)} of its names stand for several pictures, such as {_shown(shared[0])!r} "
                f"for {count[shared[0]]}",
                "names with folders: SET/labels/NAME.txt",
            )

    def detect_items(self, items: Sequence[kitti.Item], images: Sequence[Image]) -> list[Detections]:
        """Detections of each of `items`, whose pictures are `images`; raises `InputError` as `check` does.

        Boxes whose middle lies outside the picture were found in one of another size: that is told, too.
        """
        found = []
        for item, image in zip(items, images, strict=True):
            key = self._find(item)
            if key is None and self.complete:
                raise InputError(self.where, f"has no detections of {item.picture.stem!r}", "an entry for each picture")
            mine = self._of[key] if key is not None else Detections()
            height, width = image.shape[:2]
            middle = (mine.xyxy[:, :2] + mine.xyxy[:, 2:]) / 2
            astray = int(((middle < 0) | (middle > (width, height))).any(axis=1).sum())
            if astray:
                raise InputError(
                    self.where,
                    f"{astray} of {len(mine)} boxes of {item.picture.name!r} lie outside its {width} x {height} pixels",
                    "boxes in the pixels of these pictures",
                    "scale them to the size of the picture",
                )
            found.append(mine)
        return found

    def _find(self, item: kitti.Item) -> _Key | None:
        """The entry with the picture's name whose folders agree best with the picture's."""
        candidates = self._named.get(item.picture.stem, [])
        if len(candidates) <= 1:
            return candidates[0] if candidates else None
        picture = _key(str(item.picture))
        agree = [_common_tail(picture, key) for key in candidates]
        best = max(agree)
        if agree.count(best) > 1:
            raise InputError(
                self.where,
                f"{agree.count(best)} of its entries could be {item.picture}, such as {_shown(candidates[0])!r}",
                "names with the folders of the pictures",
            )
        return candidates[agree.index(best)]


def _key(name: str) -> _Key:
    """Folders and stem of a name, without those folders that all pictures or all labels lie in."""
    path = PurePath(name)
    return (*(part for part in path.parts[:-1] if part not in _LAYERS), _stem(path))


def _stem(path: PurePath) -> str:
    """The name without its suffix; "12.5" of a picture without one keeps its dot."""
    return path.stem if path.suffix.lower() in (*kitti.PICTURE_SUFFIXES, ".txt") else path.name


def _common_tail(a: _Key, b: _Key) -> int:
    tail = 0
    while tail < min(len(a), len(b)) and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    return tail


def _shown(key: _Key) -> str:
    return "/".join(key)


def read_kitti(folder: str | Path, class_mapping: Mapping[str, str], classes: Sequence[str]) -> Stored:
    """A folder of KITTI files with 16 fields a line: `NAME.txt`, `labels/NAME.txt` or `SET/labels/NAME.txt`.

    Raises `InputError`, with counts, when no file is found, fields or scores are missing, scores lie outside
    0..1 or no line is of a wanted class.
    """
    folder = Path(folder)
    files = sorted(path for pattern in ("*.txt", "labels/*.txt", "*/labels/*.txt") for path in folder.glob(pattern))
    if not files:
        raise InputError(folder, "holds no detections", "NAME.txt for each picture, in KITTI's format with a score")
    texts = {}
    for path in files:
        try:
            texts[path] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(path, f"cannot be read ({error})", "a KITTI file") from None
    _check_lines(folder, texts, {name.lower() for name in class_mapping})
    by_name = {
        str(path.relative_to(folder)): kitti.parse_lines(text, class_mapping, classes, path)
        for path, text in texts.items()
    }
    return Stored(folder, by_name, complete=True)


def _check_lines(folder: Path, texts: Mapping[Path, str], wanted: set[str]) -> None:
    """What is wrong with many lines alike, told once with counts; `kitti.parse_lines` tells the rest."""
    rows = [line.split() for text in texts.values() for line in text.splitlines() if line.strip()]
    lacks = sum(len(row) == _FIELDS - 1 for row in rows)
    if lacks:
        raise InputError(
            folder, f"{lacks} of {len(rows)} lines have 15 fields and so no score", "KITTI lines with a 16th field"
        )
    outside = [row[-1] for row in rows if len(row) == _FIELDS and _outside(row[-1])]
    if outside:
        raise InputError(
            folder, f"{len(outside)} of {len(rows)} scores lie outside 0..1, such as {outside[0]}", "0..1",
            "map them, for logits by 1 / (1 + exp(-score))",
        )  # fmt: skip
    names = Counter(row[0] for row in rows)
    if rows and not any(name.lower() in wanted for name in names):
        came = ", ".join(f"{name} ({n})" for name, n in names.most_common(5))
        raise InputError(folder, f"no line is of a wanted class, but of {came}", ", ".join(sorted(wanted)))


def _outside(score: str) -> bool:
    try:
        return not 0 <= float(score) <= 1
    except ValueError:
        return False


def read_coco(
    path: str | Path, class_mapping: Mapping[str, str], classes: Sequence[str], images: str | Path | None = None
) -> Stored:
    """A COCO detections file; `images` is the COCO file that names its pictures (`coco.read_detections`)."""
    by_name, complete = coco.read_detections(path, class_mapping, classes, images)
    return Stored(path, by_name, complete)
