"""The careful look: what several views agree on, and nothing that a view cuts."""

import numpy as np

from faceir.data.check.look import look
from faceir.detections import Detections
from faceir.testing import FakeDetector


def bright(image):
    """Finds the bounding box of what is bright."""
    ys, xs = np.nonzero(image > 128)
    if not len(ys):
        return Detections()
    return Detections([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], [0.8])


def picture(x, y, size):
    image = np.zeros((200, 300), np.uint8)
    image[y : y + size, x : x + size] = 255
    return image


def test_a_face_that_all_views_see_keeps_box_and_score():
    for at in ((10, 10, 20), (130, 90, 20), (270, 170, 24), (100, 60, 90)):
        (found,) = look([picture(*at)], FakeDetector(bright))
        x, y, size = at
        np.testing.assert_allclose(found.xyxy, [[x, y, x + size, y + size]], atol=1e-4)
        np.testing.assert_allclose(found.scores, 0.8, atol=1e-6)


def test_a_face_of_one_view_alone_is_doubted():
    answers = [Detections([[10, 10, 30, 30]], [0.9]), *[Detections()] * 5]
    (found,) = look([np.zeros((200, 300), np.uint8)], FakeDetector(answers))
    assert len(found) == 1
    assert found.scores[0] < 0.4


def test_a_part_of_a_face_is_no_face():
    answers = [Detections([[50, 50, 150, 150], [60, 60, 90, 90]], [0.9, 0.5]), *[Detections()] * 5]
    (found,) = look([np.zeros((200, 300), np.uint8)], FakeDetector(answers))
    np.testing.assert_allclose(found.xyxy, [[50, 50, 150, 150]])


def test_many_pictures_are_looked_at_as_each_alone():
    pictures = [picture(20, 20, 30), np.zeros((1, 1), np.uint8), picture(200, 100, 15)]
    together = look(pictures, FakeDetector(bright))
    assert together == [look([one], FakeDetector(bright))[0] for one in pictures]
    assert look([], FakeDetector(bright)) == []
