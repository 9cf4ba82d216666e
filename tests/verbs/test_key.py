from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import typer

from faceir import cli, sealed
from faceir.errors import FaceirError, InputError
from faceir.flow import Image
from faceir.verbs.key import read_key

KEY = "s3cret-of-the-night"


def test_ways_to_give_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(f"{KEY}\nnever read\n")
    monkeypatch.setenv("MINE", KEY)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: KEY)
    for given in (KEY, f"@{tmp_path / 'key'}", "env:MINE", "prompt", "-"):
        assert read_key(given) == KEY
    assert read_key(None) is None


@pytest.mark.parametrize("given", ["", "env:NOT_SET_ANYWHERE", "@empty", "@none"])
def test_no_key_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").write_text("\n")
    with pytest.raises(InputError):
        read_key(given)


def test_detect_opens_a_sealed_model_and_never_says_the_key(
    square_model: Path,
    square_picture: Callable[..., Image],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    closed, picture, out = tmp_path / "m.onnx", tmp_path / "a.png", tmp_path / "out"
    sealed.seal_file(square_model, closed, KEY)
    cv2.imwrite(str(picture), square_picture(1))
    monkeypatch.delenv(sealed.KEY_VARIABLE, raising=False)

    def detect(*options: str) -> tuple[int, str]:
        with pytest.raises((SystemExit, FaceirError)) as left:
            cli.main(["detect", str(picture), "-o", str(out), "-m", str(closed), *options])
        told = capfd.readouterr()
        said = told.out + told.err + (str(left.value) if left.type is not SystemExit else "")
        return (int(left.value.code or 0) if isinstance(left.value, SystemExit) else 1), said

    for options, code in (
        ((), 1),
        (("-k", KEY), 0),
        (("-k", KEY + "x"), 1),
        (("-k", KEY + "x", "--debug"), 1),
    ):
        got, said = detect(*options)
        assert got == code, said
        assert KEY not in said
    monkeypatch.setenv(sealed.KEY_VARIABLE, KEY)
    assert detect()[0] == 0
    for path in out.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()
