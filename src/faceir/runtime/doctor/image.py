"""The picture itself: pixel format, depth and range, focus, noise, fixed patterns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from faceir.runtime.doctor import limits
from faceir.runtime.doctor.finding import Finding
from faceir.runtime.doctor.look import Look
from faceir.runtime.doctor.measures import interleaving, levels_used, stripes_sigma, wrapped

__all__ = ["judge_image"]


def judge_image(look: Look) -> Iterator[Finding]:
    """What is wrong with the picture in `look`; of one whose pixels are no pixels nothing else is told."""
    yield from (
        Finding("format-chosen", "note", f"The source had to choose: {e}.", None, "", "", "state the format, if wrong")
        for e in look.events
        if "bit" in e
    )
    wrong = _pixel_format(look)
    if wrong:
        yield wrong
        return
    yield from _range(look)
    if look.lit:
        yield from _focus(look)
        yield from _noise(look)
        yield from _stripes(look)


def _pixel_format(look: Look) -> Finding | None:
    samples = look.lit or look.dark
    if not samples:
        return None
    kinds = [interleaving(s.gray) for s in samples]
    strange = [k for k in kinds if k.kind]
    at = samples[0].index
    if len(strange) > len(kinds) / 2:
        ratio = float(np.median([k.ratio for k in strange]))
        yuyv = sum(k.kind == "yuyv" for k in strange) > len(strange) / 2
        says = (
            "Wrong pixel format: brightness and colour stand in turn (YUYV taken for gray), seen as stripes."
            if yuyv
            else "Wrong pixel format: the two bytes of deeper samples (Y10, Y12, Y16) are taken for two pixels."
        )
        do = "state the pixel format: " + ("YUYV" if yuyv else "Y16 (or Y10, Y12)") + " instead of GREY"
        unit = "difference of neighbouring columns, times that of every second one"
        return Finding("pixel-format", "problem", says, ratio, unit, "1 or less", do, at)
    jumps = float(np.median([wrapped(s.gray) for s in samples]))
    severity = limits.WRAPPED.severity(jumps)
    if severity:
        says = "Wrong bit depth: bright places jump to black, as when samples deeper than 8 bits lose their upper bits."
        do = "state the sensor's depth (10, 12 bits), so that samples are shifted down and not cut off"
        unit = "share of neighbours that jump by three quarters of the range"
        wanted = f"below {limits.WRAPPED.warn:g}"
        return Finding("bit-depth", severity, says, jumps, unit, wanted, do, at)
    return None


def _range(look: Look) -> Iterator[Finding]:
    used = levels_used(look.counts)
    if limits.LEVELS.severity(used):
        says = "Gray values are missing in between: few bits are stretched to 8 by digital gain."
        do = "more light or exposure instead of digital gain; check that the sensor's full depth is read"
        unit = "share of the gray values that occur"
        yield Finding("few-levels", "warning", says, used, unit, f"{limits.LEVELS.warn:g} or more", do)
    counts = look.counts
    total = max(int(counts.sum()), 1)
    outside = (int(counts[:15].sum()) + int(counts[241:].sum())) / total
    piled = max(int(counts[15:18].sum()), int(counts[234:237].sum())) / total
    if outside < 1e-4 and piled > 0.005:
        says = "The stream has limited range (16 to 235): contrast is 14 % less than it could be."
        do = "set the camera or encoder to full range (yuvj420p, color_range=pc), if it can"
        yield Finding("limited-range", "note", says, piled, "share of pixels at black or white", "full range", do)


def _focus(look: Look) -> Iterator[Finding]:
    blurs = [s.blur for s in look.lit if s.blur is not None]
    edgeless = [s for s in look.lit if s.blur is None and s.structure >= limits.HAS_EDGES]
    do = "focus on the place where faces are, under infrared light (it focuses behind visible); clean the lens"
    unit = "blur of the sharpest edges, sigma in pixels at the network's scale"
    if len(edgeless) > len(look.lit) / 2:
        says = "Far out of focus, or drowned in noise: there is not one edge in the picture."
        yield Finding("out-of-focus", "problem", says, None, unit, "edges", do, edgeless[0].index)
        return
    if len(blurs) <= len(look.lit) / 2:
        return
    value = float(np.median(blurs))
    severity = limits.BLUR.severity(value)
    if severity:
        says = "Out of focus, or the lens is greasy: even the sharpest edges are soft."
        at = max(look.lit, key=lambda s: s.blur or 0.0).index
        wanted = f"{limits.BLUR.warn:g} or less"
        yield Finding("out-of-focus", severity, says, value, unit, wanted, do, at)


def _noise(look: Look) -> Iterator[Finding]:
    value = float(np.median([s.noise for s in look.lit]))
    severity = limits.NOISE.severity(value)
    if severity:
        says = "Too noisy."
        do = (
            "more infrared light, a longer exposure or a wider aperture, and less gain; or the camera's noise reduction"
        )
        at = look.lit[0].index
        unit = "noise, sigma of 8-bit steps at the network's scale"
        wanted = f"{limits.NOISE.warn:g} or less"
        yield Finding("noisy", severity, says, value, unit, wanted, do, at)


def _stripes(look: Look) -> Iterator[Finding]:
    pictures = [s.gray for s in look.lit if s.gray.shape == look.lit[0].gray.shape]
    rows, columns = stripes_sigma(pictures, 0), stripes_sigma(pictures, 1)
    value = max(rows, columns)
    severity = limits.STRIPES.severity(value)
    if severity:
        what = "Rows" if rows >= columns else "Columns"
        says = f"{what} differ from each other in every frame: a fixed pattern of the sensor."
        do = "have the camera correct its dark offset (flat field, shutter calibration); use less gain"
        unit = f"offset of {what.lower()}, sigma of 8-bit steps"
        wanted = f"{limits.STRIPES.warn:g} or less"
        yield Finding("stripes", severity, says, value, unit, wanted, do, look.lit[0].index)
