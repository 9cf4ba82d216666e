"""Templates in, finished texts out."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from faceir.errors import need

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["template", "write_text"]


def template(name: str, escape: bool) -> Template:
    """A template of this package. `escape` = what is filled in is text and never markup of HTML."""
    need("report")
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=escape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = resources.files("faceir.report").joinpath(name).read_text(encoding="utf-8")
    return environment.from_string(text)


def write_text(text: str, path: str | Path) -> Path:
    """`text` as a file, whole or not at all; its folder is made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
    return path
