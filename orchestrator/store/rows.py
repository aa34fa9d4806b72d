"""Rows to Parquet bytes and back, by the rules of `orchestrator.store.schema`."""

from __future__ import annotations

import datetime
import math
import operator
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestrator.errors import nearest
from orchestrator.store.errors import (
    DamagedError,
    NewerSchemaError,
    StoreUnusableError,
    UnreadableFileError,
)
from orchestrator.store.schema import OUTCOMES, SCHEMA_VERSION, STEP, STEPS, TABLES, TRIALS, Table
from orchestrator.store.trusted_rows import are_trusted, check_rows

VERSION_KEY = "finetune_sweep.schema_version"
TABLE_KEY = "finetune_sweep.table"
FILE_KEY = "finetune_sweep.file"

Row = dict[str, Any]

_MANY_ROWS = 1000
"""Below this, starting threads takes longer than reading."""

_LARGE_FILE = 1000
"""Rows of a file, from which on each by itself takes less time, and memory, than all at once."""

_SMALL = 2**20
"""Bytes of a file that is read whole: by columns it would be a call of the system for each."""


def to_arrow(table: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Checks rows and brings them to the table's schema; columns not given become NULL.

    Raises:
        ValueError: A column is unknown, is required and missing, or has a value of another type.
    """
    return pa.Table.from_pylist([_checked(table, row) for row in rows], schema=table.schema)


def encode(table: Table, content: pa.Table, name: str | None = None) -> bytes:
    """Returns the content as one Parquet file that carries table name and schema version.

    The footer of a one-row file costs more than its row: without statistics, dictionaries and the
    copy of the Arrow schema it is a third of the size and is read in half the time.

    Args:
        table: Whose file it is.
        content: Its rows.
        name: Of the file, which it carries too, where its rows do not tell it: under another name
            it is refused.
    """
    small = content.num_rows < 2
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        content.schema,
        compression="none" if small else "zstd",
        use_dictionary=not small,
        write_statistics=not small,
        store_schema=False,
    ) as writer:
        writer.write_table(content)
        writer.add_key_value_metadata({TABLE_KEY: table.name, VERSION_KEY: str(SCHEMA_VERSION)})
        if name is not None:
            writer.add_key_value_metadata({FILE_KEY: name})
    return bytes(sink.getvalue())


def decode(table: Table, source: Any, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Reads one file of a table in the present schema; columns that it lacks are NULL.

    Args:
        table: Whose file it is.
        source: Path or Arrow buffer.
        name: What to call it in an error.
        columns: Only these, in this order; None means all.

    Raises:
        NewerSchemaError: The file's schema is newer than `SCHEMA_VERSION`.
        UnreadableFileError: It is not a Parquet file of that table.
        DamagedError: A row is not of the sweep or trial whose file it is, or names a path; or the
            file has another name than it was written under.
        StoreUnusableError: This user may not read it.
    """
    content = decode_unchecked(table, source, name, columns)
    check_rows(table, content, name)
    return content


def check_files(
    table: Table, content: pa.Table, files: Sequence[pa.Table], names: Sequence[str]
) -> None:
    """Checks what `decode_unchecked` returned of many files, in less time than each by itself.

    Args:
        table: Whose files they are.
        content: The rows of all of them, in order.
        files: Those of each.
        names: What to call each in an error.

    Raises:
        DamagedError: As `decode`.
    """
    are_large = len(content) > _LARGE_FILE * len(files)
    if are_large or not are_trusted(table, content, [len(file) for file in files], names):
        for file, name in zip(files, names, strict=True):
            check_rows(table, file, name)


def _small(path: Any) -> Any:
    """Returns what a small file holds, read at once; else its path, of which columns are read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - of a thousand files a Path each takes long
            if os.fstat(file.fileno()).st_size <= _SMALL:
                return pa.py_buffer(file.read())
    except OSError:
        return path  # whose reader says what is wrong with it
    return path


def decode_unchecked(
    table: Table, source: Any, name: str, columns: Sequence[str] | None = None
) -> pa.Table:
    """Does what `decode` does, but its rows are to be checked, by `check_files`."""
    schema = table.schema
    if columns is not None:
        schema = pa.schema([schema.field(column) for column in columns])
    if isinstance(source, str | os.PathLike):
        source = _small(source)
    try:
        with pq.ParquetFile(source, pre_buffer=False) as file:
            check_version(file.metadata.metadata, name)
            _check_name(file.metadata.metadata, name)
            threads = file.metadata.num_rows > _MANY_ROWS
            content = file.read(columns=columns, use_threads=threads)
        if content.schema.equals(schema):  # casting each column takes twice as long as reading it
            return content.replace_schema_metadata()
        found = [
            content.column(field.name).cast(field.type)
            if field.name in content.schema.names
            else pa.nulls(content.num_rows, field.type)
            for field in schema
        ]
    except PermissionError as error:
        raise StoreUnusableError(
            f"{name} cannot be read by this user; change its permissions."
        ) from error
    except (pa.ArrowException, OSError, KeyError) as error:  # KeyError: of a name's two columns
        raise unreadable(table, name) from error
    return pa.table(found, schema=schema)


def unreadable(table: Table, name: str) -> UnreadableFileError:
    """Returns the error for a file that is not one of that table."""
    return UnreadableFileError(
        f"{name} is not a Parquet file of the table {table.name!r}; move it out of the store."
    )


def check_version(metadata: Mapping[bytes, bytes] | None, name: str) -> None:
    """Refuses a file of a newer schema.

    Raises:
        NewerSchemaError: Naming both versions.
        DamagedError: It does not say which schema.
    """
    said = (metadata or {}).get(VERSION_KEY.encode(), b"0")
    if not re.fullmatch(rb"-?[0-9]{1,9}", said):
        raise DamagedError(
            f"{name} has a schema version that is no number; move the file out of the store."
        )
    version = int(said)
    if version > SCHEMA_VERSION:
        raise newer(name, version)


def says_its_name(source: Any) -> bool:
    """Returns whether a file carries the name that it was written under.

    Args:
        source: Path or Arrow buffer.
    """
    return FILE_KEY.encode() in (pq.read_metadata(source).metadata or {})


def _check_name(metadata: Mapping[bytes, bytes] | None, name: str) -> None:
    """Refuses a file that carries another name than it has.

    Raises:
        DamagedError: Naming both.
    """
    own = (metadata or {}).get(FILE_KEY.encode())
    if own is not None and own != PurePath(name).name.encode():
        said = own.decode(errors="replace")[:100]
        raise DamagedError(
            f"{name} was written as {said!r}: it is a copy, or was renamed; move it out of the"
            " store, or give it its name back."
        )


def newer(name: str, version: int) -> NewerSchemaError:
    """Returns the error for a file of a newer schema."""
    return NewerSchemaError(
        f"{name} has schema version {version}, but this package knows versions up to"
        f" {SCHEMA_VERSION}; update the package to read this store."
    )


def finite_or_none(value: Any) -> float | None:
    """Returns the value, or None if it is absent, NaN or infinite."""
    return float(value) if value is not None and math.isfinite(value) else None


def _checked(table: Table, row: Mapping[str, Any]) -> Row:
    conversions = _OF_COLUMNS[table.name]
    for name in row:
        if name not in conversions:
            near = nearest(name, conversions)
            hint = f"; the nearest column is {near!r}" if near else ""
            raise ValueError(f"The table {table.name!r} has no column {name!r}{hint}.")
    values = dict(row) | {"schema_version": SCHEMA_VERSION}
    for name in table.required:
        if values.get(name) is None:
            raise ValueError(f"A row of the table {table.name!r} has no {name!r}.")
    if table is TRIALS:
        if values["outcome"] not in OUTCOMES:
            raise ValueError(
                f"The outcome {values['outcome']!r} is not final; a row of the table 'trials' has"
                f" one of {', '.join(OUTCOMES)}."
            )
        values["objective"] = finite_or_none(values.get("objective"))
    return {name: _value(table, name, value) for name, value in values.items() if value is not None}


def _value(table: Table, name: str, value: Any) -> Any:
    try:
        return _OF_COLUMNS[table.name][name](value)
    except (TypeError, ValueError) as error:
        kind = table.schema.field(name).type
        raise ValueError(
            f"The column {name!r} of the table {table.name!r} holds {kind}, but the value is"
            f" {value!r}."
        ) from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    # A lone surrogate (a cut model output) has no UTF-8 form and would lose the whole file.
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    return operator.index(value)


def _number(value: Any) -> float:
    if isinstance(value, (bool, str)):
        raise TypeError
    return float(value)


def _flag(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError
    return bool(value)


def _time(value: Any) -> datetime.datetime:
    if not isinstance(value, datetime.datetime):
        raise TypeError
    if value.tzinfo is None:  # a stored time, which is in UTC
        return value
    return value.astimezone(datetime.UTC).replace(tzinfo=None)


def _steps(value: Any) -> list[Row]:
    return [
        {field.name: _CONVERSIONS[field.type](point[field.name]) for field in STEP}
        for point in value
    ]


_CONVERSIONS: dict[pa.DataType, Callable[[Any], Any]] = {
    pa.string(): _text,
    pa.int64(): _integer,
    pa.float64(): _number,
    pa.bool_(): _flag,
    pa.timestamp("us"): _time,
    STEPS: _steps,
}

_OF_COLUMNS = {
    table.name: {field.name: _CONVERSIONS[field.type] for field in table.schema}
    for table in TABLES.values()
}
"""Looked up once: asking Arrow for names and types takes longer than converting the values."""
