"""`examine`: look at a source, judge what was seen, worst first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from faceir.contract import Contract
from faceir.fit import Fit
from faceir.flow import Detector
from faceir.runtime.doctor.faces import judge_faces
from faceir.runtime.doctor.finding import Finding
from faceir.runtime.doctor.image import judge_image
from faceir.runtime.doctor.light import judge_light
from faceir.runtime.doctor.look import SETTLE_S, Look, Sample, WatchedSource, find_faces, look
from faceir.runtime.doctor.timing import judge_timing

__all__ = ["Report", "examine", "judge"]

_ORDER = {"problem": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Report:
    """What was seen of a source, and what is wrong with it."""

    look: Look
    findings: tuple[Finding, ...]
    """Worst first."""

    @property
    def healthy(self) -> bool:
        """Whether nothing was found that loses faces."""
        return not any(f.severity == "problem" for f in self.findings)

    def shown(self) -> tuple[Sample, Finding | None] | None:
        """A frame that shows the worst of what is wrong, and that; None when there was no frame."""
        kept = {s.index: s for s in (*self.look.dark, *self.look.lit)}
        for finding in self.findings:
            if finding.severity != "note" and finding.frame is not None and kept:
                nearest = min(kept, key=lambda index: abs(index - (finding.frame or 0)))
                return kept[nearest], finding
        middle = self.look.lit or self.look.dark
        return (middle[len(middle) // 2], None) if middle else None

    def facts(self) -> dict[str, Any]:
        """The numbers of the look, for people and programs; medians over the frames that are not dark."""
        seen = self.look
        bright = seen.bright
        blurs = [s.blur for s in seen.lit if s.blur is not None]
        times_s = [v.time_s for v in seen.vitals]
        passed_s = times_s[-1] - times_s[0] if seen.moving and len(times_s) > 1 else 0.0
        heights = [h * s.scale for s in seen.lit for h in np.diff(s.faces.upright.xyxy[:, 1::2])[:, 0].tolist()]
        return {
            "frames": len(seen.vitals),
            "dark_frames": len(seen.vitals) - len(bright),
            "size_wh": list(seen.size_wh),
            "stated_fps": seen.rate,
            "measured_fps": (len(times_s) - 1) / passed_s if passed_s > 0 else None,
            "brightest_hundredth": _median([v.tones.high for v in seen.vitals]),
            "median_brightness": _median([v.tones.middle for v in bright]),
            "contrast": _median([v.tones.spread for v in bright]),
            "white_share": _median([v.burnt for v in bright]),
            "noise_sigma": _median([s.noise for s in seen.lit]),
            "blur_sigma_px": _median(blurs),
            "faces_per_frame": _mean([len(s.faces.upright) for s in seen.lit]) if seen.faces_looked_for else None,
            "face_height_px": _median(heights),
        }

    def to_json(self) -> dict[str, Any]:
        """Source, verdict, findings and facts."""
        return {
            "source": self.look.name,
            "healthy": self.healthy,
            "findings": [asdict(f) for f in self.findings],
            "facts": self.facts(),
        }


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None


def _mean(values: list[int]) -> float | None:
    return float(np.mean(values)) if values else None


def judge(seen: Look) -> Report:
    """Everything that is wrong with what was seen."""
    found = [*judge_timing(seen), *judge_light(seen), *judge_image(seen), *judge_faces(seen)]
    if any(f.name in ("pixel-format", "bit-depth") for f in found):
        # Nothing that is measured of pixels means anything until they are pixels.
        found = [*judge_timing(seen), *(f for f in found if f.name in ("pixel-format", "bit-depth"))]
    return Report(seen, tuple(sorted(found, key=lambda f: _ORDER[f.severity])))


def examine(
    source: WatchedSource,
    seconds: float = 10.0,
    detector: Detector | None = None,
    contract: Contract | None = None,
    on_frame: Callable[[float], None] = lambda _: None,
    settle_s: float = SETTLE_S,
) -> Report:
    """Watch `source` for `seconds` and judge it; with a `detector` its faces too, at the scale of `contract`."""
    fit = contract.fit if contract else Fit()
    seen = look(source, seconds, fit, on_frame, settle_s)
    if detector is not None:
        seen = find_faces(seen, detector, fit)
    return judge(seen)
