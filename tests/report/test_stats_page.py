"""The plots are a picture, and the page says the same numbers."""

import cv2
import numpy as np
import pytest

from faceir.data.kitti import Item
from faceir.data.stats import Stats
from faceir.detections import Detections
from faceir.evaluate.measures import look_of
from faceir.fit import Fit
from faceir.report.stats_page import draw, render, write_png


def filled():
    stats, item = Stats(Fit()), Item(None, None, "set")
    for n in range(5):
        stats.add(item, Detections([[10, 10, 40, 50]] * n), (384, 240))
        stats.add_look(item, np.full((60, 90, 3), 40 * n, np.uint8), look_of)
    return stats


@pytest.mark.slow
def test_plots_and_page(tmp_path):
    stats = filled()
    plots = draw(stats, "a <set>")
    assert draw(stats, "a <set>") == plots
    write_png(plots, tmp_path / "new" / "a.png")
    assert cv2.imread(str(tmp_path / "new" / "a.png")).shape[2] == 3
    page = render(stats, plots, "a <set>")
    assert "5 pictures with 10 faces" in page
    assert "a &lt;set&gt;" in page
    assert "<script" not in page


def test_nothing_was_looked_at():
    stats = Stats(Fit())
    assert "0 pictures" in render(stats, draw(stats, "x"), "x")
