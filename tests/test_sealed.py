from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceir import sealed
from faceir.errors import InputError, MissingExtra, ModelError
from faceir.flow import Image
from faceir.runtime.detector import Detector

pytest.importorskip("cryptography")
CHEAP = 2
"""log2 of scrypt's n in tests that seal hundreds of times."""
TLT_KEY = "tlt_encode"  # the one that TAO publishes
SMALL = sealed.seal(b"a model", TLT_KEY, name="small", cost_log2=CHEAP)


@given(st.binary(max_size=300), st.text(min_size=1), st.text())
@settings(max_examples=50, deadline=None)
def test_there_and_back(data: bytes, key: str, name: str) -> None:
    try:
        key.encode()
        name.encode()
    except UnicodeEncodeError:  # half a surrogate pair is no text that can be typed
        return
    closed = sealed.seal(data, key, name=name, cost_log2=CHEAP)
    assert sealed.unseal(closed, key) == data
    assert sealed.read_header(closed).name == name[:63]
    if len(data) > 8:
        assert data not in closed


def test_the_key_that_tao_publishes_is_a_key_like_any() -> None:
    assert sealed.unseal(SMALL, TLT_KEY) == b"a model"


def test_two_seals_share_neither_salt_nor_nonce_nor_a_byte_of_cipher() -> None:
    one, two = (sealed.seal(bytes(64), "key", cost_log2=CHEAP) for _ in range(2))
    first, second = sealed.read_header(one), sealed.read_header(two)
    assert (first.salt, first.nonce) != (second.salt, second.nonce)
    assert one[-80:] != two[-80:]


def test_every_flipped_bit_is_noticed() -> None:
    for bit in range(8 * len(SMALL)):
        changed = bytearray(SMALL)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ModelError) as caught:
            sealed.unseal(bytes(changed), TLT_KEY)
        assert "\n" not in str(caught.value)


def test_every_cut_and_every_tail_is_noticed() -> None:
    for length in range(len(SMALL)):
        with pytest.raises(ModelError):
            sealed.unseal(SMALL[:length], TLT_KEY)
    with pytest.raises(ModelError):
        sealed.unseal(SMALL + b"\0", TLT_KEY)


@given(st.binary(max_size=120))
@settings(max_examples=300, deadline=None)
def test_anything_else_is_one_clean_error(data: bytes) -> None:
    for given_bytes in (data, sealed.MAGIC + data):
        with pytest.raises(ModelError):
            sealed.unseal(given_bytes, "key")


@pytest.mark.parametrize("key", ["tlt_encodE", "", "tlt_encode "])
def test_a_wrong_key_is_not_told_apart_from_damage_and_not_repeated(key: str) -> None:
    with pytest.raises((ModelError, InputError)) as caught:
        sealed.unseal(SMALL, key)
    if key:
        assert "a wrong key, or a file cut short or altered" in str(caught.value)
        assert key not in str(caught.value)
    else:
        assert "is empty" in str(caught.value)


def test_a_header_that_asks_for_much_memory_is_refused_at_once() -> None:
    greedy = bytearray(SMALL)
    greedy[9] = 30  # log2(n): a terabyte
    with pytest.raises(ModelError):
        sealed.unseal(bytes(greedy), TLT_KEY)


def test_the_shipped_cost_is_sound() -> None:
    header = sealed.read_header(sealed.seal(b"", "key"))
    assert 128 * header.block << header.cost_log2 >= 32 << 20


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, closed = tmp_path / "a.onnx", tmp_path / "b.onnx"
    plain.write_bytes(b"a model")
    sealed.seal_file(plain, closed, "key")
    assert [sealed.is_sealed(p) for p in (plain, closed, tmp_path, tmp_path / "none")] == [False, True, False, False]
    assert sealed.open_model(plain) == sealed.open_model(closed, "key") == b"a model"
    monkeypatch.delenv(sealed.KEY_VARIABLE, raising=False)
    with pytest.raises(ModelError, match="is sealed; wanted its key"):
        sealed.open_model(closed)
    monkeypatch.setenv(sealed.KEY_VARIABLE, "key")
    assert sealed.open_model(closed) == b"a model"
    with pytest.raises(ModelError, match="a wrong key"):
        sealed.open_model(closed, "other")  # what is said goes before what is set
    with pytest.raises(ModelError, match="is sealed already"):
        sealed.seal_file(closed, closed, "key")
    with pytest.raises(ModelError, match="is one of two files"):
        sealed.seal_file(tmp_path / "net.xml", closed, "key")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]


def test_detection_from_a_sealed_model_is_that_of_the_plain_one(
    square_model: Path, square_picture: Callable[..., Image], tmp_path: Path
) -> None:
    closed = tmp_path / "square.onnx"
    sealed.seal_file(square_model, closed, TLT_KEY)
    pictures = [square_picture(scale, (x, 0)) for scale in (1, 2) for x in (0, 3)]
    plain, opened = (
        Detector(m, precision="f32", key=k)(pictures) for m, k in ((square_model, None), (closed, TLT_KEY))
    )
    assert all(len(faces) == 1 for faces in plain)
    for a, b in zip(plain, opened, strict=True):
        np.testing.assert_array_equal(a.xyxy, b.xyxy)
        np.testing.assert_array_equal(a.scores, b.scores)
    assert [p.name for p in tmp_path.iterdir()] == ["square.onnx"]  # nothing plain was laid beside it
    with pytest.raises(ModelError, match="a wrong key"):
        Detector(closed, key="other")


def test_without_cryptography_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceir.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'faceir\[seal\]'"):
        sealed.unseal(SMALL, TLT_KEY)
