"""Median and p99 of decode + cluster for one 24 x 15 grid, each algorithm: `python benchmarks/bench_gridbox.py`.

`typical` is five faces (about 50 cells above the threshold), `crowded` a grid whose every cell
speaks of one of 24 faces.
"""

from __future__ import annotations

import time
from typing import get_args

import numpy as np

from faceir import gridbox
from faceir.cluster import Algorithm, ClusterParams, cluster

SIZE_WH = (384, 240)
ROUNDS = 3000


def grids(columns: int, rows: int, share_wh: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Noisy net output for `columns` x `rows` faces that cover `share_wh` of their field's width and height."""
    rng = np.random.default_rng(0)
    field = np.array(SIZE_WH) / (columns, rows)
    centre = (np.indices((columns, rows)).reshape(2, -1).T + 0.5) * field
    xyxy = np.concatenate([centre - field * share_wh / 2, centre + field * share_wh / 2], axis=1).astype(np.float32)
    params = gridbox.RasterParams(cov_radius_x=0.6, cov_radius_y=0.6)
    truth = gridbox.rasterise(xyxy, np.zeros(len(xyxy), np.int64), SIZE_WH, (params,))
    cov = np.clip(truth.cov * rng.uniform(0.5, 1, truth.cov.shape), 0, 1).astype(np.float32)
    bbox = truth.bbox + rng.normal(0, 0.05, truth.bbox.shape).astype(np.float32)
    return cov, bbox


def main() -> None:
    scenes = {"typical": (grids(5, 1, (0.9, 0.4)), 0.2), "crowded": (grids(6, 4, (1.4, 1.4)), -1.0)}
    for scene, ((cov, bbox), threshold) in scenes.items():
        thresholds = np.array([threshold], np.float32)
        cells = len(gridbox.decode(cov, bbox, SIZE_WH, thresholds).cov)
        for algorithm in get_args(Algorithm):
            params = (ClusterParams(algorithm, eps=0.3, min_samples=0.5),)
            took_ms = np.empty(ROUNDS)
            for n in range(ROUNDS):
                start = time.perf_counter()
                found = cluster(*gridbox.decode(cov, bbox, SIZE_WH, thresholds), params)
                took_ms[n] = (time.perf_counter() - start) * 1e3
            median_ms, p99_ms = np.percentile(took_ms, [50, 99])
            print(
                f"{scene:8} {cells:4} cells  {algorithm:16} {len(found.scores):4} faces"
                f"  median {median_ms:.3f} ms  p99 {p99_ms:.3f} ms"
            )


if __name__ == "__main__":
    main()
