"""TAO's TFRecords, read without TensorFlow: the framing of the records, then a `tf.train.Example` in each.

A record is its length (uint64), that number's checksum, the data, the data's checksum; little-endian, checksums are
masked CRC-32C. TAO's records hold no picture but its name without suffix (`frame/id`), to be looked for below a folder.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from faceir.data.entry import Came, Classes, Entry, Faces, find_picture
from faceir.data.folder import Item
from faceir.errors import InputError, need_file

__all__ = ["count", "crc32c", "example", "files", "is_tfrecord", "masked", "read", "records"]

_WANTED = "a record of TAO's `dataset_convert`"
_HEADER = struct.Struct("<QI")
_FACE = "target/"
_UNSAID = ("observation_angle", *(f"world_bbox_{key}" for key in ("h", "w", "l", "x", "y", "z", "rot_y")))


@cache
def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


def crc32c(data: bytes) -> int:
    """CRC-32 by Castagnoli's polynomial (RFC 3720)."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    """The checksum as TFRecords store it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def is_tfrecord(path: Path) -> bool:
    """Whether a file begins with a record."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
    except OSError:
        return False
    return len(head) == _HEADER.size and _HEADER.unpack(head)[1] == masked(head[:8])


def files(where: Path) -> list[Path]:
    """The record files of a folder, sorted by name; a file itself."""
    if where.is_file():
        return [where]
    return sorted(p for p in where.iterdir() if p.is_file() and is_tfrecord(p))


def records(path: str | Path) -> Iterator[bytes | InputError]:
    """Data of each record; an error for one whose data are broken, and for the rest where a length is."""
    path = need_file(path, "TFRecords")
    size = path.stat().st_size
    with path.open("rb") as file:
        while head := file.read(_HEADER.size):
            where = f"{path}: byte {file.tell() - len(head)}"
            broken = len(head) < _HEADER.size or _HEADER.unpack(head)[1] != masked(head[:8])
            if broken or _HEADER.unpack(head)[0] + 4 > size - file.tell():
                came = "the length of a record is broken" if broken else "ends within a record"
                yield InputError(where, f"{came}; {size - file.tell() + len(head)} bytes are lost", "whole TFRecords")
                return
            data = file.read(_HEADER.unpack(head)[0])
            (checksum,) = struct.unpack("<I", file.read(4))
            yield data if checksum == masked(data) else InputError(where, "a record is broken", "its checksum")


def count(path: Path) -> int:
    """Number of records by their stated lengths; what is broken ends the count."""
    total, size = 0, path.stat().st_size
    with path.open("rb") as file:
        while len(head := file.read(_HEADER.size)) == _HEADER.size:
            end = file.tell() + _HEADER.unpack(head)[0] + 4
            if end > size:
                break
            file.seek(end)
            total += 1
    return total


@cache
def example() -> Any:
    """The message class `tf.train.Example`; of a pool of its own, so that TensorFlow's may be loaded beside it."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = {"BytesList": "TYPE_BYTES", "FloatList": "TYPE_FLOAT", "Int64List": "TYPE_INT64"}
    kind_of = descriptor_pb2.FieldDescriptorProto.Type.Value
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="tensorflow", syntax="proto3")
    for name, kind in kinds.items():
        file.message_type.add(name=name).field.add(name="value", number=1, type=kind_of(kind), label=3)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for n, (name, field) in enumerate(zip(kinds, ("bytes_list", "float_list", "int64_list"), strict=True), 1):
        feature.field.add(name=field, number=n, type=11, label=1, type_name=f".tensorflow.{name}", oneof_index=0)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=9, label=1)
    entry.field.add(name="value", number=2, type=11, label=1, type_name=".tensorflow.Feature")
    features.field.add(name="feature", number=1, type=11, label=3, type_name=".tensorflow.Features.FeatureEntry")
    file.message_type.add(name="Example").field.add(
        name="features", number=1, type=11, label=1, type_name=".tensorflow.Features"
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


def read(where: str | Path, classes: Classes, images: Path | None = None) -> Iterator[Came]:
    """The labelled pictures of a file or folder; new names are added to `classes`. `images`: where `frame/id` starts.

    The fold in a file's name is the picture's split: 0 is val, as TAO's `validation_fold: 0`, others train.
    """
    found = files(Path(where))
    if not found:
        raise InputError(where, "holds no TFRecords", "files NAME-fold-000-of-002-shard-...")
    for path in found:
        fold = path.name.partition("-fold-")[2][:3]
        split = {"": "", "000": "val"}.get(fold, "train") if fold.isdigit() else ""
        for n, record in enumerate(records(path)):
            try:
                if isinstance(record, InputError):
                    raise record
                yield _entry(record, f"{path}: record {n}", path, classes, images, split)
            except InputError as error:
                yield error


def _entry(
    record: bytes, where: str, path: Path, classes: Classes, images: Path | None, split: str
) -> Entry:  # fmt: skip
    from google.protobuf.message import DecodeError

    try:
        features = example().FromString(record).features.feature
    except DecodeError as error:
        raise InputError(where, f"is no tf.train.Example ({error})", _WANTED) from None
    told = {key: _values(features[key]) for key in features}
    try:
        (name,) = told["frame/id"]
        place = Path(name.decode("utf-8"))
        columns = [told.get(f"{_FACE}{key}", []) for key in ("object_class", "truncation", "occlusion")]
        columns += [told.get(f"{_FACE}coordinates_{edge}", []) for edge in ("x1", "y1", "x2", "y2")]
        rows = list(zip(*columns, strict=True))
        names = [row[0].decode("utf-8") for row in rows]
    except (KeyError, ValueError, AttributeError) as error:
        raise InputError(where, f"lacks frame/id, or its target/ lists differ in length ({error!r})", _WANTED) from None
    faces = Faces()
    for n, (row, class_name) in enumerate(zip(rows, names, strict=True), 1):
        try:
            _, truncation, occlusion, *box = row
            faces.add(box, classes.label(class_name), occlusion=int(occlusion), truncation=float(truncation))
        except (InputError, ValueError, TypeError, OverflowError) as error:
            came = error.came if isinstance(error, InputError) else str(error)
            raise InputError(f"{where}: face {n}", came) from None
    size = [told.get(f"frame/{side}", [0])[0:1] for side in ("width", "height")]
    stated = (int(size[0][0]), int(size[1][0])) if all(s and _whole(s[0]) for s in size) else None
    return Entry(_item(place, path, images, split), faces.detections(), stated, _unsaid(told))


def _whole(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _values(feature: Any) -> Sequence[Any]:
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


def _unsaid(told: Mapping[str, Sequence[Any]]) -> Counter[str]:
    count = Counter({key: sum(bool(v) for v in told.get(_FACE + key, ())) for key in _UNSAID})
    return +count


def _item(place: Path, path: Path, images: Path | None, split: str) -> Item:
    top = images or path.parent
    try:
        picture = find_picture((top / place).parent, place.name) or top / f"{place}.png"  # TAO's image_extension
    except (ValueError, OSError) as error:
        raise InputError(path, f"names a file that cannot be ({error})", _WANTED) from None
    return Item(picture, path, "/".join(place.parts[:-1]), {"split": split} if split else {})
