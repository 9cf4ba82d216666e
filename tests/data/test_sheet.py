"""Contact sheets: every picture in its cell, each kind of label in its look."""

import numpy as np

from faceir.data.sheet import contact_sheet, labelled
from faceir.detections import DONT_CARE, Detections

CELL = (120, 80)


def test_cells_lie_row_by_row():
    cells = [np.full((80, 120 - n, 3), 50 + n, np.uint8) for n in range(7)]
    sheet = contact_sheet(cells, 3, CELL, gap=1)
    assert sheet.shape == (3 * 81 + 1, 3 * 121 + 1, 3)
    for n, cell in enumerate(cells):
        x, y = 1 + n % 3 * 121, 1 + n // 3 * 81
        assert np.array_equal(sheet[y : y + 80, x : x + 120 - n], cell)
    assert contact_sheet([], 3, CELL).ndim == 3


def test_pictures_fit_their_cell_and_boxes_follow():
    for shape in ((40, 60), (160, 240), (80, 120, 3), (1, 300)):
        seen = labelled(np.zeros(shape, np.uint8), Detections(), CELL)
        assert seen.shape[0] <= 80
        assert seen.shape[1] <= 120
        assert max(seen.shape[0] / 80, seen.shape[1] / 120) == 1
    seen = labelled(np.zeros((40, 60), np.uint8), Detections([[10, 10, 20, 30]]), CELL)
    rows, columns = np.nonzero(seen.any(axis=2))
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (20, 20, 39, 59)


def test_trained_occluded_and_ignored_faces_differ():
    box = [[10, 10, 50, 60]]
    looks = [
        labelled(np.zeros((80, 120), np.uint8), truth, CELL)
        for truth in (Detections(box), Detections(box, occlusion=[3]), Detections(box, labels=[DONT_CARE]))
    ]
    edges = [look[10:60, 10] for look in looks]
    assert not np.array_equal(edges[0], edges[1])
    assert edges[0].any(axis=1).all()
    assert 0.3 < edges[2].any(axis=1).mean() < 0.7  # dashed


def test_boxes_over_the_border_pass_and_the_picture_stays():
    picture = np.zeros((80, 120), np.uint8)
    truth = Detections([[-20, -9, 300, 200], [119, 79, 120, 80]], labels=[DONT_CARE, 0], occlusion=[9, 0])
    labelled(picture, truth, CELL, "name")
    assert not picture.any()
