from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal

import av
import numpy as np
import pytest

from faceir.runtime.sinks import Coding
from faceir.runtime.sinks.encode import Encoder

SLICES = {"h264": (0x1F, 0, range(1, 6)), "h265": (0x7E, 1, range(32))}
"""Mask and shift of the type in a unit's first byte, and the types that hold a part of a picture."""


@pytest.mark.parametrize("codec", ["h264", pytest.param("h265", marks=pytest.mark.slow)])
def test_with_low_delay_each_picture_leaves_at_once_and_in_one_piece(codec: Literal["h264", "h265"]) -> None:
    coding = Coding(codec, low_delay=True, keyframe_s=0.2)
    context = av.CodecContext.create(coding.encoder, "w")
    encoder = Encoder(context, (640, 480), Fraction(25), coding, live=True)
    mask, shift, slices = SLICES[codec]
    noise = np.random.default_rng(0)
    for n in range(12):
        (packet,) = encoder.encode(noise.integers(0, 255, (480, 640, 3), np.uint8), n / 25)
        data = bytes(packet)
        types = [(data[unit.end()] & mask) >> shift for unit in re.finditer(b"\x00\x00\x01", data)]
        assert sum(kind in slices for kind in types) == 1, f"picture {n}: {types}"
