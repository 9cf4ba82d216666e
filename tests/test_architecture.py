"""The house rules of docs/design.md: arrows point down, wings do not know each other, importing is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import faceir

SOURCE = Path(__file__).parents[1] / "src" / "faceir"
LAYERS = (
    ("errors", "boxes", "detections"),
    ("flow", "spec", "fit", "gridbox", "cluster", "contract", "inference", "registry", "sealed"),
    ("data", "evaluate", "report", "testing"),
    ("train", "runtime"),
    ("verbs", "cli", "demo", "web", "__main__"),
)
LAYER_OF = {room: n for n, rooms in enumerate(LAYERS) for room in rooms}
WINGS, DOORS = LAYERS[3], LAYERS[4]
HOME_OF = {"torch": "train", "openvino": "inference", "av": "runtime"}
"""Where a heavy package may be imported as a file is loaded; other wings and doors may inside a function only."""
IMPORT_MAX_S = 0.150


@dataclass(frozen=True)
class Arrow:
    """One import of `target` by the module `source`. `kept` until run time, `lazy` = inside a function."""

    source: str
    target: str
    line: int
    lazy: bool = False
    kept: bool = True
    """False under `if TYPE_CHECKING`: no cost at run time. It counts as an arrow all the same, as a room
    that names a type from upstairs cannot be understood without going there; a Protocol is the way out."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def modules(root: Path) -> dict[str, Path]:
    """Dotted name of each module below the package's folder."""
    named = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def arrows(name: str, text: str, known: Sequence[str] = ()) -> list[Arrow]:
    """All imports in the `text` of module `name`; `from a import b` is `a.b` when that is a module of `known`."""
    return list(_arrows(ast.parse(text), name, set(known), lazy=False, kept=True))


def _arrows(node: ast.AST, name: str, known: set[str], lazy: bool, kept: bool) -> Iterator[Arrow]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Arrow(name, alias.name, child.lineno, lazy, kept)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{name}:{child.lineno}: say `from faceir...`, not a relative import"
            for alias in child.names:
                inner = f"{child.module}.{alias.name}"
                yield Arrow(name, inner if inner in known else str(child.module), child.lineno, lazy, kept)
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for part in child.body:
                yield from _arrows(ast.Module([part], []), name, known, lazy, False)
            for part in child.orelse:
                yield from _arrows(ast.Module([part], []), name, known, lazy, kept)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _arrows(child, name, known, lazy or inside, kept)


def room(module: str) -> str:
    """`boxes` of `faceir.boxes`, `data` of `faceir.data.kitti`, "" of anything that is not in a room."""
    parts = module.split(".")
    return parts[1] if parts[0] == "faceir" and len(parts) > 1 else ""


MODULES = modules(SOURCE)
ARROWS = [arrow for name, path in MODULES.items() for arrow in arrows(name, path.read_text("utf-8"), list(MODULES))]
INNER = [a for a in ARROWS if room(a.source) and room(a.target)]


def wrong_way(found: Sequence[Arrow]) -> list[str]:
    """Arrows up, or from one wing to the other."""
    return [
        str(a)
        for a in found
        if LAYER_OF[room(a.target)] > LAYER_OF[room(a.source)]
        or (room(a.source) in WINGS and room(a.target) in WINGS and room(a.source) != room(a.target))
    ]


def cycle(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """A ring of imports, or nothing."""
    graph: dict[str, set[str]] = {}
    for source, target in pairs:
        if source != target:
            graph.setdefault(source, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_room_has_a_layer() -> None:
    homeless = sorted({room(name) for name in MODULES if room(name)} - set(LAYER_OF))
    assert not homeless, f"give {homeless} a place in LAYERS and in docs/design.md"


def test_arrows_point_down() -> None:
    assert wrong_way(INNER) == []


def test_rooms_and_modules_form_no_ring() -> None:
    """This is what allows imports inside a layer: `detections` may use `boxes` as long as it is not mutual."""
    assert cycle([(room(a.source), room(a.target)) for a in INNER]) == []
    assert cycle([(a.source, a.target) for a in INNER]) == []


def test_doors_open_wings_only_inside_functions() -> None:
    early = [a for a in INNER if room(a.source) in DOORS and room(a.target) in WINGS and not a.lazy and a.kept]
    assert [str(a) for a in early] == []


def test_heavy_packages_stay_at_home() -> None:
    astray = []
    for a in ARROWS:
        package = a.target.split(".")[0]
        at_home = room(a.source) == HOME_OF.get(package)
        when_needed = room(a.source) in (*WINGS, *DOORS) and (a.lazy or not a.kept)
        if package in HOME_OF and not at_home and not when_needed:
            astray.append(str(a))
    assert astray == []


def test_the_front_takes_in_no_more_than_it_shows() -> None:
    """`import faceir` loads the ground and the shapes; the rest when asked for."""
    front = [a for a in ARROWS if a.source == "faceir" and room(a.target) and not a.lazy and a.kept]
    assert front
    assert {room(a.target) for a in front} <= {*LAYERS[0], *LAYERS[1]}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("import torch", [("torch", False, True)]),
        ("from faceir import boxes", [("faceir.boxes", False, True)]),
        ("from faceir.boxes import iou", [("faceir.boxes", False, True)]),
        ("def f():\n    from faceir.boxes import iou", [("faceir.boxes", True, True)]),
        ("class A:\n    import av", [("av", False, True)]),
        ("try:\n    import av\nexcept ImportError:\n    pass", [("av", False, True)]),
        ("if TYPE_CHECKING:\n    import av\nelse:\n    import torch", [("av", False, False), ("torch", False, True)]),
        ("if typing.TYPE_CHECKING:\n    import av", [("av", False, False)]),
    ],
)
def test_imports_are_seen(text: str, wanted: list[tuple[str, bool, bool]]) -> None:
    seen = arrows("faceir.x", text, ["faceir.boxes"])
    assert [(a.target, a.lazy, a.kept) for a in seen] == wanted


@pytest.mark.parametrize(
    ("source", "target", "allowed"),
    [
        ("faceir.cli", "faceir.runtime.detector", True),
        ("faceir.detections", "faceir.boxes", True),
        ("faceir.boxes", "faceir.fit", False),
        ("faceir.data.kitti", "faceir.train.loop", False),
        ("faceir.train.loop", "faceir.runtime.detector", False),
        ("faceir.runtime.sinks", "faceir.train.loop", False),
        ("faceir.train.loop", "faceir.train.model", True),
    ],
)
def test_wrong_ways_are_seen(source: str, target: str, allowed: bool) -> None:
    assert (wrong_way([Arrow(source, target, 1)]) == []) == allowed


def test_rings_are_seen() -> None:
    assert cycle([("a", "b"), ("b", "c")]) == []
    assert set(cycle([("a", "b"), ("b", "c"), ("c", "a")])) == {"a", "b", "c"}


def _fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_loads_nothing_heavy() -> None:
    heavy = ("torch", "openvino", "av", "cv2", "google.protobuf", "typer", "rich", "skimage", "matplotlib", "onnx")
    assert _fresh(f"import faceir, sys; print([name for name in {heavy} if name in sys.modules])") == "[]"


def test_importing_is_quick() -> None:
    """Processor time, not wall time, and the least of several runs: what other programs do is not our fault."""
    code = "import time; t = time.process_time(); import faceir; print(time.process_time() - t)"
    assert min(float(_fresh(code)) for _ in range(5)) < IMPORT_MAX_S


def test_public_surface() -> None:
    assert sorted(faceir.__all__) == ["Detections", "Detector", "FaceirError", "Frame", "__version__"]
    for name in faceir.__all__:
        assert getattr(faceir, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = faceir.no_such_name
