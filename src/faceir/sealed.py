"""Sealed models: a model file under a key (AES-256-GCM), opened into memory and never onto a disk.

A sealed file is a header, readable by anybody and guarded by the seal, and the encrypted model:

    magic "faceirSM" | version u8 | scrypt log2(n) u8, r u8, p u8 | salt [16] | nonce [12]
    | kind u8 length, UTF-8 | name u8 length, UTF-8 | the model, as long as it was | tag [16]

The AES key is scrypt(key, salt). The header is the seal's associated data, so a changed name is noticed
like a changed weight.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceir.errors import InputError, ModelError, need, need_file

__all__ = [
    "KEY_VARIABLE",
    "MAGIC",
    "Header",
    "is_sealed",
    "open_model",
    "read_header",
    "seal",
    "seal_file",
    "unseal",
    "write",
]

MAGIC = b"faceirSM"
KEY_VARIABLE = "FACEIR_KEY"
"""The environment variable whose key opens a model when no other is given."""
_VERSION = 1
_FIXED = struct.Struct(f"<{len(MAGIC)}sBBBB16s12s")
_TAG_BYTES = 16
_COST_LOG2, _BLOCK, _LANES = 15, 8, 3
"""scrypt's n (32 MiB of memory), r and p: 0.1 to 0.3 s once a model, for whom has the key and for whom guesses it."""
_MEMORY_MAX_BYTES = 256 << 20
"""A header that asks for more was altered or made to harm."""
_BROKEN = "the key does not open it: a wrong key, or a file cut short or altered (these cannot be told apart)"


@dataclass(frozen=True)
class Header:
    """What a sealed file says to anybody."""

    kind: str
    """`onnx` or `safetensors`."""
    name: str
    cost_log2: int
    block: int
    lanes: int
    salt: bytes
    nonce: bytes

    def to_bytes(self) -> bytes:
        """As it stands at the start of the file."""
        fixed = (MAGIC, _VERSION, self.cost_log2, self.block, self.lanes, self.salt, self.nonce)
        texts = [text.encode() for text in (self.kind, self.name)]
        return _FIXED.pack(*fixed) + b"".join(bytes([len(text)]) + text for text in texts)


def is_sealed(path: str | Path) -> bool:
    """Whether the file at `path` is a sealed model, by its first bytes; False when there is no such file."""
    path = Path(path)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def seal(data: bytes, key: str, *, name: str = "", cost_log2: int = _COST_LOG2) -> bytes:
    """The model file `data` sealed with `key`; sealing again gives other bytes, as salt and nonce are drawn anew.

    `name` is for people and can be read without the key, 255 bytes of UTF-8 at most. `cost_log2` is the
    binary logarithm of scrypt's n. Raises `InputError` for an empty key.
    """
    header = Header(_kind(data), name[:63], cost_log2, _BLOCK, _LANES, os.urandom(16), os.urandom(12))
    start = header.to_bytes()
    return start + bytes(_cipher(header, key).encrypt(header.nonce, data, start))


def unseal(sealed: bytes, key: str, where: object = "sealed model") -> bytes:
    """The model file inside `sealed`; raises `ModelError` at `where` for a wrong key or a changed file."""
    need("seal")
    from cryptography.exceptions import InvalidTag

    header = read_header(sealed, where)
    start = len(header.to_bytes())
    if len(sealed) < start + _TAG_BYTES:
        raise ModelError(where, _BROKEN)
    cipher = _cipher(header, key)
    try:
        return bytes(cipher.decrypt(header.nonce, sealed[start:], sealed[:start]))
    except InvalidTag:
        raise ModelError(where, _BROKEN, do="give the right key, or fetch the file again") from None


def read_header(sealed: bytes, where: object = "sealed model") -> Header:
    """The header of a sealed file, which is not to be believed before `unseal` has checked it."""
    if not sealed.startswith(MAGIC):
        raise ModelError(where, "is not a sealed model", "one that faceir sealed")
    try:
        _, version, cost_log2, block, lanes, salt, nonce = _FIXED.unpack_from(sealed)
        kind, at = _text(sealed, _FIXED.size)
        name, _ = _text(sealed, at)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise ModelError(where, _BROKEN) from None
    if version != _VERSION:
        raise ModelError(where, f"has seal version {version}", f"{_VERSION}", "use a newer faceir, or fetch it again")
    sound = 1 <= cost_log2 < min(32, 16 * block) and lanes
    if not sound or (128 * block * lanes << cost_log2) > _MEMORY_MAX_BYTES:
        raise ModelError(where, _BROKEN)
    return Header(kind, name, cost_log2, block, lanes, salt, nonce)


def open_model(path: str | Path, key: str | None = None) -> bytes:
    """The bytes of the sealed or plain model file at `path`; a sealed one is decrypted into memory alone.

    Without `key` the one in the environment variable FACEIR_KEY opens it; a plain file needs none.
    """
    data = need_file(path, "a model file", ModelError).read_bytes()
    if not data.startswith(MAGIC):
        return data
    key = key if key is not None else os.environ.get(KEY_VARIABLE)
    if key is None:
        raise ModelError(path, "is sealed", "its key", f"-k KEY, -k @FILE, -k prompt or {KEY_VARIABLE}=KEY")
    return unseal(data, key, path)


def seal_file(source: str | Path, target: str | Path, key: str) -> None:
    """Write the plain model file `source` sealed to `target`, whole or not at all; they may be the same file."""
    if is_sealed(source):
        raise ModelError(source, "is sealed already", "a plain model file")
    if Path(source).suffix.lower() == ".xml":
        raise ModelError(source, "is one of two files", "a model in one file, .onnx or .safetensors")
    data = need_file(source, "a model file", ModelError).read_bytes()
    write(target, seal(data, key, name=Path(source).stem))


def write(path: str | Path, data: bytes) -> None:
    """`data` as the file `path`: written beside it, synced, renamed over it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ModelError(path, f"cannot be written ({error})", do="free some disk or choose another folder") from error


def _kind(data: bytes) -> str:
    """`safetensors` by its length and brace, else `onnx`."""
    return "safetensors" if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data) else "onnx"


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends."""
    end = at + 1 + data[at]
    if end > len(data):
        raise IndexError
    return data[at + 1 : end].decode(), end


def _cipher(header: Header, key: str) -> Any:
    """AES-GCM with the key that scrypt makes of `key`."""
    need("seal")
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    if not key:
        raise InputError("key", "is empty", "at least one character")
    derive = Scrypt(salt=header.salt, length=32, n=1 << header.cost_log2, r=header.block, p=header.lanes)
    return AESGCM(derive.derive(key.encode()))
