"""Which column of a table is the question, which the schema, and which the SQL.

A file of a search space says so (`columns`); else a column of the project's own name is it, then
one of a name that is usual for it. Upper and lower case make no difference, nor do blanks, hyphens
and underscores.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from trainables.data.errors import DatasetError

PROMPT, CONTEXT, SQL, DATABASE = "sql_prompt", "sql_context", "sql", "database"
OPTIONAL_COLUMNS = ("id", "domain", "sql_complexity", "sql_task_type")

USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    PROMPT: (
        *("question", "prompt", "instruction", "natural_language", "natural_language_query"),
        *("nl_question", "nl_query", "nl", "utterance"),
    ),
    CONTEXT: (
        *("context", "schema", "create_table", "create_tables", "create_statements", "ddl"),
        *("db_schema", "database_schema", "table_schema", "schema_context", "input"),
    ),
    SQL: (
        *("query", "answer", "sql_query", "gold_sql", "sql_statement", "sql_answer"),
        *("response", "output", "completion", "target"),
    ),
    DATABASE: ("db_id", "database_id", "database_name", "db_name", "db"),
}
"""Column -> names that it has in well-known sets: `question, query, db_id` in Spider, `question,
SQL` in BIRD, `question, context, answer` in sql-create-context, `question, schema, query` in SQaLe,
`instruction, input, response` in sets of instructions."""

_MOST_NAMED, _LONGEST_NAME = 20, 40
_MEANINGS = {
    PROMPT: "the question",
    CONTEXT: "the schema",
    SQL: "the SQL",
    DATABASE: "the database",
}


@dataclass(frozen=True)
class OtherTable:
    """Another table of the same data set.

    Attributes:
        file: Its name.
        names: Of its columns.
        nested: Columns of objects or lists.
    """

    file: str
    names: Sequence[str]
    nested: Collection[str] = ()


def resolve(
    names: Sequence[str],
    given: Mapping[str, str],
    source: str,
    *,
    nested: Collection[str] = (),
    databases: bool = False,
    one_database: bool = False,
    databases_beside: str | None = None,
    others: Sequence[OtherTable] = (),
    held_out: str | None = None,
) -> dict[str, str]:
    """Returns the name in a table of each of the project's columns that it has.

    Args:
        names: Of the table's columns.
        given: The project's column -> the table's, as a file of a search space says.
        source: The table, for messages.
        nested: Columns of objects or lists, which are no texts.
        databases: Whether there are database files. Schemas then come from these, but for a column
            that is given or has the project's own name, and a column names each row's database.
        one_database: Whether it is one file, which nothing need name.
        databases_beside: Where databases lie that nobody has named; for the message.
        others: The other tables of the data set, which may have what this one lacks; likewise.
        held_out: The split of a file that need not be there, "test" or "validation"; likewise.

    Raises:
        DatasetError: A column is missing, is there twice, or may be several; names the candidates.
    """
    texts = [name for name in names if name not in nested]
    found = {}
    for column, name in given.items():
        if name not in names:
            raise DatasetError(
                f"The table {source} has no column {name!r}, which `columns.{column}` names; it has"
                f" the columns {listed(names)}{_unlike(name, others, held_out)}."
            )
        if name not in texts and column not in OPTIONAL_COLUMNS:
            raise DatasetError(
                f"The table {source} has objects or lists in the column {name!r}, which"
                f" `columns.{column}` names; it must be text."
            )
        found[column] = name
    named = (DATABASE,) if databases and not one_database else ()
    for column in (PROMPT, CONTEXT, SQL, *named):
        usual = () if column == CONTEXT and databases else USUAL_NAMES[column]
        if column not in found:
            one = _found(column, usual, texts, found.values(), source)
            if one is not None:
                found[column] = one
    for column in OPTIONAL_COLUMNS:
        if column not in found and column in names:
            found[column] = column
    taken: dict[str, str] = {}
    for column in (PROMPT, CONTEXT, SQL):
        if column in found and (other := taken.setdefault(found[column], column)) != column:
            raise DatasetError(
                f"The table {source} has one column, {found[column]!r}, for both {other} and"
                f" {column}; name another one with `--set columns.{other}=COLUMN` or"
                f" `--set columns.{column}=COLUMN`."
            )
    twice = [name for name in found.values() if names.count(name) > 1]
    if twice:
        raise DatasetError(
            f"The table {source} has the column {twice[0]!r} twice; leave one of them."
        )
    needed = (PROMPT, *(() if databases else (CONTEXT,)), SQL, *named)
    missing = [column for column in needed if column not in found]
    if missing:
        raise DatasetError(
            _missing(missing, names, nested, source, databases_beside, others, held_out)
        )
    return found


def unused(names: Sequence[str], used: Collection[str]) -> list[str]:
    """Returns the columns of a table that nothing is taken from."""
    return [name for name in dict.fromkeys(names) if name not in used]


def renamed(found: Mapping[str, str]) -> dict[str, str]:
    """Returns the columns whose name in the table is another one."""
    return {column: name for column, name in found.items() if column != name}


def _found(
    column: str, usual: Sequence[str], names: Sequence[str], taken: Collection[str], source: str
) -> str | None:
    """Returns the one column that it can be, None where there is none.

    Raises:
        DatasetError: There are several.
    """
    if column in names:
        return column
    free = [name for name in names if name not in taken]
    for accepted in ((column,), usual):
        plain = {_plain(each) for each in accepted}
        candidates = [name for name in free if _plain(name) in plain]
        if len(candidates) > 1 and len(set(candidates)) > 1:
            raise DatasetError(
                f"The table {source} has {len(candidates)} columns that may be"
                f" {_MEANINGS[column]}: {listed(candidates)}; say which one, e.g. with"
                f" `--set columns.{column}={candidates[0]}`."
            )
        if candidates:
            return candidates[0]
    return None


def _missing(
    missing: Sequence[str],
    names: Sequence[str],
    nested: Collection[str],
    source: str,
    databases_beside: str | None,
    others: Sequence[OtherTable],
    held_out: str | None,
) -> str:
    objects = [name for name in names if name in nested]
    verb = "holds" if len(objects) == 1 else "hold"
    words = f" ({listed(objects)} {verb} objects or lists, not text)" if objects else ""
    remedy = f"name the columns, e.g. with `--set columns.{missing[0]}=COLUMN`"
    if missing == [CONTEXT] and databases_beside is not None:
        found = shlex.quote(f"databases={databases_beside}")
        remedy = f"the databases beside it have the schemas, and rows to query: `--set {found}`"
    elif CONTEXT in missing:
        remedy += ", or give the databases that the questions are about with `--set databases=DIR`"
    elsewhere = _elsewhere(missing[0], others)
    if elsewhere is not None:
        file, name = elsewhere
        remedy = f"{file} has {missing[0]} as {name!r}: give it a column of that name"
        remedy += _without_it(held_out)
    return (
        f"The table {source} lacks {', '.join(missing)}: it has {listed(names)}{words}; {remedy}."
    )


def _elsewhere(column: str, others: Sequence[OtherTable]) -> tuple[str, str] | None:
    """Returns the first other table that has a column of the project's, and its name there."""
    for other in others:
        texts = [name for name in other.names if name not in other.nested]
        try:
            name = _found(column, USUAL_NAMES.get(column, ()), texts, (), other.file)
        except DatasetError:  # it has several, of which it has to be said first which it is
            continue
        if name is not None:
            return other.file, name
    return None


def _without_it(held_out: str | None) -> str:
    """Returns that there need be no table of a split; "" of one that there must be."""
    if held_out is None:
        return ""
    return f", or move the file out of the folder: {held_out} rows are then taken from training"


def _unlike(name: str, others: Sequence[OtherTable], held_out: str | None) -> str:
    """Returns what is to be done where another table of the data set has a column that is named."""
    having = next((other.file for other in others if name in other.names), None)
    if having is None:
        return ""
    return (
        f", while {having} has it: `columns` holds for all tables of a data set, so give the"
        f" column one name in all of them{_without_it(held_out)}"
    )


def listed(names: Sequence[str]) -> str:
    """Returns the names in one line: a table without a header has texts for names."""
    shown = [_short(name) for name in names[:_MOST_NAMED]]
    left = len(names) - len(shown)
    return ", ".join([*shown, *([f"and {left:,} others"] if left else [])]) or "no columns"


def _short(name: str) -> str:
    if not name:
        return "'' (without a name)"
    plain = " ".join(name.split())
    short = plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME - 3]}..."
    # What would be taken for two names, or for another one, is in quotes.
    return repr(short) if name != name.strip() or set(name) & set(",;'\"`") else short


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
