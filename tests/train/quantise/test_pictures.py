from __future__ import annotations

from pathlib import Path

import pytest

from faceir.errors import InputError
from faceir.train.quantise.pictures import pictures


def test_pictures_are_chosen_evenly_from_all_below(tmp_path: Path) -> None:
    names = [tmp_path / f"set_{n // 5}" / f"{n:02d}.PNG" for n in range(10)]
    for name in names:
        name.parent.mkdir(exist_ok=True)
        name.touch()
    (tmp_path / "notes.txt").touch()
    assert pictures(tmp_path, 20) == names
    assert pictures(tmp_path, 5) == names[::2]


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no picture"):
        pictures(tmp_path, 5)
    with pytest.raises(InputError, match="not a folder"):
        pictures(tmp_path / "none", 5)
