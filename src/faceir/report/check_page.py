"""What a check found as one web page, on which a person accepts or rejects and saves a corrections file.

It holds its pictures and fetches nothing. Its only script is `check.js`, named by its hash in the page's policy.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from faceir.data import kitti
from faceir.data.check.finding import RULES, Finding, Xyxy
from faceir.data.check.labelled import rows_of
from faceir.data.check.run import Checked
from faceir.data.folder import Item
from faceir.errors import InputError
from faceir.report.files import template
from faceir.report.pictures import Box

__all__ = ["MOST_PICTURES", "Sheet", "asking", "render", "sheets"]

MOST_PICTURES = 200
_SIDE = 640  # px, the longest of a picture in the page


@dataclass(frozen=True)
class Sheet:
    """One picture with all that was found of it."""

    picture: str
    uri: str
    """Empty when it cannot be shown."""
    size_wh: tuple[int, int]
    boxes: tuple[Box, ...]
    findings: tuple[tuple[int, Finding], ...]
    """With their numbers on the page; the worst first."""


def sheets(
    findings: Sequence[Finding], items: Iterable[Item], root: Path, most: int = MOST_PICTURES,
    on_picture: Callable[[], None] = lambda: None,
) -> list[Sheet]:  # fmt: skip
    """The `most` worst pictures of `findings`, which are ranked; each is read once. `items` are those of `root`.

    A note that changes nothing asks for no decision, so it is not shown.
    """
    of_picture: dict[str, list[tuple[int, Finding]]] = {}
    for number, finding in enumerate(findings):
        if _asks(finding):
            of_picture.setdefault(finding.picture, []).append((number, finding))
    shown = list(of_picture)[:most]
    item_of = _items_of(set(shown), items, root)
    made = []
    for picture in shown:
        made.append(_sheet(picture, of_picture[picture], item_of[picture]))
        on_picture()
    return made


def asking(findings: Iterable[Finding]) -> int:
    """Pictures with a finding that asks for a decision: as many `sheets` shows at most."""
    return len({finding.picture for finding in findings if _asks(finding)})


def _asks(finding: Finding) -> bool:
    return bool(finding.picture) and (finding.severity != "note" or finding.change is not None)


def _items_of(pictures: set[str], items: Iterable[Item], root: Path) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in items if pictures else ():
        name = item.named(root)[0]
        if name in pictures:
            found[name] = item
        if len(found) == len(pictures):
            break
    return found


def _sheet(picture: str, found: Sequence[tuple[int, Finding]], item: Item) -> Sheet:
    uri, size_wh = "", (1, 1)
    try:
        image = kitti.decode(item.picture_data(), item.picture)
        uri, size_wh = _packed(image), (image.shape[1], image.shape[0])
    except InputError:
        pass  # that it cannot be read is among the findings
    return Sheet(picture, uri, size_wh, tuple(_boxes(found, item)), tuple(found))


def _packed(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> str:
    """A small JPEG as a data URI."""
    shrink = min(_SIDE / max(image.shape[:2]), 1)
    size_wh = (max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink)))
    small = cv2.cvtColor(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _boxes(found: Sequence[tuple[int, Finding]], item: Item) -> Iterable[Box]:
    """The labels as they are, then what is in question, then what is proposed."""
    try:
        rows = rows_of((item.label_data() or b"").decode("utf-8"))[0]
    except (InputError, UnicodeDecodeError):
        rows = ()
    for row in rows:
        yield Box(row.xyxy, "ignored" if row.ignored else "truth", f"line {row.line}: {row.name}")
    for number, finding in found:
        if finding.xyxy is not None:
            yield Box(finding.xyxy, f"missed of-{number}", f"{finding.code}: {finding.words}")
        if finding.suggested is not None:
            yield Box(finding.suggested, f"found of-{number}", "proposed")


def render(checked: Checked, shown: Sequence[Sheet], dataset: str) -> str:
    """The page as HTML text. Raises `MissingExtra` without jinja2."""
    script = resources.files("faceir.report").joinpath("check.js").read_text(encoding="utf-8")
    known = [(number, finding) for sheet in shown for number, finding in sheet.findings]
    facts = _facts(known, checked.sha256)
    counts = checked.counts()
    return template("check.html.j2", escape=True).render(
        dataset=dataset,
        checked=checked,
        counts=counts,
        rules=RULES,
        severities={code: RULES[code].severity for code in counts},
        sheets=shown,
        asking=asking(checked.findings),
        others=[finding for finding in checked.ranked() if not finding.picture],
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        facts=facts,
        digest=hashlib.sha256(facts.encode()).hexdigest()[:16],
        width=_width,
    )


def _facts(known: Iterable[tuple[int, Finding]], sha256: Mapping[str, str | None]) -> str:
    """What the script needs of each finding, as JSON that cannot end its element."""
    facts = {
        number: {
            "picture": finding.picture,
            "label": finding.label,
            "sha256": sha256.get(finding.label),
            "code": finding.code,
            "line": finding.line,
            "xyxy": finding.xyxy,
            "change": None if finding.change is None else {"line": finding.change.line, "text": finding.change.text},
        }
        for number, finding in known
    }
    return json.dumps(facts).replace("<", "\\u003c")


def _width(xyxy: Xyxy) -> tuple[float, float, float, float]:
    """x, y, width and height for SVG."""
    x1, y1, x2, y2 = xyxy
    return x1, y1, max(x2 - x1, 0), max(y2 - y1, 0)
