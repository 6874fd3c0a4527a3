"""Input stage of a network: embed encoded columns according to the layout."""

from __future__ import annotations

from typing import Any

from keras import ops

from .._records import NetworkSpec
from ._embeddings import CategoryEmbedding
from ._numeric_embedding import embedding_layer


def connect_inputs(inputs: Any, spec: NetworkSpec) -> Any:
    """Embed columns according to the layout: ([members,] batch, n_inputs) to ([members,] batch, width)."""
    layout = spec.inputs
    if layout is None:
        return inputs
    plain, positions = layout.embedded + layout.plain, layout.n_columns - layout.codes
    parts = []
    if layout.numeric_embedding is not None:
        columns = [inputs[..., : layout.embedded]]
        if layout.positions:
            columns.append(inputs[..., plain:positions])
        parts.append(embedding_layer(layout.numeric_embedding, spec, "numeric_embedding")(*columns))
    if layout.plain:
        parts.append(inputs[..., layout.embedded : plain])
    if layout.codes:
        members = spec.members if spec.stacked else None
        embedding = CategoryEmbedding(
            layout.category_dim, layout.table_rows, members, name="categories", dtype=spec.dtype
        )
        parts.append(embedding(inputs[..., positions:]))
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
