"""Named models: what each is, where it lies, whether it is still what it was; from an index to this machine.

An index is `index.json` beside its model files: {"format": 1, "models": [{"name", "file", "sha256", "bytes", ...}]}.
There is one in the package, one in a local folder (FACEIR_MODELS, else ~/.local/share/faceir/models), and any
other that the user names by path, `file://` or `https://`. Nothing is fetched from an index nobody named.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from http.client import HTTPException
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urljoin, urlsplit

from faceir.errors import InputError, ModelError, need_file

__all__ = [
    "FOLDER_VARIABLE",
    "INDEX_NAME",
    "Entry",
    "Index",
    "add_file",
    "fetch",
    "find",
    "get",
    "local_folder",
    "read_index",
    "remove",
    "resolve",
    "shelves",
    "verify",
]

INDEX_NAME = "index.json"
FOLDER_VARIABLE = "FACEIR_MODELS"
TIMEOUT_S = 30.0
"""Without a byte for so long, a download is given up."""
_INDEX_MAX_BYTES = 4 << 20
_CHUNK_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Entry:
    """One version of a model."""

    name: str
    file: str
    """Relative to the index, with forward slashes."""
    sha256: str
    """Of the file, lower-case hex."""
    bytes: int
    about: str = ""
    """One line: what it is."""
    spec: str = ""
    """The experiment spec it was trained by, a file name or the text."""
    data: str = ""
    """What it learnt from."""
    terms: str = ""
    """What it may be used for."""
    scores: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def from_dict(stated: Any, where: object) -> Entry:
        """The entry that an index states; fields of later versions are passed over. Raises `ModelError`."""
        try:
            entry = Entry(**{f.name: stated[f.name] for f in fields(Entry) if f.name in stated})
            kinds = {"name": str, "file": str, "sha256": str, "bytes": int, "scores": dict}
            wrong = [key for key, kind in kinds.items() if not isinstance(getattr(entry, key), kind)]
        except (KeyError, TypeError):
            raise ModelError(where, "has an entry without name, file, sha256 or bytes", "all four") from None
        parts = entry.file.split("/") if "file" not in wrong else []
        if "name" not in wrong and not _NAME.fullmatch(entry.name):
            wrong.append("name")
        if not all(_NAME.fullmatch(part) for part in parts):  # no other host, no way out of the index's folder
            wrong.append("file")
        if "sha256" not in wrong and not re.fullmatch("[0-9a-f]{64}", entry.sha256):
            wrong.append("sha256")
        if wrong:
            raise ModelError(
                where, f"model {entry.name!r} states a {wrong[0]} that cannot be used", "one as documented"
            )
        return entry


@dataclass(frozen=True)
class Index:
    """The models of one place."""

    place: str
    """URL of the index file."""
    entries: tuple[Entry, ...] = ()

    def find(self, name: str) -> Entry | None:
        """The entry of that name."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def url(self, entry: Entry) -> str:
        """Where the entry's file lies."""
        return urljoin(self.place, quote(entry.file))

    def path(self, entry: Entry) -> Path:
        """The entry's file, of an index on this machine."""
        return _local(self.place).parent / entry.file


def local_folder() -> Path:
    """Where models that the user added lie."""
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "faceir" / "models"


def shelves() -> list[Index]:
    """The indexes on this machine: the package's, then the local folder's."""
    packaged = Path(str(files("faceir") / "models" / INDEX_NAME))
    places = [packaged, local_folder() / INDEX_NAME]
    return [read_index(place) if place.exists() else Index(_url(place)) for place in places]


def read_index(place: str | Path) -> Index:
    """The index at a path or URL (`https://`, `file://`); raises `ModelError` or `InputError`."""
    url = _url(place)
    with _opened(url) as file:
        raw = file.read(_INDEX_MAX_BYTES + 1)
    try:
        stated: Any = json.loads(raw) if len(raw) <= _INDEX_MAX_BYTES else None
        version, models = stated["format"], list(stated["models"])
    except (ValueError, TypeError, KeyError):
        raise ModelError(place, "is not an index of models", 'JSON with "format" and "models"') from None
    if version != 1:
        raise ModelError(place, f"has index format {version}", "1", "use a newer faceir")
    entries = tuple(Entry.from_dict(model, place) for model in models)
    if len({entry.name for entry in entries}) < len(entries):
        raise ModelError(place, "names a model twice", "one entry a name")
    return Index(url, entries)


def resolve(model: str | Path) -> Path:
    """The file of `model`, a path or a name; a path that exists wins.

    A named file is held against its sha256 first. What looks like a path comes back as it is, for the
    reader to say that it does not exist; raises `ModelError` for other names that nothing has.
    """
    path = Path(model)
    if path.exists():
        return path
    if found := find(str(model)):
        verify(*found)
        index, entry = found
        return index.path(entry)
    if path.suffix or len(path.parts) != 1:
        return path
    raise _unknown(str(model), shelves())


def find(name: str) -> tuple[Index, Entry] | None:
    """The model of that name on this machine, and the index that has it."""
    return next(((index, entry) for index in shelves() if (entry := index.find(name))), None)


def get(name: str, indexes: Sequence[Index]) -> tuple[Index, Entry]:
    """The first model of that name; raises `ModelError` with the nearest names."""
    for index in indexes:
        if entry := index.find(name):
            return index, entry
    raise _unknown(name, indexes)


def verify(index: Index, entry: Entry) -> None:
    """Raise `ModelError` unless the entry's file on this machine is the one that its index states."""
    path = need_file(index.path(entry), f"the model {entry.name}", ModelError)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != entry.sha256:
        raise ModelError(
            path, f"sha256 is {found[:12]}..., so it was changed", f"{entry.sha256[:12]}...", _again(entry)
        )


def fetch(index: Index, name: str, told: Callable[[int, int], None] = lambda done, all_: None) -> Path:
    """Bring the model `name` of `index` to the local folder, checked before it gets its name there.

    `told` is called with the bytes that are here and all. Raises `ModelError`, leaving nothing behind.
    """
    _, entry = get(name, [index])
    _check_free(entry.name)
    target = local_folder() / f"{entry.name}{Path(entry.file).suffix}"
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        digest, done = hashlib.sha256(), 0
        with _opened(index.url(entry)) as source, part.open("wb") as file:
            while done <= entry.bytes and (chunk := _read(source, index.url(entry))):
                done += len(chunk)
                digest.update(chunk)
                file.write(chunk)
                told(done, entry.bytes)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != entry.sha256:
            came = "more bytes" if done > entry.bytes else f"{done} bytes with sha256 {digest.hexdigest()[:12]}..."
            wanted = f"{entry.bytes} bytes with sha256 {entry.sha256[:12]}..."
            raise ModelError(index.url(entry), f"sent {came}", wanted, "try again, or tell whoever keeps the index")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    _put(replace(entry, file=target.name))
    return target


def add_file(name: str, source: str | Path, **about: Any) -> Path:
    """Copy a model file to the local folder under `name`; `about` fills the entry's other fields."""
    if not _NAME.fullmatch(name):
        raise InputError(name, "is no name for a model", "letters, digits, dot, dash and underscore")
    _check_free(name)
    data = need_file(source, "a model file", ModelError).read_bytes()
    target = local_folder() / f"{name}{Path(source).suffix}"
    _write(target, data)
    _put(Entry(name, target.name, hashlib.sha256(data).hexdigest(), len(data), **about))
    return target


def remove(name: str) -> Path:
    """Take a model from the local folder and its index; raises `ModelError` for others."""
    packaged, local = shelves()
    if packaged.find(name) and not local.find(name):
        raise ModelError(name, "is a packaged model, which stays", "a model of the local folder")
    _, entry = get(name, [local])
    _write_local([e for e in local.entries if e.name != name])
    local.path(entry).unlink(missing_ok=True)
    return local.path(entry)


def _check_free(name: str) -> None:
    if find(name):
        raise ModelError(name, "is here already", "another name", f"faceir models remove {name}")


def _put(entry: Entry) -> None:
    """Write `entry` into the local index."""
    _write_local([*(e for e in shelves()[1].entries if e.name != entry.name), entry])


def _write_local(entries: Sequence[Entry]) -> None:
    stated = {"format": 1, "models": [asdict(entry) for entry in entries]}
    _write(local_folder() / INDEX_NAME, (json.dumps(stated, indent=2) + "\n").encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def _again(entry: Entry) -> str:
    return f"fetch it again: faceir models remove {entry.name}, faceir models add {entry.name} --index URL"


def _unknown(name: str, indexes: Sequence[Index]) -> ModelError:
    known = [entry.name for index in indexes for entry in index.entries]
    near = get_close_matches(name, known, 3, 0.5) or known
    return ModelError(name, "is no file and no model's name", " or ".join(near) or "a path", "see: faceir models list")


def _url(place: str | Path) -> str:
    """`place` as a URL."""
    return str(place) if "://" in str(place) else Path(place).resolve().as_uri()


def _local(url: str) -> Path:
    return Path(urllib.request.url2pathname(urlsplit(url).path))


@contextmanager
def _opened(url: str) -> Iterator[BinaryIO]:
    """The file at `url`; raises `InputError` for a way that cannot be trusted, `ModelError` when there is none."""
    _check_way(url)
    if urlsplit(url).scheme == "file":
        path = need_file(_local(url), "an index or model file", ModelError)
        with path.open("rb") as file:
            yield file
        return
    request = urllib.request.Request(url, headers={"User-Agent": "faceir"})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except (OSError, HTTPException) as error:  # URLError is an OSError
        raise ModelError(url, f"cannot be fetched ({error})", do="check the address and the network") from None
    with response:
        _check_way(response.url)  # where redirects led
        yield response


def _read(source: BinaryIO, url: str) -> bytes:
    try:
        return source.read(_CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise ModelError(url, f"broke off ({error})", do="try again") from None


def _check_way(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("file", "https") or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise InputError(
        url, f"is {parts.scheme or 'no'}://", "https:// or file://: an index that others may change is none"
    )
