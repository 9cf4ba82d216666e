"""Makes `experiment_pb2.py` and `.pyi` from `experiment.proto`: `python -m faceir.spec.generate`.

What protoc writes refuses any protobuf runtime older than the protoc that wrote it, and warns on one that
is a major version newer. So the committed module builds the same classes from the same descriptor, by the
same builder (unchanged since protobuf 3.20), but without that check: it works with every protobuf >= 6.
(Where the committed module is broken or gone, run this file itself: `python src/faceir/spec/generate.py`.)
"""

from __future__ import annotations

import importlib.resources
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["PROTO", "descriptor", "render"]

PROTO = Path(__file__).with_name("experiment.proto")

_MODULE = '''\
# Made from experiment.proto by `python -m faceir.spec.generate`; do not edit.
"""Message classes of experiment.proto."""
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
{chunks}
)

_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())
'''


def _protoc(*options: str) -> None:
    """Run protoc on `experiment.proto`; needs grpcio-tools, which `pip install 'faceir[dev]'` brings."""
    common = importlib.resources.files("grpc_tools") / "_proto"
    command = [sys.executable, "-W", "ignore", "-m", "grpc_tools.protoc"]
    subprocess.run([*command, f"-I{PROTO.parent}", f"-I{common}", *options, PROTO.name], check=True)


def descriptor(source_info: bool = False) -> bytes:
    """`experiment.proto` as a serialized FileDescriptorSet, with its comments when `source_info`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "set.bin")
        _protoc(f"--descriptor_set_out={out}", *(["--include_source_info"] if source_info else []))
        return out.read_bytes()


def render() -> dict[str, str]:
    """Text of `experiment_pb2.py` and `experiment_pb2.pyi`, by file name."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    (file,) = FileDescriptorSet.FromString(descriptor()).file
    data = file.SerializeToString(deterministic=True)
    chunks = "\n".join(f"    {data[i : i + 64]!r}" for i in range(0, len(data), 64))
    with tempfile.TemporaryDirectory() as folder:
        _protoc(f"--pyi_out={folder}")
        stub = Path(folder, "experiment_pb2.pyi").read_text(encoding="utf-8")
    return {"experiment_pb2.py": _MODULE.format(chunks=chunks), "experiment_pb2.pyi": stub}


if __name__ == "__main__":
    for name, text in render().items():
        PROTO.with_name(name).write_text(text, encoding="utf-8")
