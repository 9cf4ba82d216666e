from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

import faceir.errors
from faceir.errors import MissingExtra
from faceir.report.files import template, write_text


def test_templates_are_in_the_package_and_strict() -> None:
    for name in ("page.html.j2", "card.md.j2"):
        with pytest.raises(jinja2.UndefinedError):
            template(name, escape=True).render()


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faceir.errors, "find_spec", lambda name: None if name == "jinja2" else name)
    with pytest.raises(MissingExtra, match=r"pip install 'faceir\[report\]'"):
        template("page.html.j2", escape=True)


def test_files_come_whole(tmp_path: Path) -> None:
    path = write_text("é", tmp_path / "new" / "a.html")
    assert path.read_bytes() == "é".encode()
    assert [p.name for p in path.parent.iterdir()] == ["a.html"]
