"""Faces: too small for the model, turned, or none at all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from faceir.detections import Detections
from faceir.runtime.doctor import limits
from faceir.runtime.doctor.finding import Finding
from faceir.runtime.doctor.look import Look

__all__ = ["judge_faces"]

_SURE = 0.6
"""Score from which a face that is found only when the picture is turned or taken apart is believed."""
_OFTEN = 0.5
"""Share of the frames in which it must be."""
_TURNS = ("on its left side", "upside down", "on its right side")


def judge_faces(look: Look) -> Iterator[Finding]:
    """What is wrong with the faces in `look`; whether it is mirrored no face can tell."""
    if not look.faces_looked_for or not look.lit:
        return
    turned = _turned(look)
    if turned:
        yield turned
        return
    yield from _small(look)
    if not any(len(s.faces.upright) for s in look.lit):
        says = "No face was found, so nothing could be said of faces."
        do = "stand where faces will be, look at the camera, and run this again"
        yield Finding("no-face", "note", says, 0.0, "faces", "1 or more", do)


def _sure(found: Detections) -> int:
    return int((found.scores >= _SURE).sum())


def _turned(look: Look) -> Finding | None:
    upright = float(np.mean([_sure(s.faces.upright) > 0 for s in look.lit]))
    shares = [float(np.mean([_sure(s.faces.turned[n]) > 0 for s in look.lit])) for n in range(3)]
    best = int(np.argmax(shares))
    if shares[best] < _OFTEN or upright > shares[best] / 3:
        return None
    at = next(s.index for s in look.lit if _sure(s.faces.turned[best]))
    # The picture turned counterclockwise by 90 degrees is good, so it lies as turned clockwise: on its right side.
    lies = (_TURNS[2], _TURNS[1], _TURNS[0])[best]
    says = f"The picture is {lies}: faces are found only when it is turned by {90 * (best + 1)} degrees."
    do = "turn the camera, or set its rotation (in a file: the rotation flag)"
    return Finding("turned", "problem", says, shares[best], "share of frames with faces when turned", "0", do, at)


def _small(look: Look) -> Iterator[Finding]:
    """Heights at the network's scale, of faces that were found and of those that only pieces of the picture show."""
    heights, at = [], None
    for sample in look.lit:
        near = sample.faces.near[sample.faces.near.scores >= _SURE]
        for found in (sample.faces.upright, near):
            heights += ((found.xyxy[:, 3] - found.xyxy[:, 1]) * sample.scale).tolist()
        if at is None and len(near):
            at = sample.index
    if len(heights) < max(1, _OFTEN * len(look.lit)):
        return
    value = float(np.median(heights))
    severity = limits.FACE_HEIGHT.severity(value)
    if severity:
        says = f"Faces are too small for this model: half of them are below {value:.0f} px where it sees them."
        do = "move the camera nearer or zoom in; cut the picture to where faces are; or detect with --tiles 2x2"
        unit = "median height of faces in pixels at the network's scale"
        wanted = f"{limits.FACE_HEIGHT.warn:g} or more"
        yield Finding("small-faces", severity, says, value, unit, wanted, do, at)
