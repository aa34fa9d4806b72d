"""What SQL from anyone may ask of SQLite: an allow-list for its authorizer. Standard library only.

Whatever is not named here is refused: ATTACH, DETACH, PRAGMA, virtual tables, extensions, functions
that reach outside or that a future version of SQLite may add.
"""

from __future__ import annotations

import sqlite3

from trainables.sql.sandbox import functions

CHANGES = frozenset(
    {
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_DROP_VIEW,
        sqlite3.SQLITE_DROP_TEMP_INDEX,
        sqlite3.SQLITE_DROP_TEMP_TABLE,
        sqlite3.SQLITE_DROP_TEMP_TRIGGER,
        sqlite3.SQLITE_DROP_TEMP_VIEW,
    }
)
"""Actions that change data or schema."""

_OTHER_ACTIONS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_ANALYZE,
    }
)

_TABLES_OF_SQLITE = frozenset(
    {
        "sqlite_master",
        "sqlite_temp_master",
        "sqlite_schema",
        "sqlite_temp_schema",
        "sqlite_sequence",
        "sqlite_stat1",
        "sqlite_stat4",
    }
)
_MODULES = (
    "pragma_",
    "dbstat",
    "bytecode",
    "tables_used",
    "fsdir",
    "fts3",
    "fts4",
    "fts5",
    "zipfile",
)

_FUNCTION_NAMES = """
    abs char coalesce format glob hex ifnull iif instr length like likelihood likely lower ltrim
    nullif printf quote random randomblob replace round rtrim sign soundex substr substring trim
    typeof unicode unlikely upper zeroblob changes total_changes last_insert_rowid

    date time datetime julianday unixepoch strftime current_date current_time current_timestamp

    avg count group_concat max min sum total row_number rank dense_rank percent_rank
    cume_dist ntile lag lead first_value last_value nth_value

    acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2
    mod pi pow power radians sin sinh sqrt tan tanh trunc

    json json_array json_array_length json_extract json_group_array json_group_object json_insert
    json_object json_patch json_quote json_remove json_replace json_set json_type json_valid -> ->>

    sqlite_rename_table sqlite_rename_column sqlite_rename_test sqlite_rename_quotefix
    sqlite_drop_column
"""
"""Scalars, dates, aggregates and windows, mathematics, JSON, and what ALTER TABLE itself calls.

Those of SQLite 3.40: a function that came later (`concat`, `string_agg`) is read as another
dialect's everywhere, so that a score does not depend on SQLite's version."""

_FUNCTIONS = frozenset(_FUNCTION_NAMES.split()) | functions.NAMES

_NEWER_FUNCTIONS = frozenset(
    {"concat", "concat_ws", "octet_length", "string_agg", "timediff", "unhex", "if", "unistr"}
)

_PRAGMAS = frozenset({"foreign_keys"})
""""Whether foreign keys are enforced: part of what a context means, and nothing else."""


def is_permitted(action: int, first: str | None, second: str | None) -> bool:
    """Tells whether a statement may do what SQLite's authorizer asks about.

    Args:
        action: One of SQLite's authorizer codes.
        first: Its first argument: for reads and changes of rows, the table.
        second: Its second argument: for calls, the function.
    """
    if action == sqlite3.SQLITE_FUNCTION:
        return (second or "").lower() in _FUNCTIONS
    if action == sqlite3.SQLITE_PRAGMA:
        return (first or "").lower() in _PRAGMAS
    if action in CHANGES or action == sqlite3.SQLITE_READ:
        name = (first or "").lower()
        if name.startswith(_MODULES):
            return False
        return not name.startswith("sqlite_") or name in _TABLES_OF_SQLITE or _is_automatic(name)
    return action in _OTHER_ACTIONS


def is_forbidden(message: str) -> bool:
    """Tells whether SQLite refused a text because of this list, and not for its grammar.

    A function that only newer versions of SQLite have is refused as one that there is not.
    """
    reason, _, name = message.partition("not authorized")
    return not reason and name.partition(": ")[2].lower() not in _NEWER_FUNCTIONS


def _is_automatic(name: str) -> bool:
    """SQLite makes indexes of this name for UNIQUE and PRIMARY KEY."""
    return name.startswith("sqlite_autoindex_")
