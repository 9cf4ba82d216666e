"""Eyes under a lamp: dots where eyes are, and only in faces that show them."""

import numpy as np

from faceir.data.infrared.eyes import glasses_glint, pupils, with_eyes
from faceir.detections import DONT_CARE, Detections

BOX = [40, 30, 90, 95]


def test_only_large_frontal_whole_faces_show_their_eyes():
    boxes = [BOX, [10, 10, 26, 30], [40, 30, 70, 95], BOX, BOX, BOX]
    truth = Detections(
        boxes, labels=[0, 0, 0, DONT_CARE, 0, 0], occlusion=[-1, 0, 0, 0, 4, 1], truncation=[0] * 5 + [0.3]
    )
    assert with_eyes(truth).tolist() == [BOX]
    assert with_eyes(Detections()).shape == (0, 4)


def test_eyes_change_the_face_near_its_eyes_alone():
    light = np.full((120, 130), 100, np.float32)
    for add in (pupils, glasses_glint):
        changed = 0
        for seed in range(15):
            after = add(light, np.array([BOX], np.float32), np.random.default_rng(seed))
            rows, columns = np.nonzero(after != light)
            changed += bool(len(rows))
            if len(rows):
                assert rows.min() >= 30
                assert rows.max() < 95 - 20
                assert columns.min() >= 40 - 8
                assert columns.max() < 90 + 8
                assert len(rows) < 0.1 * 50 * 65
        assert changed >= 12
        assert (light == 100).all()


def test_faces_at_the_border_pass():
    light = np.full((60, 60), 100, np.float32)
    for box in ([0, 0, 40, 50], [30, 30, 60, 60], [-5, -5, 30, 31]):
        for seed in range(5):
            for add in (pupils, glasses_glint):
                assert add(light, np.array([box], np.float32), np.random.default_rng(seed)).shape == light.shape
