"""The judge: found faces against true ones, for any detector that gives `Detections`.

`judge` runs a detector over labelled pictures, `evaluate` gives the main numbers, and `assess.assess` all of
them as one `document.Evaluation`, which is a JSON document. Matching is greedy by score at IoU > 0.5. Whole
pictures, or groups of them, are resampled for the intervals, as faces of one picture are not independent.
"""

from faceir.evaluate.interval import Rate
from faceir.evaluate.judged import LEAST_SCORE, Judged, judge
from faceir.evaluate.matching import Match, match
from faceir.evaluate.scores import Scores, evaluate
from faceir.evaluate.slices import HEIGHT_EDGES, Slice

__all__ = ["HEIGHT_EDGES", "LEAST_SCORE", "Judged", "Match", "Rate", "Scores", "Slice", "evaluate", "judge", "match"]
