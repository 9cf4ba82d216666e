"""The infrared camera model: makes a colour or gray picture look as an active-infrared camera would show it.

In the order of the light: reflectance, lamp, eyes, optics, exposure, sensor, compression. Each function takes
and gives a float32 picture `[H,W]` in 0..255 (values above 255 are light that will saturate) and draws
from the generator it is handed, so that a seed repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from faceir import boxes
from faceir.boxes import FloatArray
from faceir.data.infrared import eyes, lamp
from faceir.data.infrared.lamp import illuminate
from faceir.data.infrared.optics import blur
from faceir.data.infrared.sensor import jpeg, sense, stripes, video
from faceir.detections import DONT_CARE, Detections
from faceir.flow import Image

__all__ = ["InfraredParams", "blur", "expose", "illuminate", "jpeg", "luminance_weights", "sense", "shoot"]

_SNR_HEIGHT = 24.0  # px; a face four times as high is recognised at half the signal


@dataclass(frozen=True)
class InfraredParams:
    """Ranges of the camera's faults; probabilities 0..1, levels in 8-bit steps, lengths in pixels."""

    sensor_scale_min: float = 1.0
    """Fewest pixels of the sensor along a side, as a share of the picture's; what it sees is enlarged."""
    red_weight: tuple[float, float] = (0.0, 1.0)
    """0 = luminance, 1 = red only: skin and hair reflect near-infrared more as they do red."""
    gamma: tuple[float, float] = (0.6, 1.6)
    distance_falloff_probability: float = 0.3
    """Of light by distance, which the heights of the faces tell: near bright, far and behind dark."""
    illumination_probability: float = 0.4
    """Of a lamp beside the lens otherwise: the middle or one side bright, the background falls into the dark."""
    vignette_probability: float = 0.15
    vignette_light_min: float = 0.3
    """Share of the light that a wide lens leaves in the corners."""
    pupil_probability: float = 0.15
    """Of bright or dark pupils, or the lamp's spark on them, in large faces seen from the front."""
    glint_probability: float = 0.1
    """Of the lamp mirrored in glasses, likewise."""
    blur_probability: float = 0.25
    blur_sigma_max: float = 2.5
    darkness_probability: float = 0.3
    light_min: float = 0.07
    """Share of the light left in the darkest picture."""
    strobe_probability: float = 0.01
    """Of a frame taken between two flashes of the lamp, almost black."""
    dark_gain_probability: float = 0.3
    """Of dark pictures that the camera makes bright again, with few levels and all their noise."""
    over_exposure_probability: float = 0.12
    gain_max: float = 2.4
    noise_probability: float = 0.4
    noise_sigma_max: float = 30.0
    stripe_probability: float = 0.1
    stripe_sigma_max: float = 4.0
    """Of the offset that each row and column of a sensor has for itself."""
    jpeg_probability: float = 0.1
    jpeg_quality_min: int = 25
    video_probability: float = 0.08
    """Of the blocks of a video stream, instead of JPEG's."""
    video_quality_min: int = 12
    """JPEG quality that is as coarse."""
    ignore_snr_below: float = 0.4
    """Signal to noise of a face 24 px high below which it is relabelled `DONT_CARE`."""


def luminance_weights(rng: np.random.Generator, params: InfraredParams) -> FloatArray:
    """Weights of red, green, blue `[3]`, sum 1, between luminance and red."""
    return lamp.luminance_weights(rng, params.red_weight)


def shoot(picture: Image, rng: np.random.Generator, params: InfraredParams) -> Image:
    """One exposure of `picture`, uint8 gray `[H,W]`, of whose faces nothing is known; see `expose`."""
    return expose(picture, Detections(), rng, params)[0]


def expose(
    picture: Image, truth: Detections, rng: np.random.Generator, params: InfraredParams
) -> tuple[Image, Detections]:
    """One exposure of `picture`, uint8 gray `[H,W]`, through lamp, lens, exposure, sensor and compression.

    The faces in its pixels tell how far things are and where eyes shine. Those that drown in the noise or burn
    out to one white come back as `DONT_CARE`, as nobody could find them. Blur is in pixels of the sensor.
    """
    scale = rng.uniform(params.sensor_scale_min, 1) if params.sensor_scale_min < 1 else 1.0
    (height, width), size_wh = picture.shape, tuple(max(round(scale * side), 1) for side in picture.shape[::-1])
    if size_wh == (width, height):
        return _taken(picture, truth, rng, params)
    small = np.asarray(cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    there = truth.with_boxes(boxes.scale(truth.xyxy, (size_wh[0] / width, size_wh[1] / height)))
    image, seen = _taken(small, there, rng, params)
    image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return image, replace(truth, labels=seen.labels)


def _taken(
    picture: Image, truth: Detections, rng: np.random.Generator, params: InfraredParams
) -> tuple[Image, Detections]:
    """One exposure on a sensor of as many pixels as `picture` has."""
    light = _lit(picture, truth, rng, params)
    if rng.random() < params.blur_probability:
        light = blur(light, rng, params.blur_sigma_max)
    light, read_sigma, shot, gain = _exposure(light, rng, params)
    if rng.random() < params.stripe_probability:
        light = light + stripes(picture.shape, rng, rng.uniform(0.3, params.stripe_sigma_max))
    image = sense(light, rng, read_sigma, shot)
    if gain > 1:
        image = np.asarray(cv2.convertScaleAbs(image, alpha=gain), np.uint8)
    draw = rng.random()
    if draw < params.video_probability:
        image = video(image, int(rng.integers(params.video_quality_min, 45)))
    elif draw < params.video_probability + params.jpeg_probability:
        image = jpeg(image, int(rng.integers(params.jpeg_quality_min, 95)))
    return image, _ignore_drowned(light, truth, read_sigma, shot, params.ignore_snr_below)


def _lit(picture: Image, truth: Detections, rng: np.random.Generator, params: InfraredParams) -> FloatArray:
    """The light that comes to the lens."""
    light: npt.NDArray[np.float32] = picture.astype(np.float32)
    gamma = float(np.exp(rng.uniform(*np.log(params.gamma))))
    if abs(gamma - 1) > 0.1:
        table = (255 * (np.arange(256) / 255) ** gamma).astype(np.float32)
        light = table[picture]
    if rng.random() < params.distance_falloff_probability:
        light = lamp.by_distance(light, truth.xyxy[truth.labels != DONT_CARE], rng)
    elif rng.random() < params.illumination_probability:
        light = illuminate(light, rng)
    if rng.random() < params.vignette_probability:
        light = lamp.vignette(light, rng.uniform(params.vignette_light_min, 0.9))
    for probability, add in (
        (params.pupil_probability, eyes.pupils),
        (params.glint_probability, eyes.glasses_glint),
    ):
        if rng.random() < probability and len(faces := eyes.with_eyes(truth)):
            light = add(light, faces, rng)
    return light


def _exposure(
    light: FloatArray, rng: np.random.Generator, params: InfraredParams
) -> tuple[FloatArray, float, float, float]:
    """The light that the sensor gets, its read and shot noise, and the gain put on its 8 bits."""
    if rng.random() < params.strobe_probability:
        return light * np.float32(rng.uniform(0.005, 0.06)), rng.uniform(0.5, 3.0), rng.uniform(0, 0.3), 1.0
    if rng.random() < params.darkness_probability:
        left = float(np.exp(rng.uniform(np.log(params.light_min), np.log(0.7))))
        gain = rng.uniform(1, 1 / left) if rng.random() < params.dark_gain_probability else 1.0
        return light * np.float32(left), rng.uniform(0.5, 4.0), rng.uniform(0, 0.4), gain
    if rng.random() < params.over_exposure_probability:
        light = light * np.float32(rng.uniform(1.2, params.gain_max)) + np.float32(rng.uniform(0, 35))
    if rng.random() < params.noise_probability:
        return light, rng.uniform(1.0, params.noise_sigma_max), rng.uniform(0, 0.5), 1.0
    return light, 0.0, 0.0, 1.0


def _ignore_drowned(light: FloatArray, truth: Detections, read_sigma: float, shot: float, least: float) -> Detections:
    """The faces, those of which too little is seen relabelled: contrast against noise and 8-bit steps."""
    if not least or not len(truth):
        return truth
    snr = np.full(len(truth), np.inf)
    for n, (x1, y1, x2, y2) in enumerate(truth.xyxy.tolist()):
        part = light[max(int(y1), 0) : int(y2) + 1, max(int(x1), 0) : int(x2) + 1]
        if part.size:
            # A standard deviation from the two tenths, as one spark in the dark is no contrast of a face.
            tones = np.sort(cv2.resize(part, (16, 16), interpolation=cv2.INTER_NEAREST), axis=None).clip(0, 255)
            contrast, tone = float(tones[230] - tones[25]) / 2.56, float(tones[128])
            noise = np.sqrt(read_sigma**2 + shot**2 * tone + 1 / 12)
            snr[n] = contrast / noise * np.sqrt((y2 - y1) / _SNR_HEIGHT)
    return replace(truth, labels=np.where(snr < least, DONT_CARE, truth.labels)) if (snr < least).any() else truth
