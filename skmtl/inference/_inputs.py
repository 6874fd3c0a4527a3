"""The input stage of a network in numpy: it embeds columns as the layers in ``networks`` do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._records import InputLayout, NetworkSpec


def input_shapes(layout: InputLayout | None) -> list[tuple[int, ...]]:
    """Return the shapes of one member's variables before the first hidden layer, in the order of the Keras network."""
    if layout is None:
        return []
    shapes: list[tuple[int, ...]] = []
    embedding, columns = layout.numeric_embedding, layout.embedded
    if embedding is not None and embedding.bins:
        shapes += [(columns, embedding.dim)] * 2 + [(columns, embedding.n_bins, embedding.dim)]
    elif embedding is not None:
        shapes += [(columns, embedding.n_frequencies)] * 2
        shapes += [(columns, embedding.n_frequencies, embedding.dim - 1), (columns, 1, embedding.dim - 1)]
    if layout.codes:
        shapes.append((layout.table_rows, layout.category_dim))
    return shapes


def input_width(spec: NetworkSpec) -> int:
    """Return the width of the first hidden layer's input."""
    layout = spec.inputs
    if layout is None:
        return spec.n_inputs
    embedded = 0 if layout.numeric_embedding is None else layout.embedded * layout.numeric_embedding.dim
    return embedded + layout.plain + layout.codes * layout.category_dim


def embed_inputs(layout: InputLayout | None, variables: Sequence[np.ndarray], inputs: np.ndarray) -> np.ndarray:
    """Return the first hidden layer's input, ([members,] rows, width), from inputs (rows, n_inputs)."""
    if layout is None:
        return inputs
    plain, positions = layout.embedded + layout.plain, layout.n_columns - layout.codes
    embedding, parts = layout.numeric_embedding, []
    if embedding is not None:
        values = inputs[:, : layout.embedded]
        if embedding.bins:
            parts.append(_piecewise_linear(values, inputs[:, plain:positions], *variables[:3]))
        else:
            parts.append(_periodic(values, *variables[:4]))
    if layout.plain:
        parts.append(inputs[:, layout.embedded : plain])
    if layout.codes:
        parts.append(_categories(inputs[:, positions:], variables[-1]))
    lead = np.broadcast_shapes(*(part.shape[:-2] for part in parts))
    return np.concatenate([np.broadcast_to(part, (*lead, *part.shape[-2:])) for part in parts], axis=-1)


def _piecewise_linear(
    values: np.ndarray, positions: np.ndarray, slope: np.ndarray, bias: np.ndarray, kernel: np.ndarray
) -> np.ndarray:
    linear = values[:, :, None] * slope[..., None, :, :] + bias[..., None, :, :]
    bins = np.clip(positions.T[:, :, None] - np.arange(kernel.shape[-2], dtype=values.dtype), 0, 1)
    return _side_by_side(linear + np.swapaxes(bins @ kernel, -2, -3))


def _periodic(
    values: np.ndarray, frequency: np.ndarray, phase: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    angles = values[:, :, None] * (2 * np.pi * frequency[..., None, :, :]) + phase[..., None, :, :]
    mixed = np.swapaxes(np.swapaxes(np.cos(angles), -2, -3) @ kernel + bias, -2, -3)
    own = np.broadcast_to(values[:, :, None], (*mixed.shape[:-1], 1))
    return _side_by_side(np.concatenate([own, mixed], axis=-1))


def _categories(numbers: np.ndarray, table: np.ndarray) -> np.ndarray:
    rows = numbers.astype(np.intp)
    embedded = table[..., np.maximum(rows, 0), :]
    return _side_by_side(np.where(rows[:, :, None] < 0, 0, embedded))


def _side_by_side(embedded: np.ndarray) -> np.ndarray:
    return embedded.reshape(*embedded.shape[:-2], -1)
