"""All tables as a page for people."""

from __future__ import annotations

from faceir.runtime.deepstream.keys import ANY
from faceir.runtime.deepstream.tables.app import APP
from faceir.runtime.deepstream.tables.infer import INFER
from faceir.runtime.deepstream.tables.tracker import TRACKER_FILE

__all__ = ["document"]


def document() -> str:
    """The table as Markdown, for docs/deepstream.md."""
    lines = []
    for group in (*INFER, *APP, *TRACKER_FILE):
        shown = "`{}:` of `ll-config-file`" if group in TRACKER_FILE else "`[{}]`"
        names = " ".join(shown.format(name) for name in group.name.split("|"))
        lines += [f"### {names}", ""]
        if group.why_not:
            lines += [f"No meaning here: {group.why_not}.", ""]
        if group.why_not and group.keys == ANY:
            continue
        if group.ours:
            lines += ["An extension: DeepStream does not know it.", ""]
        lines += ["| key | value | default | here | |", "|---|---|---|---|---|"]
        lines += [f"| `{k.name}` | {k.wanted} | {k.default} | {k.here} | {k.note} |" for k in group.keys]
        lines.append("")
    return "\n".join(lines)
