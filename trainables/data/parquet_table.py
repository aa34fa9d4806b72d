"""Reads Parquet files, and what the hub's library has read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trainables.data.errors import DatasetError
from trainables.data.file_formats import other_format
from trainables.data.raw_table import RawTable
from trainables.data.table_text import AGAIN, check_no_pointer, read_bytes

_HEAD = 512
_PARQUET, _GZIP = (b"PAR1", b"PARE"), b"\x1f\x8b"


def read_parquet(path: Path) -> RawTable:
    """Returns the table in a Parquet file; only the columns that are asked for are read.

    Raises:
        DatasetError: It cannot be read; also when a column is asked for.
    """
    try:
        with path.open("rb") as opened:
            head = opened.read(_HEAD)
        check_no_pointer(path, head)
        other = (
            None if head.startswith((*_PARQUET, _GZIP)) else other_format(head) or _as_text(head)
        )
        if other is not None:
            raise DatasetError(f"The table {str(path)!r} cannot be read: {other}.")
        if head.startswith(_PARQUET) and not _end(path).endswith(_PARQUET):
            why = f"it is cut short: the end of the Parquet file is missing; {AGAIN}"
            raise DatasetError(f"The table {str(path)!r} cannot be read: {why}.")
        packed = path.name.lower().endswith(".gz")
        file = pq.ParquetFile(pa.BufferReader(read_bytes(path)) if packed else path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    schema = file.schema_arrow

    def values(name: str) -> Sequence[Any]:
        try:
            return _values(file.read(columns=[name]).column(name), f"{path}: its column {name!r}")
        except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError) as error:
            raise _unreadable(path, error) from error

    return _table(schema, file.metadata.num_rows, values)


def of_arrow(table: pa.Table) -> RawTable:
    """Returns a table that is in memory already."""
    return _table(
        table.schema, table.num_rows, lambda name: _values(table.column(name), f"column {name!r}")
    )


def _table(schema: pa.Schema, count: int, values: Any) -> RawTable:
    return RawTable(
        names=schema.names,
        count=count,
        values=values,
        place=lambda row: f"row {row + 1}",
        nested=[field.name for field in schema if pa.types.is_nested(field.type)],
    )


def _end(path: Path) -> bytes:
    with path.open("rb") as opened:
        opened.seek(-min(_HEAD, path.stat().st_size), os.SEEK_END)
        return opened.read()


def _as_text(head: bytes) -> str | None:
    """Returns what a text is that has the name of a Parquet file; None for what is none."""
    if not head or b"\0" in head:
        return None
    suffix = ".jsonl" if head.lstrip()[:1] in (b"{", b"[") else ".csv"
    return f"it is a text, and no Parquet; give it a name that says its format, such as {suffix}"


def _values(column: pa.ChunkedArray, place: str) -> Sequence[Any]:
    """Returns texts as such, whatever way of keeping them the file has.

    Raises:
        DatasetError: One is not UTF-8; names its row.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        try:
            column = column.cast(pa.large_string())
        except pa.ArrowInvalid as error:
            raise DatasetError(_not_decoded(column, place)) from error
    values: Sequence[Any] = column.to_pylist()
    return values


def _not_decoded(column: pa.ChunkedArray, place: str) -> str:
    for row, value in enumerate(column.to_pylist(), 1):
        try:
            (value or b"").decode()
        except UnicodeDecodeError as error:
            return (
                f"The table {place} has bytes that are not UTF-8 in row {row:,} ({error.reason})."
            )
    return f"The table {place} has bytes that are not UTF-8."


def _unreadable(path: Path, error: Exception) -> DatasetError:
    said = " ".join(str(error).split()).rstrip(".")
    # Arrow raises an OSError without a number where it does not understand what it has read.
    if isinstance(error, pa.ArrowInvalid) or (isinstance(error, OSError) and error.errno is None):
        said = f"it is damaged ({said}); {AGAIN}"
    return DatasetError(f"The table {str(path)!r} cannot be read: {said}.")
