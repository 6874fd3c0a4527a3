"""Numbered rows from parquet files or chunks: read piece by piece, the same every time they are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from .._names import proposal
from ._dataset import is_ray_dataset, write_parquet
from ._reader import Columns

# Rows read at a time.
CHUNK = 1 << 14
# Row groups that a shuffled epoch reads at the same time.
_OPEN_GROUPS = 4
# Bytes that the reader of a column buffers.
_BUFFER = 1 << 16


class Source(Protocol):
    """Numbered rows; ``n_rows`` is None if it is only known after reading them all."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""

    @property
    def n_rows(self) -> int | None:
        """Number of rows, or None."""

    def chunks(
        self, columns: Sequence[str], start: int, stop: int | None, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield chunks of the rows from ``start`` to ``stop``, each with the number of its first row.

        With ``rng``, chunks come in random order if the source allows it.
        """


@dataclass(frozen=True)
class Piece:
    """``rows`` rows of one row group of a file, after the first ``skip``; ``first`` is the number of the first one."""

    path: str
    group: int
    first: int
    skip: int
    rows: int


@dataclass(frozen=True)
class ParquetSource:
    """Parquet files, read one after the other; ``groups`` has the number of rows of each file's row groups."""

    paths: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]
    schema: pa.Schema

    @property
    def n_rows(self) -> int | None:
        """Number of rows."""
        return sum(map(sum, self.groups))

    def chunks(
        self, columns: Sequence[str], start: int, stop: int | None, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield the rows from ``start`` to ``stop``; with ``rng``, row groups in random order, several interleaved."""
        pieces = list(self.pieces(start, self.n_rows or 0 if stop is None else stop))
        if rng is None:
            for piece in pieces:
                yield from _read(piece, columns)
            return
        waiting = iter([pieces[i] for i in rng.permutation(len(pieces))])
        readers = [_read(piece, columns) for piece in islice(waiting, _OPEN_GROUPS)]
        while readers:
            for reader in list(readers):
                chunk = next(reader, None)
                if chunk is not None:
                    yield chunk
                    continue
                readers.remove(reader)
                readers += [_read(piece, columns) for piece in islice(waiting, 1)]

    def pieces(self, start: int, stop: int) -> Iterator[Piece]:
        """Yield the pieces of row groups that hold these rows."""
        number = 0
        for path, sizes in zip(self.paths, self.groups, strict=True):
            for group, rows in enumerate(sizes):
                first, last = max(number, start), min(number + rows, stop)
                if first < last:
                    yield Piece(path, group, first, first - number, last - first)
                number += rows


def parquet_source(data: Any, columns: Sequence[str] | None) -> ParquetSource:
    """Make a source of a folder's files, or of listed files; ``columns`` are those to use, None for all of them.

    Raises
    ------
    ValueError
        If there is no file, or one cannot be read or has other columns than the first.
    """
    paths = _paths(data)
    footers = [_footer(path) for path in paths]
    schema = without_index(footers[0].schema.to_arrow_schema())
    for path, footer in zip(paths[1:], footers[1:], strict=True):
        check_schema(schema, without_index(footer.schema.to_arrow_schema()), columns, path, paths[0])
    groups = [tuple(footer.row_group(i).num_rows for i in range(footer.num_row_groups)) for footer in footers]
    return ParquetSource(tuple(paths), tuple(groups), schema)


def without_index(schema: pa.Schema) -> pa.Schema:
    """The schema without the columns in which pandas stored a table's index: they are not features."""
    index = (schema.pandas_metadata or {}).get("index_columns", ())
    return pa.schema([field for field in schema if field.name not in index])


def check_schema(first: pa.Schema, other: pa.Schema, columns: Sequence[str] | None, what: str, reference: str) -> None:
    """Require the same columns with the same types as in the first rows; ``what`` and ``reference`` name the two."""
    for name in first.names if columns is None else columns:
        if name not in first.names:
            continue
        if name not in other.names:
            raise ValueError(f"Column {name!r} is in {reference}, but not in {what}: all need the same columns.")
        expected, actual = first.field(name).type, other.field(name).type
        if expected != actual:
            raise ValueError(
                f"Column {name!r} is {actual} in {what}, but {expected} in {reference}: all need the same type."
            )
    extra = [name for name in other.names if name not in first.names]
    if columns is None and extra:
        raise ValueError(
            f"Column {extra[0]!r} is in {what}, but not in {reference}: all need the same columns, or select columns "
            "with features=."
        )


def _paths(data: Any) -> list[str]:
    if isinstance(data, str | os.PathLike):
        filesystem, path = _place(os.fspath(data))
        info = filesystem.get_file_info(path)
        if info.type == pyarrow.fs.FileType.NotFound:
            raise ValueError(f"data: there is no file or folder {data}.")
        if info.type == pyarrow.fs.FileType.File:
            return [os.fspath(data)]
        found = filesystem.get_file_info(pyarrow.fs.FileSelector(path, recursive=True))
        paths = sorted(entry.path for entry in found if entry.path.endswith(".parquet"))
        if not paths:
            raise ValueError(f"data: the folder {data} has no files that end in .parquet.")
        prefix = os.fspath(data).split("://")[0] + "://" if "://" in os.fspath(data) else ""
        return [prefix + path for path in paths]
    paths = [path for entry in data for path in _paths(entry)]
    if not paths:
        raise ValueError("data is an empty list: pass at least one parquet file.")
    return paths


def _place(path: str) -> tuple[Any, str]:
    """File system, and path within it, of a local path or a URI such as s3://bucket/folder."""
    if "://" in path:
        return pyarrow.fs.FileSystem.from_uri(path)
    return pyarrow.fs.LocalFileSystem(), str(Path(path).absolute())


def _open(path: str) -> pq.ParquetFile:
    filesystem, place = _place(path)
    return pq.ParquetFile(place, filesystem=filesystem, buffer_size=_BUFFER, pre_buffer=False)


def _footer(path: str) -> Any:
    try:
        with _open(path) as file:
            return file.metadata
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"data: the file {path} cannot be read as parquet: {error}.") from error


def _read(piece: Piece, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    number, skip, left = piece.first, piece.skip, piece.rows
    try:
        with _open(piece.path) as file:
            for batch in file.iter_batches(CHUNK, row_groups=[piece.group], columns=list(columns), use_threads=False):
                table = pa.Table.from_batches([batch]).replace_schema_metadata(None)
                part = table.slice(skip, left)
                skip = max(0, skip - table.num_rows)
                if part.num_rows:
                    yield number, part.select(columns)
                number, left = number + part.num_rows, left - part.num_rows
                if left == 0:
                    return
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"data: row group {piece.group} of the file {piece.path} cannot be read: {error}.") from error


class ChunkSource:
    """Chunks of rows from a function that returns the same rows every time it is called."""

    def __init__(self, make: Callable[[], Iterable[Any]], columns: Sequence[str] | None) -> None:
        self.make = make
        self.columns = columns
        first = next(iter(make()), None)
        if first is None:
            raise ValueError("data: the function returned no chunks.")
        self.schema = as_table(first).schema
        self.n_rows: int | None = None

    def chunks(
        self,
        columns: Sequence[str],
        start: int,  # noqa: ARG002 - there is only one shard
        stop: int | None,  # noqa: ARG002
        rng: np.random.Generator | None = None,  # noqa: ARG002 - the function decides the order
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield all rows in the order in which the function returns them."""
        number = 0
        for position, chunk in enumerate(self.make()):
            table = as_table(chunk)
            check_schema(self.schema, table.schema, self.columns, f"chunk {position}", "chunk 0")
            for first in range(0, table.num_rows, CHUNK):
                part = table.slice(first, CHUNK).select(columns)
                yield number, part
                number += part.num_rows


def as_table(chunk: Any) -> pa.Table:
    """Convert a chunk of rows to a pyarrow table.

    Raises
    ------
    TypeError
        If the chunk is not a table.
    """
    if isinstance(chunk, pa.Table):
        return chunk.select(without_index(chunk.schema).names).replace_schema_metadata(None)
    if isinstance(chunk, pa.RecordBatch):
        return pa.Table.from_batches([chunk])
    if isinstance(chunk, dict):
        return pa.table(chunk)
    if hasattr(chunk, "to_arrow"):
        return chunk.to_arrow()
    if hasattr(chunk, "iloc"):
        return pa.Table.from_pandas(chunk, preserve_index=False).replace_schema_metadata(None)
    raise TypeError(
        f"data: a chunk should be a table with named columns (a DataFrame, a pyarrow table or a dict of arrays), got "
        f"{type(chunk).__name__}."
    )


def source_of(data: Any, columns: Sequence[str] | None, folder: Path, n_workers: int) -> Source:
    """Make the source of the caller's ``data``; the rows of a Ray dataset are written to ``folder``.

    Raises
    ------
    TypeError
        If ``data`` is of another type.
    """
    if is_ray_dataset(data):
        return parquet_source(write_parquet(data, folder), columns)
    if callable(data):
        if n_workers > 1:
            raise ValueError(
                f"data is a function, which only one worker can call: with n_workers={n_workers}, write the rows to a "
                "folder of parquet files, or pass a ray.data.Dataset."
            )
        return ChunkSource(data, columns)
    if isinstance(data, str | os.PathLike) or (isinstance(data, list | tuple) and data):
        return parquet_source(data, columns)
    if isinstance(data, Iterator):
        raise TypeError(
            "data is an iterator, which can be read only once: pass the function that returns it, such as a generator "
            "function without calling it."
        )
    raise TypeError(
        "data should be a folder of parquet files, a list of files, a function that returns an iterator over chunks, "
        f"or a ray.data.Dataset, got {type(data).__name__}."
    )


def used_columns(targets: str | Sequence[str], features: Sequence[str] | None, weight: str | None) -> list[str] | None:
    """Columns that a fit reads; None if it reads all columns."""
    if features is None:
        return None
    names = [targets] if isinstance(targets, str) else list(targets)
    return [*features, *names, *([] if weight is None else [weight])]


def columns_of(
    schema: pa.Schema, targets: str | Sequence[str], features: Sequence[str] | None, weight: str | None
) -> Columns:
    """Assign a role to each column.

    Raises
    ------
    ValueError
        If a column does not exist or is named twice, or if there are no targets or features.
    """
    names = (targets,) if isinstance(targets, str) else tuple(targets)
    others = (*names, *(() if weight is None else (weight,)))
    chosen = tuple(name for name in schema.names if name not in others) if features is None else tuple(features)
    for what, given in (("targets", names), ("features", chosen), ("sample_weight", others[len(names) :])):
        for name in given:
            if name not in schema.names:
                raise ValueError(f"{what}: data has no column {name!r}.{proposal(name, schema.names)}")
        if not given and what != "sample_weight":
            raise ValueError(f"{what}: no column is left. The columns are {', '.join(schema.names)}.")
    twice = sorted({name for name in (*chosen, *others) if (*chosen, *others).count(name) > 1})
    if twice:
        raise ValueError(f"Column {twice[0]!r} is named twice among features, targets and sample_weight.")
    return Columns(chosen, names, isinstance(targets, str), weight)
