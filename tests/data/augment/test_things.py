"""Things that stand before faces: as bright and as large as they say."""

import numpy as np

from faceir.data.augment.scene import Scene
from faceir.data.augment.things import Face, cap, clutter, dim, torso, turned_away
from faceir.detections import Detections

FACE = Detections([[70, 50, 110, 100]])


def test_caps_are_darker_or_far_brighter_than_the_face_and_end_above_its_middle():
    canvas = np.full((150, 180), 90, np.uint8)
    ratios = []
    for seed in range(80):
        scene = Scene(canvas, FACE)
        for layer in cap(scene, Face.of(canvas, FACE.xyxy[0]), FACE, np.random.default_rng(seed)):
            scene.paste(layer)
        assert scene.canvas[86:].max() <= 91  # below the middle at most a shadow
        ratios.append(scene.canvas[40:50, 80:100].mean() / 90)
    assert min(ratios) < 0.5
    assert max(ratios) > 1.8


def test_a_dimmed_head_keeps_what_is_nearer_and_what_is_far_from_it():
    canvas = np.full((300, 360), 100, np.uint8)
    face = Detections([[170, 140, 190, 165]])
    front = np.zeros_like(canvas)
    front[:, 185:] = 255
    left, beside = [], []
    for seed in range(40):
        scene = Scene(canvas, face)
        dim(scene, Face.of(canvas, face.xyxy[0]), np.random.default_rng(seed), front)
        left.append(int(scene.canvas[152, 180]))
        beside.append(int(scene.canvas[152, 145]))
        assert (scene.canvas[:, 190:] == 100).all()
        assert (scene.canvas[:, :20] == 100).all()
        assert scene.canvas.max() == 100
    assert max(left) < 100
    assert min(left) < 25
    assert 8 < sum(b < 95 for b in beside) < 32  # its surroundings lie in the dark half of the time


def test_clutter_comes_from_where_no_face_is():
    canvas = np.full((150, 180), 30, np.uint8)
    canvas[:, :60] = 200
    everywhere = Detections([[0, 0, 180, 150]])
    layers = clutter(Scene(canvas, FACE), Face(130, 75, 31, 40, 0), FACE, np.random.default_rng(1))
    assert len(layers) == 1
    assert set(np.unique(layers[0].light)) <= {30, 200}
    assert clutter(Scene(canvas, everywhere), Face(130, 75, 31, 40, 0), everywhere, np.random.default_rng(1)) == []


def test_a_torso_is_large_and_hides_no_face():
    canvas = np.full((240, 384), 40, np.uint8)
    hidden = Face(90, 75, 60, 80, 120)
    beside = Face(300, 150, 80, 100, 120)
    heights = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        assert torso(Scene(canvas, FACE), hidden, FACE, rng) == []
        scene = Scene(canvas, FACE)
        for layer in torso(scene, beside, FACE, rng):
            scene.paste(layer)
        rows = np.flatnonzero((scene.canvas != 40).any(axis=1))
        heights.append(len(rows))
        assert (scene.canvas[150, 290:310] != 40).mean() > 0.9
    assert min(heights) >= 80
    assert max(heights) > 150


def test_a_capped_head_turned_away_hides_the_face_behind_it_and_moves_no_box():
    canvas = np.full((150, 180), 90, np.uint8)
    for seed in range(20):
        scene = Scene(canvas, FACE)
        layers = turned_away(scene, Face.of(canvas, FACE.xyxy[0]), FACE, np.random.default_rng(seed))
        assert all(layer.brim is None for layer in layers)
        for layer in layers:
            scene.paste(layer)
        assert scene.canvas[84:96, 80:100].mean() < 80  # nothing of the face is seen
        assert (scene.truth().xyxy == FACE.xyxy).all()
        assert scene.truth().occlusion[0] >= 8
