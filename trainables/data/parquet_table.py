"""Reads Parquet files, and what the hub's library has read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trainables.data.errors import DatasetError
from trainables.data.raw_table import RawTable
from trainables.data.table_text import check_no_pointer, read_bytes


def read_parquet(path: Path) -> RawTable:
    """Returns the table in a Parquet file; only the columns that are asked for are read.

    Raises:
        DatasetError: It cannot be read; also when a column is asked for.
    """
    try:
        with path.open("rb") as opened:
            check_no_pointer(path, opened.read(64))
        packed = path.name.lower().endswith(".gz")
        file = pq.ParquetFile(pa.BufferReader(read_bytes(path)) if packed else path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    schema = file.schema_arrow

    def values(name: str) -> Sequence[Any]:
        try:
            return _values(file.read(columns=[name]).column(name))
        except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError) as error:
            raise _unreadable(path, error) from error

    return _table(schema, file.metadata.num_rows, values)


def of_arrow(table: pa.Table) -> RawTable:
    """Returns a table that is in memory already."""
    return _table(table.schema, table.num_rows, lambda name: _values(table.column(name)))


def _table(schema: pa.Schema, count: int, values: Any) -> RawTable:
    return RawTable(
        names=schema.names,
        count=count,
        values=values,
        place=lambda row: f"row {row + 1}",
        nested=[field.name for field in schema if pa.types.is_nested(field.type)],
    )


def _values(column: pa.ChunkedArray) -> Sequence[Any]:
    """Returns texts as such, whatever way of keeping them the file has."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        column = column.cast(pa.large_string())
    values: Sequence[Any] = column.to_pylist()
    return values


def _unreadable(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"The table {str(path)!r} cannot be read: {error}")
