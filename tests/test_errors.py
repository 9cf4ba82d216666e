from __future__ import annotations

from pathlib import Path

import pytest

from faceir import errors
from faceir.errors import (
    FaceirError,
    GateError,
    InputError,
    MissingExtra,
    ModelError,
    SpecError,
    StreamError,
    need,
    need_file,
)


def test_the_tree_is_the_one_in_the_docstring() -> None:
    assert issubclass(StreamError, InputError)
    for kind in (InputError, SpecError, ModelError, GateError, MissingExtra):
        assert kind.__bases__ == (FaceirError,)
    for name in ("FaceirError", "InputError", "StreamError", "SpecError", "ModelError", "GateError", "MissingExtra"):
        assert name in (errors.__doc__ or "")
        assert name in errors.__all__


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("a.jpg", "is cut off"), "a.jpg: is cut off"),
        (("a.jpg", "is cut off", "a whole picture"), "a.jpg: is cut off; wanted a whole picture"),
        (("a.jpg", "is cut off", "", "copy it again"), "a.jpg: is cut off; copy it again"),
        (("a.jpg", "is cut off", "a picture", "copy it"), "a.jpg: is cut off; wanted a picture; copy it"),
    ],
)
def test_one_line_says_where_what_wanted_do(parts: tuple[str, ...], message: str) -> None:
    error = FaceirError(*parts)
    assert str(error) == message
    assert (error.where, error.came) == parts[:2]


def test_where_may_be_a_path() -> None:
    assert str(InputError(Path("x") / "y", "is odd")) == f"{Path('x') / 'y'}: is odd"


def test_need_is_silent_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "_EXTRAS", {"train": ("json", "math")})
    need("train")


def test_need_prints_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "_EXTRAS", {"train": ("json", "no_such_package", "nor_this")})
    with pytest.raises(MissingExtra, match="no_such_package, nor_this") as caught:
        need("train")
    assert "pip install 'faceir[train]'" in str(caught.value)


def test_need_file(tmp_path: Path) -> None:
    full, empty = tmp_path / "full", tmp_path / "empty"
    full.write_text("x")
    empty.touch()
    assert need_file(str(full), "a model") == full
    for path, told in ((tmp_path, "is a folder"), (tmp_path / "no", "does not exist"), (empty, "is empty")):
        with pytest.raises(ModelError, match=told) as caught:
            need_file(path, "a model file", ModelError)
        assert "wanted a model file" in str(caught.value)
        assert str(path) in str(caught.value)
