"""Pictures shown at one size: what is seen, and where its boxes lie."""

from collections.abc import Sequence

import numpy as np
import pytest

from faceir.detections import Detections
from faceir.evaluate.fitted import Fitted
from faceir.fit import Fit
from faceir.flow import Image


@pytest.mark.parametrize("shape", [(480, 768), (240, 384), (100, 50), (1080, 1920)])
def test_boxes_come_back_to_the_picture_and_what_lies_beside_it_is_dropped(shape: tuple[int, int]) -> None:
    fit, seen = Fit((384, 240)), []
    height, width = shape
    true = np.array([[0.2 * width, 0.3 * height, 0.4 * width, 0.7 * height]], np.float32)

    def detector(images: Sequence[Image]) -> list[Detections]:
        seen.extend(image.shape for image in images)
        on_canvas = fit.placement((width, height)).to_canvas(true)
        beside = [383.0, 239.0, 384.0, 240.0]
        return [Detections(np.concatenate([on_canvas, [beside]])) for _ in images]

    found = Fitted(detector, fit)([np.zeros(shape, np.uint8)] * 2)
    assert seen == [(240, 384)] * 2
    full = width * 240 == height * 384  # the picture fills the canvas
    for one in found:
        assert one.xyxy[0] == pytest.approx(true[0], abs=0.01 * width)
        assert len(one) == (2 if full else 1)
