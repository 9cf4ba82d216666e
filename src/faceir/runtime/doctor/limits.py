"""How much is too much: the limits of `faceir doctor`, and where each comes from.

Those of light, contrast, noise and blur were found on real near-infrared pictures, made worse step by step until the
packaged model lost faces: on a hard camera (night, four people, faces of 22 to 60 px) and on an easy one (one driver,
faces of 60 to 240 px). `warn` is about where the hard camera loses a fifth of its faces, `wrong` where it loses half or
more; `docs/doctor.md` has the numbers. The others are told apart from good pictures by what was seen of both, and those
of time are conventions. "Good ones" are 85 infrared pictures and scenes. Lengths are pixels at the network's scale,
levels 8-bit steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from faceir.runtime.doctor.finding import Severity

__all__ = ["Limit"]


@dataclass(frozen=True)
class Limit:
    """A measured value's two limits; `above` tells on which side of them it is bad."""

    warn: float
    wrong: float
    above: bool = True

    def severity(self, value: float) -> Severity | None:
        """`problem`, `warning`, or None for a value that is good."""
        sign = 1 if self.above else -1
        if sign * value > sign * self.wrong:
            return "problem"
        return "warning" if sign * value > sign * self.warn else None


NOISE = Limit(8.0, 16.0)
"""`noise_sigma`. At 8 the hard camera keeps 78 % of its faces, at 16 half, at 24 a sixth; good ones have 0.1 to 2.3."""
BLUR = Limit(1.5, 2.0)
"""`blur_sigma`. Gaussian blur of sigma 1.5 leaves the hard camera 76 % of its faces, 2.5 an eighth; good ones
show up to 1.5, and noise makes 2.5 px look like 1.6."""
FACE_BRIGHTNESS = Limit(20.0, 10.0, above=False)
"""Median of a face. A quarter of the light, 18, leaves the hard camera 80 % of its faces, an eighth, 9, a third."""
BRIGHTNESS = Limit(64.0, 32.0, above=False)
"""`Tones.high`, where no face is known: the same quarter and eighth. Good ones have 98 and more."""
FACE_BURNT = Limit(0.15, 0.4)
"""Share of a face that is `saturated`. The hard camera loses its faces at four times the light, where by their
median half of each is white; good ones have up to 0.09."""
BURNT = Limit(0.3, 0.5)
"""Share of the picture, where no face is known. Bright car windows burn out 0.2 of a good one."""
SPREAD = Limit(60.0, 30.0, above=False)
"""`Tones.spread`. A quarter of the contrast, 58, leaves the hard camera a sixth of its faces and the easy one 84 %.
Good ones have 69 and more, most of them 100."""
STRIPES = Limit(1.2, 5.0)
"""`stripes_sigma`. Good ones show up to 0.6; the model has learned with up to 4, from where on it is on its own."""
FLICKER = Limit(0.04, 0.15)
"""`flicker`. A share of 0.04 is seen by the eye. One picture in itself is not worse for it: trackers and people are."""
WRAPPED = Limit(0.002, 0.005)
"""`wrapped`. 10 and 12-bit samples cut to their lower 8 bits show 0.01 to 0.1, true ones below 0.001."""
LEVELS = Limit(0.55, 0.0, above=False)
"""`levels_used`. Half: the camera doubles its values, so that its noise and its steps are twice as high. A warning."""
FACE_HEIGHT = Limit(20.0, 16.0, above=False)
"""Height of a face. Below 16 px the model was neither trained nor judged; between 16 and 20 it misses many."""
EMPTY = 4.0
"""`structure` below which there is nothing in the picture: a covered lens, or no light. Good ones have 8 and more."""
HAS_EDGES = 12.0
"""`structure` from which a picture must have edges somewhere; one without them is far out of focus."""
SLOW = Limit(0.9, 0.7, above=False)
"""Measured over stated frame rate."""
GAP = Limit(2.5, 8.0)
"""Longest pause between frames, in usual ones: from 2.5 on frames were lost."""
REPEATED = Limit(0.2, 0.95)
"""Share of frames that are the very same as the one before: sensors have noise, so that none should be."""
