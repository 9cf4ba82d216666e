"""Time to score 10,000 pictures with stored detections, 1,000 bootstrap rounds, on one core; and the memory it takes.

    python benchmarks/bench_evaluate.py [--pictures N] [--rounds N] [--found N]

Allowed are 20 s for `evaluate`. Predicted before the first run, with 3 true and 30 found faces a picture: matching
0.5 s, since it works on all pairs at once; a round 1.5 ms (one pass over the found faces down to the last right
one), so 1.5 s for 1,000 of them and 3 s in all, a seventh of what is allowed. `assess`, which gives all slices,
operating points, TAO's and COCO's numbers as well: three times that. Memory: some 200 bytes a found face beyond the
pictures themselves, and nothing that grows with pictures x rounds.

Measured (a busy machine): matching 0.25 s, `evaluate` 1.4 s (0.07 of what is allowed, half of the prediction),
`assess` 2.4 times that; 170 MiB beyond the pictures for 300,000 found faces, thus 590 bytes a face instead of 200, and
the same for 100 and for 1,000 rounds.
"""

import argparse
import os
import resource
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from faceir.detections import Detections
from faceir.evaluate import Judged, evaluate
from faceir.evaluate.assess import assess
from faceir.evaluate.document import Settings
from faceir.evaluate.matching import look
from faceir.evaluate.measures import look_of

ALLOWED_S = 20


def picture(rng: np.random.Generator, found: int) -> Judged:
    """Three faces on average, found with errors; the rest are false alarms with low scores."""
    truth = np.sort(rng.uniform(0, 300, (rng.poisson(3), 2, 2)), axis=1).reshape(-1, 4)[:, [0, 1, 2, 3]]
    near = truth + rng.normal(0, 4, truth.shape)
    far = np.sort(rng.uniform(0, 300, (max(found - len(near), 0), 2, 2)), axis=1).reshape(-1, 4)
    boxes = np.concatenate([np.sort(near.reshape(-1, 2, 2), axis=1).reshape(-1, 4), far])
    scores = np.concatenate([rng.beta(8, 2, len(near)), rng.beta(1, 12, len(far))])
    return Judged(Detections(truth), Detections(boxes, scores), source=f"set{rng.integers(20)}", size_wh=(384, 240))


def timed(what: str, run) -> float:
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    run()
    seconds = time.process_time() - start
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{what:<44} {seconds:7.2f} s of processor time, {more:6.0f} MiB more at its peak", flush=True)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--found", type=int, default=30)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    pictures = [picture(rng, given.found) for _ in range(given.pictures)]
    print(f"{given.pictures} pictures, {sum(len(p.found) for p in pictures)} found faces, {given.rounds} rounds")
    timed("matching", lambda: look(pictures))
    seconds = timed("evaluate", lambda: evaluate(pictures, 0.5, rounds=given.rounds))
    timed("assess: everything", lambda: assess(pictures, 0.5, Settings(rounds=given.rounds)))
    gray = rng.integers(0, 255, (264, 352), dtype=np.uint8)
    timed("1000 pictures of 352x264 measured", lambda: [look_of(gray) for _ in range(1000)])
    print(f"evaluate takes {seconds / ALLOWED_S:.2f} of the {ALLOWED_S} s that are allowed for 10,000 pictures")


if __name__ == "__main__":
    main()
