"""Fitted estimators as ONNX models; ``pip install "skmtl[onnx]"`` has what it takes."""

from ._export import to_onnx

__all__ = ["to_onnx"]
