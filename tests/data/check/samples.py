"""Pictures with label files, as small as they can be."""

from pathlib import Path

import cv2
import numpy as np

from faceir.data.check.labelled import Labelled, rows_of
from faceir.data.kitti import Item

TAIL = " 0 0 0 0 0 0 0"


def line(box, name="face", truncation=0, occlusion=0):
    return f"{name} {truncation} {occlusion} 0 " + " ".join(map(str, box)) + TAIL


def labelled(*lines, size_wh=(400, 300), **known):
    rows, bad = rows_of("\n".join(lines))
    given = {"sha256": "0" * 64, "rows": rows, "bad": bad, "size_wh": size_wh, **known}
    return Labelled("set/images/a.png", "set/labels/a.txt", ("face",), **given)


def codes(rules, value):
    """Codes of all rules that find something."""
    return {code for code, rule in rules.items() if list(rule(value))}


def folder(root: Path, texts, image=None, suffix=".png"):
    """A data set `root/set` with a label file of each text, None = no file; its items."""
    items = []
    for n, text in enumerate(texts):
        picture, label = root / "set" / "images" / f"{n}{suffix}", root / "set" / "labels" / f"{n}.txt"
        for path in (picture, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        shown = np.random.default_rng(n).integers(0, 255, (60, 80, 3), np.uint8) if image is None else image
        cv2.imwrite(str(picture), shown)
        if text is not None:
            label.write_text(text)
        items.append(Item(picture, label, "set"))
    return items
