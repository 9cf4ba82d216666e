"""A checkpoint as files that run elsewhere; docs/export.md tells which and what to type next."""

from faceir.train.export.onnx_file import OPSET, PARITY_LIMIT, Exported, export

__all__ = ["OPSET", "PARITY_LIMIT", "Exported", "export"]
