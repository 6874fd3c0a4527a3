"""Resolve embeddings of numeric columns, given by name or as an instance, and build their Keras layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from .._names import proposal
from .._numeric_embedding import NumericEmbedding, Periodic, PiecewiseLinear
from .._records import NetworkSpec
from ._embeddings import PeriodicEmbedding, PiecewiseLinearEmbedding

_EMBEDDINGS: dict[str, type[NumericEmbedding]] = {kind.name: kind for kind in (PiecewiseLinear, Periodic)}


def resolve_numeric_embedding(value: Any, options: Mapping[str, Any]) -> NumericEmbedding | None:
    """Return the embedding that is given by name or as an instance, with options set."""
    if value is None:
        if options:
            names = ", ".join(f"numeric_embedding__{name}" for name in options)
            raise ValueError(f"{names} given, but numeric_embedding is None, which has no options.")
        return None
    if isinstance(value, str):
        if value not in _EMBEDDINGS:
            raise ValueError(f"Unknown numeric_embedding {value!r}.{proposal(value, _EMBEDDINGS)}")
        value = _EMBEDDINGS[value]()
    # Prediction without Keras supports only these classes, and no subclasses.
    if type(value) not in (PiecewiseLinear, Periodic):
        hint = f" Pass {value.__name__}()." if isinstance(value, type) else ""
        raise TypeError(
            "numeric_embedding should be None, 'piecewise_linear', 'periodic', or an instance of "
            f"skmtl.networks.PiecewiseLinear or Periodic, got {value!r}.{hint}"
        )
    return value.with_options(**options)


def embedding_layer(embedding: NumericEmbedding, spec: NetworkSpec, name: str) -> keras.layers.Layer:
    """Build the Keras layer of an embedding.

    Its inputs are the scaled columns ([members,] batch, columns), and their positions among the bins if the embedding
    uses bins.
    """
    members = spec.members if spec.stacked else None
    if isinstance(embedding, PiecewiseLinear):
        return PiecewiseLinearEmbedding(embedding.dim, embedding.n_bins, members, name=name, dtype=spec.dtype)
    if isinstance(embedding, Periodic):
        return PeriodicEmbedding(
            embedding.dim, embedding.n_frequencies, embedding.frequency_scale, members, name=name, dtype=spec.dtype
        )
    raise TypeError(f"No layer is defined for the embedding {embedding!r}.")
