"""The picture that shows what is wrong: the worst frame with marks, its gray values, the light over time, the words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceir.errors import InputError
from faceir.flow import Image
from faceir.runtime.doctor import limits
from faceir.runtime.doctor.finding import Finding
from faceir.runtime.doctor.look import Look, Sample
from faceir.runtime.doctor.measures import histogram, saturated
from faceir.runtime.doctor.report import Report
from faceir.runtime.draw import draw

__all__ = ["draw_report", "write_report"]

_GROUND, _PANEL, _INK, _FAINT = (18, 20, 24), (32, 35, 41), (232, 234, 237), (140, 146, 156)
_RED, _LIGHT = (235, 64, 52), (100, 160, 250)
_COLOUR = {"problem": (235, 64, 52), "warning": (240, 170, 40), "note": (100, 160, 250)}
_PICTURE_WH, _CHART_WH, _GAP, _WORDS_W = (800, 520), (392, 150), 16, 540


def write_report(report: Report, path: Path) -> None:
    """`draw_report` as a picture file; raises `InputError` for an ending that is none."""
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(part), draw_report(report)[:, :, ::-1]):
            raise InputError(path, "cannot be written", "a .png or .jpg file in a folder that can be written")
    except cv2.error as error:
        raise InputError(path, "has an ending that is no picture's", "a .png or .jpg file") from error
    part.replace(path)


def draw_report(report: Report) -> Image:
    """RGB `[H,W,3]` of everything in `report`."""
    words = _words(report)
    height = max(_PICTURE_WH[1] + _CHART_WH[1] + 3 * _GAP + 24, len(words) + 2 * _GAP)
    page = np.full((height, _PICTURE_WH[0] + _WORDS_W + 3 * _GAP, 3), _GROUND, np.uint8)
    _put(page, words, (_PICTURE_WH[0] + 2 * _GAP, _GAP))
    shown = report.shown()
    if shown is None:
        _write(page, "no picture came", (_GAP, _PICTURE_WH[1] // 2), _FAINT, 0.8)
        return page
    sample, finding = shown
    _put(page, _marked(sample), (_GAP, _GAP))
    which = f"frame {sample.index}" + (f": {finding.name}" if finding else ", nothing wrong") + "; red is burnt out"
    below = _PICTURE_WH[1] + _GAP + 20
    _write(page, which, (_GAP, below), _FAINT, 0.45)
    _put(page, _gray_values(sample), (_GAP, below + 10))
    _put(page, _over_time(report.look), (_GAP + _PICTURE_WH[0] - _CHART_WH[0], below + 10))
    return page


def _marked(sample: Sample) -> Image:
    """The frame with its faces and burnt-out places, as large as there is room."""
    rgb = np.repeat(sample.gray[:, :, None], 3, axis=2)
    rgb[saturated(sample.gray)] = _RED
    rgb = draw(rgb, sample.faces.upright)
    for x1, y1, x2, y2 in sample.faces.near.xyxy.astype(int).tolist():
        cv2.rectangle(rgb, (x1, y1), (x2, y2), _COLOUR["warning"], max(1, round(min(rgb.shape[:2]) / 360)))
    scale = min(_PICTURE_WH[0] / rgb.shape[1], _PICTURE_WH[1] / rgb.shape[0])
    to_wh = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(rgb, to_wh, interpolation=how), np.uint8)


def _gray_values(sample: Sample) -> Image:
    """How many pixels have each gray value; the root of it, so that few are seen too."""
    counts = np.sqrt(histogram(sample.gray).astype(np.float64))
    panel = _panel("gray values 0 to 255")
    room = _CHART_WH[1] - 30
    for value, count in enumerate(counts / max(counts.max(), 1.0)):
        x = 4 + value * (_CHART_WH[0] - 8) // 256
        colour = _RED if value >= 250 else _LIGHT
        cv2.rectangle(panel, (x, _CHART_WH[1] - 4 - round(room * count)), (x, _CHART_WH[1] - 4), colour, -1)
    return panel


def _over_time(look: Look) -> Image:
    """The brightest hundredth of each frame; red below where it is dark."""
    panel = _panel("light of each frame (brightest hundredth); red is dark")
    high = np.array([v.tones.high for v in look.vitals])
    room, wide = _CHART_WH[1] - 30, _CHART_WH[0] - 8
    level = _CHART_WH[1] - 4 - round(room * limits.BRIGHTNESS.wrong / 255)
    cv2.line(panel, (4, level), (4 + wide, level), _FAINT, 1)
    for n, (value, vitals) in enumerate(zip(high, look.vitals, strict=True)):
        x1, x2 = 4 + n * wide // len(high), 4 + (n + 1) * wide // len(high) - 1
        top = _CHART_WH[1] - 4 - round(room * value / 255)
        cv2.rectangle(panel, (x1, top), (max(x2, x1), _CHART_WH[1] - 4), _RED if vitals.dark else _LIGHT, -1)
    return panel


def _panel(title: str) -> Image:
    panel = np.full((_CHART_WH[1], _CHART_WH[0], 3), _PANEL, np.uint8)
    _write(panel, title, (6, 16), _FAINT, 0.42)
    return panel


def _words(report: Report) -> Image:
    """The findings, each with its number and what to do, `[H,540,3]`."""
    lines: list[tuple[str, tuple[int, int, int], float]] = []
    verdict = "healthy" if report.healthy else "not healthy"
    lines += [(line, _INK, 0.6) for line in textwrap.wrap(report.look.name, 46)]
    lines.append((verdict, (80, 200, 120) if report.healthy else _RED, 0.7))
    for finding in report.findings:
        lines.append(("", _INK, 0.3))
        lines += [(line, _COLOUR[finding.severity], 0.5) for line in textwrap.wrap(finding.says, 58)]
        lines += [(line, _FAINT, 0.43) for line in textwrap.wrap(_number(finding), 68)]
        lines += [(line, _INK, 0.43) for line in textwrap.wrap(f"-> {finding.do}", 68)]
    panel = np.full((_GAP + sum(_line_height(s) for *_, s in lines), _WORDS_W, 3), _GROUND, np.uint8)
    y = 0
    for text, colour, scale in lines:
        y += _line_height(scale)
        _write(panel, text, (0, y), colour, scale)
    return panel


def _number(finding: Finding) -> str:
    if finding.measured is None:
        return f"wanted: {finding.wanted}" if finding.wanted else ""
    return f"{finding.measured:.3g} ({finding.unit}), wanted {finding.wanted}"


def _line_height(scale: float) -> int:
    return round(38 * scale) + 4


def _write(canvas: Image, text: str, at: tuple[int, int], colour: Sequence[int], scale: float) -> None:
    plain = text.encode("ascii", "replace").decode()  # OpenCV has no other letters
    cv2.putText(canvas, plain, at, cv2.FONT_HERSHEY_SIMPLEX, scale, tuple(colour), 1, cv2.LINE_AA)


def _put(page: npt.NDArray[np.uint8], part: Image, at: tuple[int, int]) -> None:
    x, y = at
    page[y : y + part.shape[0], x : x + part.shape[1]] = part
