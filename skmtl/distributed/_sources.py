"""Rows as they lie on disk or are made: a chunk at a time, numbered from 0, the same whenever they are read."""

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
from ._dataset import is_ray_dataset, written
from ._reader import Columns

# Rows read at a time.
CHUNK = 1 << 14
# Row groups that a shuffled epoch reads side by side.
_SIDE_BY_SIDE = 4
# What a column's reader keeps of a file.
_BUFFER = 1 << 16


class Source(Protocol):
    """Numbered rows; ``n_rows`` is None where only reading them tells how many there are."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""

    @property
    def n_rows(self) -> int | None:
        """Number of rows, where it is known."""

    def chunks(
        self, columns: Sequence[str], start: int, stop: int | None, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """Rows from ``start`` to ``stop`` with the number of the first of each chunk, shuffled as far as may be."""


@dataclass(frozen=True)
class Piece:
    """Rows of one row group of a file: the first ``skip`` are not wanted; ``first`` is the number of the next."""

    path: str
    group: int
    first: int
    skip: int
    rows: int


@dataclass(frozen=True)
class ParquetSource:
    """Parquet files, one after the other; ``groups`` are the rows of each file's row groups."""

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
        """Rows from ``start`` to ``stop``; with ``rng``, row groups in another order, some of them side by side."""
        pieces = list(self.pieces(start, self.n_rows or 0 if stop is None else stop))
        if rng is None:
            for piece in pieces:
                yield from _read(piece, columns)
            return
        waiting = iter([pieces[i] for i in rng.permutation(len(pieces))])
        readers = [_read(piece, columns) for piece in islice(waiting, _SIDE_BY_SIDE)]
        while readers:
            for reader in list(readers):
                chunk = next(reader, None)
                if chunk is not None:
                    yield chunk
                    continue
                readers.remove(reader)
                readers += [_read(piece, columns) for piece in islice(waiting, 1)]

    def pieces(self, start: int, stop: int) -> Iterator[Piece]:
        """What is to be read for these rows."""
        number = 0
        for path, sizes in zip(self.paths, self.groups, strict=True):
            for group, rows in enumerate(sizes):
                first, last = max(number, start), min(number + rows, stop)
                if first < last:
                    yield Piece(path, group, first, first - number, last - first)
                number += rows


def parquet_source(data: Any, columns: Sequence[str] | None) -> ParquetSource:
    """The files of a folder, or those listed; ``columns`` are those that are used, None for all of the first file's.

    Raises
    ------
    ValueError
        Where there is no file, one cannot be read, or has other columns than the first.
    """
    paths = _paths(data)
    footers = [_footer(path) for path in paths]
    schema = without_index(footers[0].schema.to_arrow_schema())
    for path, footer in zip(paths[1:], footers[1:], strict=True):
        check_schema(schema, without_index(footer.schema.to_arrow_schema()), columns, f"file {path}", paths[0])
    groups = [tuple(footer.row_group(i).num_rows for i in range(footer.num_row_groups)) for footer in footers]
    return ParquetSource(tuple(paths), tuple(groups), schema)


def without_index(schema: pa.Schema) -> pa.Schema:
    """The columns without what pandas wrote of a table's index, which is no feature."""
    index = (schema.pandas_metadata or {}).get("index_columns", ())
    return pa.schema([field for field in schema if field.name not in index])


def check_schema(first: pa.Schema, other: pa.Schema, columns: Sequence[str] | None, what: str, beside: str) -> None:
    """Refuse rows with other columns, or with other types in them, than those before."""
    for name in first.names if columns is None else columns:
        if name not in first.names:
            continue
        if name not in other.names:
            raise ValueError(f"The {what} has no column {name!r}, which {beside} has: all need the same columns.")
        ours, theirs = first.field(name).type, other.field(name).type
        if ours != theirs:
            raise ValueError(
                f"Column {name!r} is {theirs} in the {what}, but {ours} in {beside}: write all with one type."
            )
    more = [name for name in other.names if name not in first.names]
    if columns is None and more:
        raise ValueError(
            f"The {what} has the column {more[0]!r}, which {beside} has not: all need the same columns, or name "
            "those to use in features=."
        )


def _paths(data: Any) -> list[str]:
    if isinstance(data, str | os.PathLike):
        filesystem, path = _place(os.fspath(data))
        info = filesystem.get_file_info(path)
        if info.type == pyarrow.fs.FileType.NotFound:
            raise ValueError(f"data: there is no folder {data}.")
        if info.type == pyarrow.fs.FileType.File:
            return [os.fspath(data)]
        found = filesystem.get_file_info(pyarrow.fs.FileSelector(path, recursive=True))
        paths = sorted(entry.path for entry in found if entry.path.endswith(".parquet"))
        if not paths:
            raise ValueError(f"data: the folder {data} holds no file that ends in .parquet.")
        prefix = os.fspath(data).split("://")[0] + "://" if "://" in os.fspath(data) else ""
        return [prefix + path for path in paths]
    paths = [path for entry in data for path in _paths(entry)]
    if not paths:
        raise ValueError("data is an empty list: name a parquet file at least.")
    return paths


def _place(path: str) -> tuple[Any, str]:
    """File system and path within it, of a path or an address as s3://bucket/folder."""
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
    """Tables that a function makes, one after the other, the same whenever it is called."""

    def __init__(self, make: Callable[[], Iterable[Any]], columns: Sequence[str] | None) -> None:
        self.make = make
        self.columns = columns
        first = next(iter(make()), None)
        if first is None:
            raise ValueError("data: the function makes no chunk at all.")
        self.schema = as_table(first).schema
        self.n_rows: int | None = None

    def chunks(
        self,
        columns: Sequence[str],
        start: int,  # noqa: ARG002 - there is one shard
        stop: int | None,  # noqa: ARG002
        rng: np.random.Generator | None = None,  # noqa: ARG002 - what comes first is made first
    ) -> Iterator[tuple[int, pa.Table]]:
        """All rows, in the order in which they are made."""
        number = 0
        for position, chunk in enumerate(self.make()):
            table = as_table(chunk)
            check_schema(self.schema, table.schema, self.columns, f"chunk {position}", "chunk 0")
            for first in range(0, table.num_rows, CHUNK):
                part = table.slice(first, CHUNK).select(columns)
                yield number, part
                number += part.num_rows


def as_table(chunk: Any) -> pa.Table:
    """A chunk of rows as a table of pyarrow.

    Raises
    ------
    TypeError
        Where it is no table.
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
        f"data: a chunk should be a table with named columns (a DataFrame, a table of pyarrow, a dict of arrays), got "
        f"{type(chunk).__name__}."
    )


def source_of(data: Any, columns: Sequence[str] | None, folder: Path, n_workers: int) -> Source:
    """Rows as the caller gives them; those of a Ray dataset are written to ``folder``.

    Raises
    ------
    TypeError
        For what is neither.
    """
    if is_ray_dataset(data):
        return parquet_source(written(data, folder), columns)
    if callable(data):
        if n_workers > 1:
            raise ValueError(
                f"data is a function, which one worker can call: with n_workers={n_workers}, write the rows as a "
                "folder of parquet files, or pass a ray.data.Dataset."
            )
        return ChunkSource(data, columns)
    if isinstance(data, str | os.PathLike) or (isinstance(data, list | tuple) and data):
        return parquet_source(data, columns)
    if isinstance(data, Iterator):
        raise TypeError(
            "data is an iterator, which can be read once alone: pass the function that makes it, such as a generator "
            "function without its brackets."
        )
    raise TypeError(
        "data should be a folder of parquet files, a list of files, a function that gives an iterator over chunks, or "
        f"a ray.data.Dataset, got {type(data).__name__}."
    )


def used_columns(targets: str | Sequence[str], features: Sequence[str] | None, weight: str | None) -> list[str] | None:
    """All columns that a fit reads; None where these are all that there are."""
    if features is None:
        return None
    names = [targets] if isinstance(targets, str) else list(targets)
    return [*features, *names, *([] if weight is None else [weight])]


def columns_of(
    schema: pa.Schema, targets: str | Sequence[str], features: Sequence[str] | None, weight: str | None
) -> Columns:
    """What each column is.

    Raises
    ------
    ValueError
        Where a column is not there, is named twice, or none is left.
    """
    names = (targets,) if isinstance(targets, str) else tuple(targets)
    others = (*names, *(() if weight is None else (weight,)))
    chosen = tuple(name for name in schema.names if name not in others) if features is None else tuple(features)
    for what, given in (("targets", names), ("features", chosen), ("sample_weight", others[len(names) :])):
        for name in given:
            if name not in schema.names:
                raise ValueError(f"{what}: data has no column {name!r}.{proposal(name, schema.names)}")
        if not given and what != "sample_weight":
            raise ValueError(f"{what}: there is no column. Columns are {', '.join(schema.names)}.")
    twice = sorted({name for name in (*chosen, *others) if (*chosen, *others).count(name) > 1})
    if twice:
        raise ValueError(f"Column {twice[0]!r} is named twice among features, targets and sample_weight.")
    return Columns(chosen, names, isinstance(targets, str), weight)
