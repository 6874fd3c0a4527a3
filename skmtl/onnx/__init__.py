"""Export of fitted estimators to ONNX. Install with ``pip install "skmtl[onnx]"``."""

from ._export import to_onnx

__all__ = ["to_onnx"]
