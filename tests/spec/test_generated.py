"""What is made from experiment.proto is current."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from faceir.spec import doc, generate

pytest.importorskip("grpc_tools")
REPO = Path(__file__).parents[2]


def test_the_type_stub_names_the_same() -> None:
    # Not text for text: its imports depend on the version of protoc.
    def names(text: str) -> set[str]:
        return {
            f"{one.name}.{part.target.id}"
            for one in ast.walk(ast.parse(text))
            if isinstance(one, ast.ClassDef)
            for part in one.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        }

    committed = generate.PROTO.with_name("experiment_pb2.pyi").read_text(encoding="utf-8")
    assert names(committed) == names(generate.render()["experiment_pb2.pyi"]), "type: python -m faceir.spec.generate"


def test_the_committed_module_is_what_the_generator_writes() -> None:
    committed = generate.PROTO.with_name("experiment_pb2.py").read_text(encoding="utf-8")
    assert committed == generate.render()["experiment_pb2.py"], "type: python -m faceir.spec.generate"


def test_docs_are_current() -> None:
    assert (REPO / "docs" / "spec.md").read_text(encoding="utf-8") == doc.render(), "type: python -m faceir.spec.doc"


def test_every_field_is_in_the_docs() -> None:
    text = doc.render()
    proto = generate.PROTO.read_text(encoding="utf-8")
    for name in re.findall(r"(\w+) = \d+(?: \[.*\])?;", proto):
        if name.islower():
            assert name in text


def test_the_module_does_not_ask_for_a_version_of_protobuf() -> None:
    text = generate.PROTO.with_name("experiment_pb2.py").read_text(encoding="utf-8")
    assert "ValidateProtobufRuntimeVersion" not in text
