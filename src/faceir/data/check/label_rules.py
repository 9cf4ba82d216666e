"""Rules that need a picture's header and its label file, and no look at the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from faceir import boxes
from faceir.data.check.finding import Change, Finding, Xyxy
from faceir.data.check.labelled import Labelled, Row, array, removed
from faceir.data.guidelines import Rules

__all__ = ["LABEL_RULES"]

_GUIDELINES = Rules()
_SLACK = 1.0  # px beyond the picture that rounding explains
_AT_EDGE = 1.5  # px
_ASPECT = 0.8  # width of a whole face over its height
_ASPECTS = (0.35, 1.7)  # from a profile that a hood narrows to a face that lies on its side
_LEAST_SIDE = 3.0  # px
_SAME, _NESTED = 0.75, 0.9  # IoU of two boxes on one face; share of the inner box that lies in the outer


def picture_unreadable(p: Labelled) -> Iterator[Finding]:
    """A file that is no picture."""
    if p.picture_error:
        yield p.finding("picture-unreadable", p.picture_error, score=1)


def picture_cut_short(p: Labelled) -> Iterator[Finding]:
    """A JPEG or PNG without its end."""
    if not p.whole:
        yield p.finding("picture-cut-short", "its end mark is missing", score=1)


def orientation_flag(p: Labelled) -> Iterator[Finding]:
    """A picture that a flag turns; worse when the boxes fit only the unturned one."""
    if p.orientation == 1 or p.size_wh is None:
        return
    width, height = p.size_wh
    boxed = [row.xyxy for row in p.rows]
    unfit = any(_beyond(xyxy, width, height) for xyxy in boxed)
    swapped = unfit and p.orientation >= 5 and not any(_beyond(xyxy, height, width) for xyxy in boxed)
    what = "; the boxes are those of the unturned picture" if swapped else ""
    yield p.finding("orientation-flag", f"Exif orientation {p.orientation}{what}", score=1 if swapped else 0.3)


def label_missing(p: Labelled) -> Iterator[Finding]:
    """No label file."""
    if p.sha256 is None and not p.label_error:
        yield p.finding("label-missing", f"{p.label} does not exist")


def label_unreadable(p: Labelled) -> Iterator[Finding]:
    """A label file that is no text, or a line of it that is no label."""
    if p.label_error:
        yield p.finding("label-unreadable", p.label_error, score=1)
    for bad in p.bad:
        yield p.finding("label-unreadable", bad.words, line=bad.line, score=0.8)


def label_empty(p: Labelled) -> Iterator[Finding]:
    """A label file that says that there is no face."""
    if p.sha256 is not None and not (p.rows or p.bad or p.label_error):
        yield p.finding("label-empty", "holds no line", score=0)


def class_case(p: Labelled) -> Iterator[Finding]:
    """A class that is one of ours but for capitals."""
    for row in p.faces:
        name = p.spelling[row.name.lower()]
        if row.name != name:
            change = Change(row.line, row.written(name))
            yield p.finding("class-case", f"{row.name!r} for {name!r}", row, change=change, score=0.1)


def class_unknown(p: Labelled) -> Iterator[Finding]:
    """A class that is none of ours."""
    for row in p.rows:
        if not row.ignored and row.name.lower() not in p.spelling:
            yield p.finding("class-unknown", f"{row.name!r} is none of {', '.join(p.classes)}", row)


def box_outside(p: Labelled) -> Iterator[Finding]:
    """A box that reaches out of its picture."""
    if p.size_wh is None:
        return
    width, height = p.size_wh
    for row in p.rows:
        if _beyond(row.xyxy, width, height):
            inside = _inside(row.xyxy, width, height)
            x1, y1, x2, y2 = boxes.clip(array([row]), p.size_wh)[0].tolist()
            change = Change(row.line, row.written(xyxy=(x1, y1, x2, y2))) if x2 > x1 and y2 > y1 else removed(row)
            words = f"{1 - inside:.0%} of the box lies beyond {width}x{height}"
            yield p.finding("box-outside", words, row, score=1 - inside, change=change)


def cut_at_edge(p: Labelled) -> Iterator[Finding]:
    """A face of which the picture shows less than the guidelines want."""
    if p.size_wh is None:
        return
    for row in p.faces:
        visible, how = _visible(row, *p.size_wh)
        if visible < _GUIDELINES.min_visible:
            yield p.finding(
                "cut-at-edge", f"about {visible:.0%} of the face is in the picture ({how})", row,
                score=1 - visible, change=Change(row.line, row.written("DontCare")),
            )  # fmt: skip


def _visible(row: Row, width: int, height: int) -> tuple[float, str]:
    """Share of the face inside the picture, 0..1, and how that is known."""
    if row.truncation > 0:
        return 1 - row.truncation, f"truncation {row.truncation:g}"
    inside = _inside(row.xyxy, width, height)
    if inside < _GUIDELINES.min_visible:
        return inside, "by its box"
    x1, y1, x2, y2 = row.xyxy
    aspect = (x2 - x1) / (y2 - y1)
    sideways = (x1 < _AT_EDGE) != (x2 > width - _AT_EDGE)
    upright = (y1 < _AT_EDGE) != (y2 > height - _AT_EDGE)
    if sideways and not upright and aspect < _ASPECT:
        return aspect / _ASPECT, "by its shape at the edge"
    if upright and not sideways and aspect > _ASPECT:
        return _ASPECT / aspect, "by its shape at the edge"
    return 1.0, ""


def occlusion_missing(p: Labelled) -> Iterator[Finding]:
    """Faces without a level; one finding a picture, as mostly all lack it."""
    unknown = [row for row in p.faces if row.occlusion == -1]
    if unknown:
        count = "1 face lacks" if len(unknown) == 1 else f"{len(unknown)} faces lack"
        yield p.finding("occlusion-missing", f"{count} an occlusion level", score=0)


def occlusion_range(p: Labelled) -> Iterator[Finding]:
    """A level that is none."""
    for row in p.rows:
        if row.occlusion != -1 and row.occlusion not in range(10):
            yield p.finding("occlusion-range", f"occlusion {row.fields[2]}", row)


def occlusion_untrained(p: Labelled) -> Iterator[Finding]:
    """A level above those that are trained."""
    for row in p.faces:
        if row.occlusion in range(_GUIDELINES.max_occlusion + 1, 10):
            yield p.finding("occlusion-untrained", f"level {row.occlusion:g} is not trained", row, score=0.1)


def box_duplicate(p: Labelled) -> Iterator[Finding]:
    """Two boxes of one class that are nearly the same; the later one is named."""
    for first, second, same, _ in _pairs(p.faces):
        if same >= _SAME:
            words = f"the box of line {first.line} again (IoU {same:.2f})"
            yield p.finding("box-duplicate", words, second, score=same, change=removed(second))


def box_nested(p: Labelled) -> Iterator[Finding]:
    """A box that lies inside another one."""
    for first, second, same, inside in _pairs(p.faces):
        if same < _SAME and inside >= _NESTED:
            inner, outer = sorted((first, second), key=lambda row: float(boxes.area(array([row]))[0]))
            yield p.finding("box-nested", f"lies inside the box of line {outer.line}", inner, score=0.3 + same / 2)


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, Row, float, float]]:
    """Pairs of one class in order, with their IoU and the share of the smaller box that lies in the larger."""
    if len(rows) < 2:
        return
    every = array(rows)
    area, overlap, shared = boxes.area(every), boxes.iou(every, every), boxes.intersection(every, every)
    for b in range(len(rows)):
        for a in range(b):
            if shared[a, b] > 0 and rows[a].name.lower() == rows[b].name.lower():
                yield rows[a], rows[b], float(overlap[a, b]), float(shared[a, b] / max(min(area[a], area[b]), 1e-6))


def box_size(p: Labelled) -> Iterator[Finding]:
    """A box of a pixel or two."""
    for row in p.faces:
        x1, y1, x2, y2 = row.xyxy
        if min(x2 - x1, y2 - y1) < _LEAST_SIDE:
            words = f"is {x2 - x1:.1f}x{y2 - y1:.1f} px"
            yield p.finding("box-size", words, row, score=0.5, change=Change(row.line, row.written("DontCare")))


def box_aspect(p: Labelled) -> Iterator[Finding]:
    """A box that no face fills, away from the picture's edge."""
    for row in p.faces:
        x1, y1, x2, y2 = row.xyxy
        aspect = (x2 - x1) / (y2 - y1)
        cut = p.size_wh is not None and _visible(row, *p.size_wh)[0] < 1
        if not _ASPECTS[0] <= aspect <= _ASPECTS[1] and not cut:
            score = min(abs(aspect / _ASPECT - 1), 1.0)
            yield p.finding("box-aspect", f"is {aspect:.2f} times as wide as it is high", row, score=score)


def _beyond(xyxy: Xyxy, width: int, height: int) -> bool:
    return xyxy[0] < -_SLACK or xyxy[1] < -_SLACK or xyxy[2] > width + _SLACK or xyxy[3] > height + _SLACK


def _inside(xyxy: Xyxy, width: int, height: int) -> float:
    """Share of a box inside its picture, 0..1."""
    x1, y1, x2, y2 = xyxy
    shared = max(min(x2, width) - max(x1, 0), 0) * max(min(y2, height) - max(y1, 0), 0)
    return shared / max((x2 - x1) * (y2 - y1), 1e-12)


LABEL_RULES: dict[str, Callable[[Labelled], Iterator[Finding]]] = {
    "picture-unreadable": picture_unreadable,
    "picture-cut-short": picture_cut_short,
    "orientation-flag": orientation_flag,
    "label-missing": label_missing,
    "label-unreadable": label_unreadable,
    "label-empty": label_empty,
    "class-case": class_case,
    "class-unknown": class_unknown,
    "box-outside": box_outside,
    "cut-at-edge": cut_at_edge,
    "occlusion-missing": occlusion_missing,
    "occlusion-range": occlusion_range,
    "occlusion-untrained": occlusion_untrained,
    "box-duplicate": box_duplicate,
    "box-nested": box_nested,
    "box-size": box_size,
    "box-aspect": box_aspect,
}
"""Of each code."""
