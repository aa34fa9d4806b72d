"""Takes the rows of a table for examples, and tells which of them are of no use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from trainables.contract.json_values import HALF_CHARACTER, has_half_character, kind
from trainables.contract.splits import BY_ROW, BY_SCHEMA
from trainables.data.bad_rows import BadRow
from trainables.data.columns import CONTEXT, DATABASE, PROMPT, SQL
from trainables.data.databases import Database, Databases
from trainables.data.errors import DatasetError
from trainables.data.raw_table import RawTable


class Row(NamedTuple):
    """The texts of a row; of what a table has no column for, None."""

    own_id: str | None
    sql_prompt: str
    sql_context: str
    sql: str
    domain: str | None
    sql_complexity: str | None
    sql_task_type: str | None
    group: str | None
    database: Database | None


def take_rows(
    source: str,
    table: RawTable,
    columns: Mapping[str, str],
    group_column: str | None,
    databases: Databases | None = None,
) -> tuple[list[Row], list[BadRow]]:
    """Returns the rows of a table, and those that are bad: broken, or without what each needs.

    Args:
        source: Name of the table, for messages.
        table: As its file has it.
        columns: The project's columns, and what they are called there.
        group_column: Whose values become `Row.group`.
        databases: What the rows are about. Where a table has no schemas they are the databases';
            where it has, rows about one database belong together all the same.

    Raises:
        DatasetError: It has no column of that name.
    """
    file = Path(source).name
    good: list[Row] = []
    bad = [BadRow(f"{file}, {row.place}", row.reason) for row in table.broken]
    if group_column is not None and group_column not in table.names:
        raise DatasetError(
            f"The table {source} has no column {group_column!r}, which split_by names; name one"
            f" that it has, or split by {BY_SCHEMA} or {BY_ROW}."
        )

    def values(name: str | None) -> Sequence[Any]:
        return [None] * table.count if name is None else table.values(name)

    needed = (columns[PROMPT], columns[SQL])
    optional = ("domain", "sql_complexity", "sql_task_type")
    for number, (own, prompt, context, sql, named, *rest) in enumerate(
        zip(
            *(values(columns.get(name)) for name in ("id", PROMPT, CONTEXT, SQL, DATABASE)),
            *(values(columns.get(name)) for name in optional),
            values(group_column),
            strict=True,
        )
    ):
        reason, value = (
            _fault(prompt, needed[0])
            or _fault(sql, needed[1])
            or (_fault(context, columns[CONTEXT]) if context not in (None, "") else None)
            or (None, "")
        )
        domain, complexity, task_type, group = map(_text, rest)
        if reason is None and group_column is not None and not group:
            reason = f"has no {group_column}, by which rows are split"
        database = None
        if reason is None and databases is not None:
            found = _meant(databases, _text(named), columns.get(DATABASE))
            if isinstance(found, str):
                reason = found
            else:
                database = found
                if CONTEXT in columns:
                    group = group or Path(found.file).stem
        if reason is None:
            context = context or ("" if database is None else database.schema)
            texts = (prompt, context, sql, domain, complexity, task_type, group)
            good.append(Row(_text(own), *texts, database))
        else:
            bad.append(BadRow(f"{file}, {table.place(number)}", reason, value))
    return good, bad


_LONGEST_VALUE = 40
"""Characters that are shown of one."""

NO_VALUE = ("nan", "none", "null", "<na>", "n/a", "#n/a")
"""What pandas and spreadsheets write for no value where it was made a text: neither a question nor
a statement."""


def _meant(databases: Databases, name: str | None, column: str | None) -> Database | str:
    """Returns the database that a row is about, or what is wrong with what it says."""
    if column is not None and not name and not databases.is_one:
        return f"has no {column}, which names its database"
    return databases.find(name)


def _fault(value: Any, column: str) -> tuple[str, str] | None:
    """Returns what is wrong with a value that must be a text and say something, and the value.

    A text is not repeated: what is wrong with it is said in full.
    """
    if value is None:
        return f"has no {column}", ""
    if not isinstance(value, str):
        return f"has {kind(value)} as {column}, not a text", _short(value)
    wrong = _wrong(value, column)
    return None if wrong is None else (wrong, "")


def _wrong(text: str, column: str) -> str | None:
    if not text or text.isspace():
        return f"has no {column}"
    if text.strip().casefold() in NO_VALUE:
        return f"has {text.strip()!r} as {column}, which stands for no value"
    if "\0" in text:
        return f"has a NUL character in its {column}"
    return f"{HALF_CHARACTER} {column}" if has_half_character(text) else None


def _short(value: Any) -> str:
    words = json.dumps(value, ensure_ascii=False, default=str)
    return words if len(words) <= _LONGEST_VALUE else f"{words[: _LONGEST_VALUE - 3]}..."


def _text(value: Any) -> str | None:
    """Returns a value that need not be a text as one."""
    if value is None or isinstance(value, str):
        return value
    return (
        str(value)
        if isinstance(value, int) and not isinstance(value, bool)
        else json.dumps(value, default=str)
    )
