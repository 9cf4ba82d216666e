"""Light: no emitter, one that flashes, too little and too much of it, flicker, a covered lens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from faceir.flow import Image
from faceir.runtime.doctor import limits
from faceir.runtime.doctor.finding import Finding, Severity
from faceir.runtime.doctor.look import Look, Sample
from faceir.runtime.doctor.measures import flicker, saturated, structure

__all__ = ["judge_light"]

_LIGHTS = "the infrared emitter"


def judge_light(look: Look) -> Iterator[Finding]:
    """What is wrong with the light in `look`; when all is dark, nothing but that is told."""
    if not look.vitals:
        return
    flags = [v.dark for v in look.vitals]
    faces = _on_faces(look, lambda face: float(np.median(face)))
    never_lit = float(np.quantile([v.tones.high for v in look.vitals], 0.95)) < limits.BRIGHTNESS.wrong
    if all(flags) or (never_lit and not faces):
        yield _no_light(look)
        return
    if any(flags):
        yield from _some_dark(look, flags)
    covered = _covered(look)
    if covered:
        yield covered
        return
    yield from _too_dark(look, faces)
    yield from _too_bright(look)
    yield from _contrast(look)
    if look.moving and not any(flags):
        yield from _flicker(look)


def _brightest(look: Look) -> float:
    """Brightest hundredth, median of the frames that are not dark, or of all when all are."""
    return float(np.median([v.tones.high for v in look.bright or look.vitals]))


def _no_light(look: Look) -> Finding:
    sample = (look.lit or look.dark)[0]
    high = _brightest(look)
    wanted = f"{limits.BRIGHTNESS.warn:.0f} or more"
    if sample.structure < limits.EMPTY / 4:
        says = "Every frame is black, with nothing in it: the lens is covered or there is no light at all."
        do = f"take off the lens cap; check that {_LIGHTS} has power and is switched on; check the exposure time"
        return Finding(
            "black", "problem", says, high, "brightest hundredth of the picture, 0..255", wanted, do, sample.index
        )
    says = "Every frame is dark, though something is in it: the emitter is off, too weak or too far away."
    do = f"switch on {_LIGHTS} (or the camera's night mode); raise exposure time, then gain; move the lamp nearer"
    return Finding(
        "emitter-off", "problem", says, high, "brightest hundredth of the picture, 0..255", wanted, do, sample.index
    )


def _some_dark(look: Look, flags: Sequence[bool]) -> Iterator[Finding]:
    share = float(np.mean(flags))
    at = flags.index(True)
    if not look.moving:
        says = f"{sum(flags)} of {len(flags)} pictures are dark."
        do = f"leave them out, or take them again with {_LIGHTS} on"
        yield Finding("dark-pictures", "warning", says, share, "share of dark pictures", "0", do, at)
        return
    period = look.gate.period_frames
    if period is None:
        says = f"{sum(flags)} of {len(flags)} frames are dark, without a pattern: the emitter fails or switches."
        do = f"check power and cable of {_LIGHTS}; turn off automatic day and night switching"
        severity: Severity = "problem" if share > 0.1 else "warning"
        yield Finding("emitter-fails", severity, says, share, "share of dark frames", "0", do, at)
        return
    says = f"The emitter strobes: {share:.0%} of the frames are dark, in turns of {period:.3g} frames."
    do = (
        "nothing, if the camera is meant to (faceir's dark gate leaves such frames out); else have the emitter lit "
        "on every frame, or set its trigger and the exposure in step"
    )
    yield Finding("emitter-strobes", "warning", says, period, "frames from one flash to the next", "1", do, at)


def _covered(look: Look) -> Finding | None:
    """Lit, but nothing in the picture."""
    if not look.lit:
        return None
    inside = float(np.median([structure(s.fitted) for s in look.lit]))
    if inside >= limits.EMPTY:
        return None
    says = "The picture is one even gray: something is right before the lens, or it is fogged."
    do = "look at the lens: a cap, foil, a wall or fog; then at the pixel format"
    unit = "differences in the picture, sigma of 8-bit steps"
    return Finding("covered", "problem", says, inside, unit, f"{limits.EMPTY:g} or more", do, look.lit[0].index)


def _on_faces(look: Look, measure: Callable[[Image], float]) -> list[tuple[float, Sample]]:
    """`measure` of each face that was found upright, and where."""
    found = []
    for sample in look.lit:
        for x1, y1, x2, y2 in sample.faces.upright.xyxy.astype(int).tolist():
            face = sample.gray[max(y1, 0) : y2, max(x1, 0) : x2]
            if face.size:
                found.append((measure(face), sample))
    return found


def _too_dark(look: Look, faces: Sequence[tuple[float, Sample]]) -> Iterator[Finding]:
    do = f"raise the power of {_LIGHTS} or move it nearer; then exposure time (up to 10 ms for what moves), then gain"
    if faces:
        value = float(np.median([v for v, _ in faces]))
        limit, unit = limits.FACE_BRIGHTNESS, "median brightness of the faces, 0..255"
        says = "Faces are under-exposed."
        at = min(faces, key=lambda f: f[0])[1].index
    else:
        value = _brightest(look)
        limit, unit = limits.BRIGHTNESS, "brightest hundredth of the picture, 0..255"
        says = "The picture is under-exposed."
        at = look.lit[0].index
    severity = limit.severity(value)
    if severity:
        yield Finding("under-exposed", severity, says, value, unit, f"{limit.warn:.0f} or more", do, at)


def _too_bright(look: Look) -> Iterator[Finding]:
    faces = _on_faces(look, lambda face: float(saturated(face).mean()))
    do = "shorten the exposure, lower gain or emitter power; meter on the face; tilt the camera away from windows"
    if faces:
        value, limit, unit = float(np.median([v for v, _ in faces])), limits.FACE_BURNT, "share of a face that is white"
        says = "Faces are over-exposed: burnt out to white."
        at = max(faces, key=lambda f: f[0])[1].index
    else:
        value, limit, unit = float(np.median([v.burnt for v in look.bright])), limits.BURNT, "share of white pixels"
        says = "The picture is over-exposed: much of it is white."
        at = max(look.lit, key=lambda s: float(saturated(s.fitted).mean())).index
    severity = limit.severity(value)
    if severity:
        yield Finding("over-exposed", severity, says, value, unit, f"below {limit.warn:g}", do, at)


def _contrast(look: Look) -> Iterator[Finding]:
    value = float(np.median([v.tones.spread for v in look.bright]))
    severity = limits.SPREAD.severity(value)
    # What is dark has little contrast too; one cause is told once.
    if severity and _brightest(look) > limits.BRIGHTNESS.warn:
        says = "The picture has little contrast, as through fog."
        do = "clean lens and window; keep the emitter's light from shining into the lens or on glass before it"
        unit = "from the darkest to the brightest hundredth, 8-bit steps"
        wanted = f"{limits.SPREAD.warn:.0f} or more"
        yield Finding("low-contrast", severity, says, value, unit, wanted, do, look.lit[0].index)


def _flicker(look: Look) -> Iterator[Finding]:
    value = flicker([v.thumb for v in look.vitals])
    severity = limits.FLICKER.severity(value)
    if severity:
        says = "The light flickers from frame to frame."
        do = "set the camera's anti-flicker to 50 or 60 Hz; make the exposure a whole number of mains half-waves"
        unit = "change of light between frames, share"
        yield Finding("flicker", severity, says, value, unit, f"below {limits.FLICKER.warn:g}", do)
