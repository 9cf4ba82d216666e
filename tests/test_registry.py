from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faceir import registry
from faceir.errors import FaceirError, InputError, ModelError
from faceir.runtime.detector import DEFAULT_MODEL, Detector

ROOT = Path(__file__).parents[1]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/away/index.json":
            self.send_response(302)
            self.send_header("Location", "ftp://127.0.0.1/index.json")
            self.end_headers()
        else:
            super().do_GET()


@pytest.fixture(autouse=True)
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The local folder of this test."""
    monkeypatch.setenv(registry.FOLDER_VARIABLE, str(tmp_path / "local"))
    return tmp_path / "local"


@pytest.fixture
def shelf(tmp_path: Path, square_model: Path) -> Path:
    """A folder with an index of one model, `square_v1`."""
    folder = tmp_path / "shelf"
    (folder / "files").mkdir(parents=True)
    data = square_model.read_bytes()
    (folder / "files" / "square.onnx").write_bytes(data)
    write_index(folder, entry(data))
    return folder


def entry(data: bytes, **changed: object) -> dict[str, object]:
    sha256 = hashlib.sha256(data).hexdigest()
    return {"name": "square_v1", "file": "files/square.onnx", "sha256": sha256, "bytes": len(data)} | changed


def write_index(folder: Path, *entries: dict[str, object], version: int = 1) -> None:
    (folder / "index.json").write_text(json.dumps({"format": version, "models": entries}))


@pytest.fixture
def server(shelf: Path) -> Iterator[str]:
    """The shelf by HTTP."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(shelf))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("way", ["path", "file", "http"])
def test_from_an_index_to_a_detector(shelf: Path, server: str, local: Path, way: str, square_picture: Any) -> None:
    place = shelf / "index.json"
    index = registry.read_index({"path": place, "file": place.as_uri(), "http": f"{server}/index.json"}[way])
    told: list[tuple[int, int]] = []
    path = registry.fetch(index, "square_v1", lambda done, whole: told.append((done, whole)))
    assert path == local / "square_v1.onnx"
    assert told[-1] == (path.stat().st_size,) * 2
    assert registry.resolve("square_v1") == path
    assert len(Detector("square_v1", precision="f32").detect(square_picture(1))) == 1
    assert sorted(p.name for p in local.iterdir()) == ["index.json", "square_v1.onnx"]
    with pytest.raises(ModelError, match="is here already"):
        registry.fetch(index, "square_v1")
    assert registry.remove("square_v1") == path
    assert [p.name for p in local.iterdir()] == ["index.json"]


@pytest.mark.parametrize("damage", ["flipped", "cut", "longer", "gone"])
def test_a_damaged_download_leaves_nothing(shelf: Path, server: str, local: Path, damage: str) -> None:
    path = shelf / "files" / "square.onnx"
    data = path.read_bytes()
    path.write_bytes({"flipped": b"\xff" + data[1:], "cut": data[:-9], "longer": data + bytes(9)}.get(damage, b""))
    if damage == "gone":
        path.unlink()
    with pytest.raises(ModelError, match="cannot be fetched" if damage == "gone" else "sent "):
        registry.fetch(registry.read_index(f"{server}/index.json"), "square_v1")
    assert list(local.iterdir()) == []
    assert registry.find("square_v1") is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "../x"}, "states a name"),
        ({"name": 7}, "states a name"),
        ({"file": "../../etc/passwd"}, "states a file"),
        ({"file": "/etc/passwd"}, "states a file"),
        ({"file": "https://elsewhere/x.onnx"}, "states a file"),
        ({"file": None}, "states a file"),
        ({"sha256": "abc"}, "states a sha256"),
        ({"bytes": "many"}, "states a bytes"),
    ],
)
def test_an_index_that_cannot_be_used(shelf: Path, changed: dict[str, object], said: str) -> None:
    write_index(shelf, entry(b"", **changed))
    with pytest.raises(ModelError, match=said):
        registry.read_index(shelf / "index.json")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": 1}', '{"format": 1, "models": [{}]}', '{"format": 2, "models": []}'],
)
def test_no_index(shelf: Path, text: str) -> None:
    (shelf / "index.json").write_text(text)
    with pytest.raises(ModelError, match=r"index|format|entry|empty"):
        registry.read_index(shelf / "index.json")


def test_a_name_twice(shelf: Path) -> None:
    write_index(shelf, entry(b""), entry(b""))
    with pytest.raises(ModelError, match="names a model twice"):
        registry.read_index(shelf / "index.json")


def test_what_is_not_known_yet_is_passed_over(shelf: Path) -> None:
    write_index(shelf, entry(b"", invented_later=1))
    assert registry.read_index(shelf / "index.json").entries[0].name == "square_v1"


@pytest.mark.parametrize(
    "url", ["http://example.com/index.json", "ftp://127.0.0.1/index.json", "s3://bucket/index.json"]
)
def test_ways_that_others_may_change_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="wanted https:// or file://"):
        registry.read_index(url)


def test_a_redirect_to_another_way_is_refused(server: str) -> None:
    with pytest.raises(FaceirError):
        registry.read_index(f"{server}/away/index.json")


def test_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = registry.resolve(Path(DEFAULT_MODEL).stem)
    assert packaged.name == DEFAULT_MODEL
    monkeypatch.chdir(tmp_path)
    Path(packaged.stem).write_text("a path that exists wins")
    assert registry.resolve(packaged.stem) == Path(packaged.stem)
    assert registry.resolve("none/such.onnx") == Path("none/such.onnx")  # its reader says that it does not exist
    with pytest.raises(ModelError, match=rf"wanted {packaged.stem}"):
        registry.resolve(packaged.stem + "0")


def test_a_changed_file_is_not_used(local: Path, square_model: Path) -> None:
    path = registry.add_file("mine.1", square_model, about="squares")
    assert registry.resolve("mine.1") == path
    path.write_bytes(b"\xff" + path.read_bytes()[1:])
    with pytest.raises(ModelError, match="so it was changed"):
        registry.resolve("mine.1")


def test_names_and_removal(square_model: Path) -> None:
    packaged = Path(DEFAULT_MODEL).stem
    with pytest.raises(InputError, match="is no name for a model"):
        registry.add_file("a/b", square_model)
    with pytest.raises(ModelError, match="is here already"):
        registry.add_file(packaged, square_model)
    with pytest.raises(ModelError, match="is a packaged model"):
        registry.remove(packaged)
    with pytest.raises(ModelError, match="is no file and no model's name"):
        registry.remove("none")


@pytest.mark.parametrize("place", [ROOT / "src" / "faceir" / "models", ROOT / "models"], ids=["packaged", "weights"])
def test_the_shipped_indexes_state_what_lies_beside_them(place: Path) -> None:
    """After a release: put size and sha256 of the new file into its index.json."""
    if not (place / "index.json").exists():
        pytest.skip("the weights are not part of an installation")
    index = registry.read_index(place / "index.json")
    for listed in index.entries:
        registry.verify(index, listed)
        assert index.path(listed).stat().st_size == listed.bytes
        assert listed.about
        assert listed.terms
    files = {p.name for p in place.iterdir()} - {"index.json"}
    assert files == {listed.file for listed in index.entries}
