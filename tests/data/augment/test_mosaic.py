"""A mosaic: four tiles that fill the view, each with its faces in place."""

import numpy as np
import pytest

from faceir.data.augment import Augmentation, ViewKind, view
from faceir.data.augment.mosaic import mosaic
from faceir.detections import Detections


@pytest.mark.parametrize("heights", [None, (12.0, 150.0)])
def test_tiles_fill_the_view_and_move_their_faces(heights):
    kind = ViewKind((208, 160), heights)
    for seed in range(10):
        kinds = []

        def tile(wanted, kinds=kinds):
            kinds.append(wanted)
            w, h = wanted.size_wh
            return np.full((h, w), 50 * len(kinds), np.uint8), Detections([[0, 0, w, h]])

        canvas, truth = mosaic(tile, kind, np.random.default_rng(seed))
        assert canvas.shape == (160, 208)
        for value, (x1, y1, x2, y2) in zip((50, 100, 150, 200), truth.xyxy.astype(int).tolist(), strict=True):
            assert (canvas[y1:y2, x1:x2] == value).all()
        assert sum(k.size_wh[0] * k.size_wh[1] for k in kinds) == 208 * 160
        assert all((k.face_height is None) == (heights is None) for k in kinds)


def test_a_mosaic_shows_the_picture_and_three_others():
    pictures = [np.full((100, 150), value, np.uint8) for value in (60, 120, 180, 240)]
    asked = []

    def donor(rng):
        asked.append(rng)
        return pictures[len(asked)], Detections([[40, 30, 80, 80]])

    how = Augmentation(hflip_probability=0, mosaic_probability=1)
    seen, truth = view(
        pictures[0], Detections([[40, 30, 80, 80]]), ViewKind((208, 160)), how, np.random.default_rng(0), donor
    )
    assert len(asked) == 3
    assert len(truth) == 4
    assert set(np.unique(seen)) >= {60, 120, 180, 240}
