"""`faceir doctor` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from faceir.errors import InputError
from faceir.verbs.doctor import doctor

_APP = typer.Typer()
_APP.command()(doctor)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[float], Path]:
    """Makes a folder of 6 pictures of blocks, with their light times `light`."""

    def make(light: float) -> Path:
        rng = np.random.default_rng(0)
        where = tmp_path / f"light {light}"
        where.mkdir()
        for n in range(6):
            blocks = cv2.resize(
                rng.integers(20, 230, (15, 24)).astype(np.uint8), (384, 240), interpolation=cv2.INTER_NEAREST
            )
            noisy = blocks * light + rng.normal(0, 1, blocks.shape)
            cv2.imwrite(str(where / f"{n}.png"), noisy.clip(0, 255).astype(np.uint8))
        return where

    return make


def test_healthy(folder: Callable[[float], Path]) -> None:
    result = CliRunner().invoke(_APP, [str(folder(1.0)), "--no-faces"])
    assert result.exit_code == 0, result.output
    assert "healthy" in result.stdout
    assert "6 frames of 384 x 240" in result.stdout


def test_problems_in_words_in_json_and_as_a_picture(folder: Callable[[float], Path], tmp_path: Path) -> None:
    where = folder(0.05)
    picture = tmp_path / "new" / "seen.png"
    result = CliRunner().invoke(_APP, [str(where), "--no-faces", "--picture", str(picture)])
    assert result.exit_code == 1, result.output
    assert "not healthy" in result.stdout
    assert "emitter" in result.stdout
    image = cv2.imread(str(picture))
    assert image is not None
    assert image.shape[1] > 1000
    assert [p.name for p in picture.parent.iterdir()] == ["seen.png"]
    result = CliRunner().invoke(_APP, [str(where), "--no-faces", "--json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["findings"][0]["name"] == "emitter-off"
    assert told["facts"]["frames"] == 6


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    result = CliRunner().invoke(_APP, [str(tmp_path / "none.mp4"), "--json"])
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
    assert json.loads(result.stdout)["healthy"] is False


def test_a_wrong_address_shows_no_password() -> None:
    result = CliRunner().invoke(_APP, ["rtsp://user:secret@127.0.0.1:9/cam"])
    assert result.exit_code == 2
    assert "127.0.0.1:9" in result.stderr
    assert "secret" not in result.output


def test_a_picture_of_another_kind_is_refused(folder: Callable[[float], Path], tmp_path: Path) -> None:
    result = CliRunner().invoke(_APP, [str(folder(1.0)), "--no-faces", "--picture", str(tmp_path / "a.doc")])
    assert isinstance(result.exception, InputError)
    assert "a.doc" in str(result.exception)


def test_with_the_packaged_model(folder: Callable[[float], Path]) -> None:
    result = CliRunner().invoke(_APP, [str(folder(1.0)), "--json"])
    assert json.loads(result.stdout)["facts"]["faces_per_frame"] == 0
    assert "no-face" in [f["name"] for f in json.loads(result.stdout)["findings"]]
