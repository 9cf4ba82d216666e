"""Perceptual hash: the same picture made differently is near, others are not; the pairs are those of all with all."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir.data import duplicates
from faceir.errors import InputError

WORDS = st.integers(0, 2**64 - 1)


def near(a: int, b: int) -> int:
    return (a ^ b).bit_count()


def picture(seed: int, size: int = 320) -> np.ndarray:
    """Blobs of light, as different as photographs are."""
    rng = np.random.default_rng(seed)
    small = cv2.resize(
        rng.uniform(0, 255, (6, 8)).astype(np.float32), (size, size * 3 // 4), interpolation=cv2.INTER_CUBIC
    )
    return np.clip(small, 0, 255).astype(np.uint8)


def test_other_prints_of_a_picture_are_near_and_other_pictures_are_not() -> None:
    hashes = [duplicates.picture_hash(picture(seed)) for seed in range(30)]
    assert all(h is not None for h in hashes)
    for seed, mine in enumerate(hashes):
        image = picture(seed)
        jpeg = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_GRAYSCALE)
        darker = (image * 0.7 + 5).astype(np.uint8)
        for other in (jpeg, darker, cv2.resize(image, None, fx=0.5, fy=0.5)):
            assert near(mine or 0, duplicates.picture_hash(other) or 0) <= duplicates.DISTANCE
    others = [near(a or 0, b or 0) for n, a in enumerate(hashes) for b in hashes[:n]]
    assert min(others) > duplicates.DISTANCE


def test_a_picture_without_contrast_has_no_hash() -> None:
    noise = np.random.default_rng(0).normal(12, 1, (200, 300)).clip(0, 255).astype(np.uint8)
    assert duplicates.picture_hash(noise) is None


def test_a_large_file_is_decoded_small_and_hashed_alike() -> None:
    data = cv2.imencode(".jpg", picture(3, 1600))[1].tobytes()
    small, whole = duplicates.file_hash(data, "a"), duplicates.picture_hash(picture(3, 1600))
    assert near(small or 0, whole or 0) <= 2
    with pytest.raises(InputError, match="a: cannot be decoded"):
        duplicates.file_hash(b"no picture", "a")


@settings(max_examples=30)
@given(
    st.lists(WORDS, max_size=30),
    st.lists(st.lists(st.integers(0, 63), max_size=12), max_size=30),
    st.sampled_from([0, 3, 4, 6, 9]),
)
def test_pairs_are_those_of_all_with_all(words: list[int], flips: list[list[int]], distance: int) -> None:
    """With copies that differ in a few bits, so that there is something to find."""
    for n, bits in enumerate(flips[: len(words)]):
        words.append(words[n] ^ sum(1 << bit for bit in set(bits)))
    wanted = [
        [i, j] for i in range(len(words)) for j in range(i + 1, len(words)) if near(words[i], words[j]) <= distance
    ]
    assert duplicates.near_pairs(np.array(words, np.uint64), distance).tolist() == wanted


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 40, 300).astype(np.uint64)
    whole = duplicates.near_pairs(hashes, 5)
    monkeypatch.setattr(duplicates, "_BATCH", 7)
    np.testing.assert_array_equal(duplicates.near_pairs(hashes, 5), whole)
    assert len(whole)


@given(st.lists(WORDS, max_size=20))
def test_popcount(words: list[int]) -> None:
    assert duplicates.popcount(np.array(words, np.uint64)).tolist() == [w.bit_count() for w in words]


def test_distance_has_a_limit() -> None:
    with pytest.raises(InputError, match="distance: is 16"):
        duplicates.near_pairs(np.zeros(2, np.uint64), 16)
