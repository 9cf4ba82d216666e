"""Time: no frames, a frozen picture, a frame rate below what is stated, gaps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from faceir.runtime.doctor import limits
from faceir.runtime.doctor.finding import Finding
from faceir.runtime.doctor.look import Look

__all__ = ["judge_timing"]

_LEAST_FRAMES = 10


def judge_timing(look: Look) -> Iterator[Finding]:
    """What is wrong with the flow of frames in `look`."""
    if look.ended is not None:
        error = look.ended
        do = error.do or "check the camera and the network" if look.live else error.do or "record or copy it again"
        yield Finding("broke-off", "problem", f"It broke off: {error.came}.", None, "", error.wanted or "no end", do)
    if not look.vitals:
        if look.ended is None:
            yield Finding("no-frames", "problem", "Not one frame came.", 0.0, "frames", "1 or more", "check the camera")
        return
    if look.sizes > 1 and look.moving:
        says = "The size of the picture changes while it runs."
        do = "fix the resolution in the camera's settings"
        yield Finding("size-changes", "warning", says, float(look.sizes), "sizes", "1", do)
    if look.moving and len(look.vitals) >= _LEAST_FRAMES:
        yield from _frozen(look)
        yield from _rate(look)


def _frozen(look: Look) -> Iterator[Finding]:
    sums = np.array([v.checksum for v in look.vitals])
    share = float(np.mean(sums[1:] == sums[:-1]))
    severity = limits.REPEATED.severity(share)
    if severity:
        says = (
            "The picture is frozen: the same frame comes again and again."
            if severity == "problem"
            else f"{share:.0%} of the frames only repeat the one before: the camera takes fewer than it sends."
        )
        do = (
            "restart the camera or its encoder; look whether a recorder sends its last picture"
            if severity == "problem"
            else "ask the camera for the frame rate that its sensor has (at night it often halves it), or do not mind"
        )
        unit = "share of frames equal to the one before"
        at = int(np.argmax(sums[1:] == sums[:-1])) + 1
        yield Finding("frozen", severity, says, share, unit, f"below {limits.REPEATED.warn:g}", do, at)


def _rate(look: Look) -> Iterator[Finding]:
    times_s = np.array([v.time_s for v in look.vitals])
    steps_s = np.diff(times_s)
    usual_s = float(np.median(steps_s))
    if usual_s <= 0:
        return
    measured = (len(times_s) - 1) / max(float(times_s[-1] - times_s[0]), 1e-9)
    severity = limits.SLOW.severity(measured / look.rate) if look.rate else None
    if severity and look.rate:
        says = f"Fewer frames come than the {look.rate:.3g} a second that are stated."
        do = "check the network and the camera's bit rate; at night, forbid it to lengthen its exposure"
        wanted = f"{look.rate:.3g}"
        yield Finding("slow", severity, says, measured, "frames a second", wanted, do)
    worst = float(steps_s.max()) / usual_s
    severity = limits.GAP.severity(worst)
    if severity:
        lost = float(np.mean(steps_s > limits.GAP.warn * usual_s))
        says = f"The flow stutters: the longest pause is {steps_s.max():.2f} s, pauses are {lost:.1%} of all steps."
        do = "use RTSP over TCP, a wired network, a lower bit rate; check that nothing else loads this machine"
        unit, wanted = "longest pause, in usual ones", f"below {limits.GAP.warn:g}"
        at = int(np.argmax(steps_s)) + 1
        yield Finding("stutters", severity, says, worst, unit, wanted, do, at)
