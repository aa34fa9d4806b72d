"""Reads rows of question, schema and SQL: a table, a folder of tables, the hub's, or the built-in.

A table is a `.parquet`, `.jsonl` or `.csv` file with the columns `sql_prompt, sql_context, sql`;
`id`, `domain`, `sql_complexity` and `sql_task_type` are taken where they are there. Which file is
which split is told by `locations`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from trainables.contract.configuration import EMBEDDED
from trainables.contract.splits import BY_ROW, BY_SCHEMA
from trainables.data.errors import DatasetError
from trainables.data.locations import split_files
from trainables.data.split_files import splits_by_name, table_suffix
from trainables.embedded import corpus

REQUIRED_COLUMNS = ("sql_prompt", "sql_context", "sql")
OPTIONAL_COLUMNS = ("id", "domain", "sql_complexity", "sql_task_type")
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
_BLOCK_BYTES = 64 << 20  # pyarrow refuses a JSON row that is longer than a block


@dataclass(frozen=True, slots=True)
class Example:
    """One row: a question about a database, the database's schema, and the SQL that answers it.

    `group` is its value in the column that rows are split by; None where that is the schema.
    """

    example_id: str
    sql_prompt: str
    sql_context: str
    sql: str
    domain: str | None = None
    sql_complexity: str | None = None
    sql_task_type: str | None = None
    group: str | None = None


def read(
    dataset: str, revision: str | None = None, group_column: str | None = None
) -> dict[str, list[Example]]:
    """Returns the rows by split: "train", and "validation" and "test" where the data set has them.

    A single table is all "train". Repeating the same row does not make it two: the later copies are
    dropped.

    Args:
        dataset: "embedded", the path of a table or of a folder of tables, or an identifier of the
            hub.
        revision: Git revision on the hub; ignored for everything else.
        group_column: Whose values become `Example.group`; it may be one of the others.

    Raises:
        DatasetError: Nothing is there, or a column or value is missing.
    """
    local = split_files(dataset)
    if local is not None:
        tables = {split: _joined(files, group_column) for split, files in local.items()}
    elif dataset == EMBEDDED:
        tables = {
            split: pa.Table.from_pylist(list(corpus.rows(split))) for split in ("train", "test")
        }
    else:
        tables = _hub(dataset, revision)
    return {
        split: _examples(table, split, f"{dataset!r} ({split})", group_column)
        for split, table in tables.items()
    }


def _joined(files: Sequence[Path], group_column: str | None) -> pa.Table:
    """Returns the rows of a split's parts, one after the other."""
    parts = [_columns(_table(file, group_column), str(file), group_column) for file in files]
    return pa.concat_tables(parts, promote_options="default")


def _table(path: Path, group_column: str | None) -> pa.Table:
    strings = {name: pa.string() for name in REQUIRED_COLUMNS + OPTIONAL_COLUMNS}
    if group_column is not None:
        strings.setdefault(group_column, pa.string())
    try:
        if table_suffix(path) == ".parquet":
            names = pa.parquet.read_schema(path).names
            table = pa.parquet.read_table(path, columns=[n for n in names if n in strings])
        elif table_suffix(path) == ".csv":
            table = pa.csv.read_csv(
                path,
                parse_options=pa.csv.ParseOptions(newlines_in_values=True),
                convert_options=pa.csv.ConvertOptions(
                    column_types=strings, strings_can_be_null=False
                ),
            )
            names = table.column_names
        else:
            with path.open(encoding="utf-8") as lines:
                first = first_object(lines)
            names = list(first)
            for name in {"id", group_column or "id"} & set(names):
                strings[name] = _TYPES.get(type(first[name]), pa.string())
            table = pa.json.read_json(
                path,
                read_options=pa.json.ReadOptions(block_size=_BLOCK_BYTES),
                parse_options=pa.json.ParseOptions(
                    explicit_schema=pa.schema([(n, strings[n]) for n in names if n in strings]),
                    unexpected_field_behavior="ignore",
                ),
            )
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DatasetError(f"The table {str(path)!r} cannot be read: {error}") from error
    _require(names, str(path))
    return table


def _hub(name: str, revision: str | None) -> dict[str, pa.Table]:
    import datasets  # a second to import, and only the hub's data sets need it

    try:
        loaded = datasets.load_dataset(name, revision=revision)
    except Exception as error:  # it raises a dozen unrelated types for "not there"
        raise DatasetError(
            f"The data set {name!r} is neither a local path nor to be had from the Hugging Face "
            f"hub or its cache ({type(error).__name__}: {error}); make it reachable or cache it "
            "first, give a table with `--set dataset=FILE`, or use `--profile embedded`."
        ) from error
    tables = {
        split: loaded[name].with_format("arrow")[:]
        for split, name in splits_by_name(loaded).items()
    }
    if "train" not in tables:
        raise DatasetError(
            f"The data set {name!r} has no split named train; it has {', '.join(loaded) or 'none'}."
        )
    return tables


def first_object(lines: TextIO) -> dict[str, Any]:
    """Returns the object in the first line of a file of JSON lines; empty for an empty file.

    Raises:
        ValueError: It is no object.
    """
    try:
        first = json.loads(lines.readline(_BLOCK_BYTES) or "{}")
    except RecursionError:
        raise ValueError("its first line is nested too deeply") from None
    if not isinstance(first, dict):
        raise ValueError("its first line is no object of JSON")
    return first


def _require(names: Iterable[str], source: str) -> None:
    names = list(names)
    missing = [column for column in REQUIRED_COLUMNS if column not in names]
    twice = [column for column in REQUIRED_COLUMNS + OPTIONAL_COLUMNS if names.count(column) > 1]
    if twice:
        raise DatasetError(
            f"The table {source} has the column {twice[0]!r} twice; leave one of them."
        )
    if missing:
        raise DatasetError(
            f"The table {source} lacks {', '.join(missing)}; it has the columns "
            f"{', '.join(names) or '(none)'}, and needs {', '.join(REQUIRED_COLUMNS)}."
        )


def _columns(table: pa.Table, source: str, group_column: str | None) -> pa.Table:
    """Returns the columns that are of use, all as strings."""
    _require(table.column_names, source)
    if group_column is not None and group_column not in table.column_names:
        raise DatasetError(
            f"The table {source} has no column {group_column!r}, which split_by names; name one"
            f" that it has, or split by {BY_SCHEMA} or {BY_ROW}."
        )
    useful = dict.fromkeys((*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS, group_column))
    wanted = [column for column in useful if column in table.column_names]
    try:
        return pa.table({name: table[name].cast(pa.string()) for name in wanted})
    except pa.ArrowException as error:
        raise DatasetError(f"The table {source} has a column that is not text: {error}") from error


def _examples(table: pa.Table, split: str, source: str, group_column: str | None) -> list[Example]:
    columns: Mapping[str, list[str | None]] = _columns(table, source, group_column).to_pydict()
    count = table.num_rows
    for name in ("sql_prompt", "sql"):
        empty = next((i for i, value in enumerate(columns[name]) if not value), None)
        if empty is not None:
            raise DatasetError(
                f"The table {source} has no {name} in row {empty + 1}; each row needs a question "
                "and its SQL."
            )
    groups = None if group_column is None else columns[group_column]
    without = None if groups is None else next((i for i, v in enumerate(groups) if not v), None)
    if without is not None:
        raise DatasetError(
            f"The table {source} has no {group_column} in row {without + 1}; each row needs a value"
            " in the column that rows are split by."
        )
    ids = columns.get("id", [])
    if len({i for i in ids if i}) != count:
        ids = [f"{split}-{row}" for row in range(count)]
    absent: list[str | None] = [None] * count
    optional = [columns.get(name, absent) for name in OPTIONAL_COLUMNS[1:]]
    optional.append(groups or absent)
    seen: set[tuple[str | None, ...]] = set()
    examples = []
    for row_id, prompt, context, sql, *rest in zip(
        ids, *(columns[name] for name in REQUIRED_COLUMNS), *optional, strict=True
    ):
        if (prompt, context, sql) not in seen:
            seen.add((prompt, context, sql))
            examples.append(Example(str(row_id), str(prompt), context or "", str(sql), *rest))
    return examples
