"""INT8: activation ranges from pictures, then a QDQ copy of an exported ONNX file; docs/int8.md tells the whole way."""

from faceir.train.quantise.qdq import SCHEMES, layers, quantise
from faceir.train.quantise.ranges import METHODS, PERCENTILE, Range, calibrate

__all__ = ["METHODS", "PERCENTILE", "SCHEMES", "Range", "calibrate", "layers", "quantise"]
