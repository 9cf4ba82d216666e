"""A scene: the level of a face is the share of its ellipse that lies under later layers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.data.augment.scene import Layer, Scene
from faceir.detections import Detections

SIZE = (40, 50)


def ellipse_share(mask, box):
    """Brute force: share of the pixel centres inside the ellipse of `box` where `mask` is true."""
    x1, y1, x2, y2 = box
    hidden = inside = 0
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            dx, dy = (x + 0.5 - (x1 + x2) / 2) / ((x2 - x1) / 2), (y + 0.5 - (y1 + y2) / 2) / ((y2 - y1) / 2)
            if dx * dx + dy * dy <= 1:
                inside += 1
                hidden += bool(mask[y, x])
    return hidden / inside


def layer(rng):
    """A random opaque rectangle."""
    x, y = int(rng.integers(0, 35)), int(rng.integers(0, 25))
    w, h = int(rng.integers(3, 50 - x)), int(rng.integers(3, 40 - y))
    return Layer((x, y), np.full((h, w), 255, np.uint8), np.full((h, w), 200, np.uint8))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_levels_are_those_of_a_brute_force_count(seed):
    rng = np.random.default_rng(seed)
    scene = Scene(np.zeros(SIZE, np.uint8), Detections([[10, 8, 30.5, 34.2]], occlusion=[2]))
    old = Detections([[5, 5, 20, 21]])
    masks = []
    for n in range(3):
        one = layer(rng)
        scene.paste(one, old if n == 1 else None)  # the second layer brings a face of its own
        mask = np.zeros(SIZE, bool)
        mask[one.xy[1] : one.xy[1] + one.alpha.shape[0], one.xy[0] : one.xy[0] + one.alpha.shape[1]] = True
        masks.append(mask)
    truth = scene.truth()
    shares = [
        ellipse_share(masks[0] | masks[1] | masks[2], truth.xyxy[0]),
        ellipse_share(masks[2], truth.xyxy[1]),
    ]
    tenths = [min(int(share * 10 + 1e-6), 9) for share in shares]
    assert truth.occlusion.tolist() == [max(2, tenths[0]), tenths[1] or -1]


def test_a_layer_covers_as_its_opacity_says():
    scene = Scene(np.full((4, 4), 100, np.uint8), Detections())
    alpha = np.array([[0, 51], [128, 255]], np.uint8)
    scene.paste(Layer((1, 2), alpha, np.full((2, 2), 200, np.uint8)))
    assert scene.canvas[2:, 1:3].tolist() == [[100, 120], [150, 200]]
    assert scene.canvas.sum() == 12 * 100 + 570


def test_the_picture_handed_in_stays_as_it_is():
    picture = np.zeros((4, 4), np.uint8)
    Scene(picture, Detections()).paste(Layer((0, 0), np.full((2, 2), 255, np.uint8), np.full((2, 2), 9, np.uint8)))
    assert not picture.any()
