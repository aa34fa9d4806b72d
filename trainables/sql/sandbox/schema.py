"""What the tables, views and triggers of a database are and hold. Standard library only.

What SQLite's PRAGMAs tell is taken from them: columns, keys, indexes, what foreign keys do. The
rest is read from the text of each CREATE, in the spelling of
`trainables.sql.sandbox.tokens.normal_form`: expressions of generated columns, indexes and CHECKs,
the WHERE of a partial index, collations, AUTOINCREMENT, WITHOUT ROWID, STRICT, ON CONFLICT and
INITIALLY DEFERRED.

Not compared: names of indexes and constraints; the length of a VARCHAR and whatever else of a type
does not change SQLite's affinity; whether a constraint stands beside its column or after all.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from trainables.sql.sandbox import decimals
from trainables.sql.sandbox.comparison import Relation, Result
from trainables.sql.sandbox.tokens import Token, normal_form, split_at_commas, tokens, unquoted

Inspect = Callable[[str], list[Any]]
"""Returns the rows of a query that may use PRAGMA."""
Select = Callable[[str], Result | None]
"""Returns what a statement returns, within the limits."""

_OF_DIALECTS = re.compile(r"\s*COLLATE like_(?:mysql|tsql)\b")
"""Collations that texts of a dialect have without saying so (`trainables.sql.translation`)."""
LIMIT_OF_TYPE = "limit of a type"
"""The name of the constraints by which a translation keeps values within their columns' types."""
_OF_TABLE = frozenset(["constraint", "primary", "unique", "check", "foreign"])
_NOISE_OF_TRIGGER = frozenset(["for", "each", "row"])


def relations(inspect: Inspect, select: Select, *, temporary: bool) -> list[Relation]:
    """Returns all tables and views with their rows, and all triggers.

    Args:
        inspect: See `Inspect`.
        select: See `Select`.
        temporary: Whether those that end with the connection are asked for, or the others.

    Raises:
        sqlite3.Error: A limit is reached.
    """
    schema = "temp" if temporary else "main"
    objects = inspect(
        f"SELECT type, name, tbl_name, sql FROM {schema}.sqlite_master WHERE sql IS NOT NULL"
    )
    indexes: defaultdict[str, dict[str, str]] = defaultdict(dict)
    objects = [(*before, _OF_DIALECTS.sub("", sql)) for *before, sql in objects]
    for kind, name, table, sql in objects:
        if kind == "index":
            indexes[table.lower()][name] = sql
    found = []
    for kind, name, _, sql in objects:
        if name.startswith("sqlite_") or kind == "index":
            continue
        if kind == "trigger":
            found.append(Relation((schema, kind, _trigger(sql)), None))
        elif kind == "view":
            found.append(_view(inspect, select, schema, name, sql))
        else:
            table = _Table(inspect, schema, name, sql, indexes[name.lower()])
            definition = (schema, kind, name.lower(), *table.definition())
            content = select(f"SELECT * FROM {schema}.{_quoted(name)}")
            found.append(Relation(definition, content))
    return found


def _view(inspect: Inspect, select: Select, schema: str, name: str, sql: str) -> Relation:
    said = normal_form(_after_as(sql))
    try:
        columns = tuple(
            column.lower()
            for _, column, *_ in inspect(f"PRAGMA {schema}.table_info({_quoted(name)})")
        )
        content = select(f"SELECT * FROM {schema}.{_quoted(name)}")
    except sqlite3.OperationalError as error:
        if not str(error).startswith(("no such ", "error in view ")) or "function" in str(error):
            # SQLite makes views without a look at their functions.
            raise
        # It names what is not there, or no longer: a view of its text and nothing else.
        return Relation((schema, "view", name.lower()), None, said)
    return Relation((schema, "view", name.lower(), columns), content, said)


def _after_as(sql: str) -> list[Token]:
    pieces = tokens(sql)
    start = next(i for i, t in enumerate(pieces) if t.kind == "word" and t.text == "as")
    return pieces[start + 1 :]


def _trigger(sql: str) -> str:
    pieces = tokens(sql)
    start = next(i for i, t in enumerate(pieces) if t.kind == "word" and t.text == "trigger") + 1
    if [t.text for t in pieces[start : start + 3]] == ["if", "not", "exists"]:
        start += 3
    if pieces[start + 1].text == ".":
        start += 2
    name, rest = pieces[start], pieces[start + 1 :]
    begin = next(
        (i for i, t in enumerate(rest) if t.kind == "word" and t.text == "begin"), len(rest)
    )
    when = [t for t in rest[:begin] if not (t.kind == "word" and t.text in _NOISE_OF_TRIGGER)]
    # BEFORE is what is meant where nothing is said.
    if when and when[0].text not in ("before", "after", "instead"):
        return f"{unquoted(name)} before {normal_form(when)} {normal_form(rest[begin:])}"
    return f"{unquoted(name)} {normal_form(when)} {normal_form(rest[begin:])}"


class _Text(NamedTuple):
    """What only the text of a CREATE TABLE tells.

    Attributes:
        generated: The expression of each generated column.
        collations: The collation of each column that names one.
        others: CHECKs, and what is said about conflicts, deferral, AUTOINCREMENT, in no order.
        options: WITHOUT ROWID and STRICT.
    """

    generated: dict[str, str]
    collations: dict[str, str]
    others: list[tuple[str, ...]]
    options: frozenset[str]


class _Table:
    """One table."""

    def __init__(
        self, inspect: Inspect, schema: str, name: str, sql: str, indexes: dict[str, str]
    ) -> None:
        self._inspect = inspect
        self._schema = schema
        self._name = name
        self._indexes = indexes
        self._text = _read(sql, name.lower())

    def definition(self) -> tuple[Hashable, ...]:
        return (
            tuple(self._columns()),
            _in_order(self._keys_and_indexes()),
            _in_order(self._foreign_keys()),
            _in_order(self._text.others),
            self._text.options,
        )

    def _pragma(self, name: str, argument: str) -> list[Any]:
        return self._inspect(f"PRAGMA {self._schema}.{name}({_quoted(argument)})")

    def _columns(self) -> Iterator[tuple[Hashable, ...]]:
        is_strict = "strict" in self._text.options
        columns = self._pragma("table_xinfo", self._name)
        has_rowid = self._has_rowid_for_key(columns)
        for _, name, declared, required, default, key, hidden in columns:
            column = name.lower()
            yield (
                column,
                _strict_type(declared) if is_strict else affinity(declared),
                # INTEGER PRIMARY KEY is the rowid, and never NULL, whether it says so or not.
                int(bool(required or (key and has_rowid))),
                self._default(default),
                key,
                hidden,
                self._text.generated.get(column),
                self._text.collations.get(column, "binary"),
            )

    def _has_rowid_for_key(self, columns: list[Any]) -> bool:
        """Tells whether the primary key is the rowid: one INTEGER column without an index.

        Source: https://www.sqlite.org/lang_createtable.html, "ROWIDs and the INTEGER PRIMARY KEY".
        """
        types = [declared for _, _, declared, _, _, key, _ in columns if key]
        return [said.upper() for said in types] == ["INTEGER"] and not any(
            origin == "pk" for _, _, _, origin, _ in self._pragma("index_list", self._name)
        )

    def _default(self, said: str | None) -> Hashable:
        """Returns the value; of one of chance, the expression. No default is NULL."""
        if said is None:
            return None
        pieces = tokens(said)
        if any(t.text in ("random", "randomblob") for t in pieces):
            return normal_form(pieces)
        # SQLite takes a default in double quotes for a text.
        literal = f"'{said[1:-1]}'" if [t.kind for t in pieces] == ["name"] else said
        try:
            [(value,)] = self._inspect(f"SELECT {literal}")
        except sqlite3.DatabaseError:
            # A function that is not there, or not permitted, fails where the default is needed.
            return normal_form(pieces)
        return None if value is None else (type(value).__name__, value)

    def _keys_and_indexes(self) -> Iterator[tuple[Hashable, ...]]:
        for _, name, unique, origin, _ in self._pragma("index_list", self._name):
            expressions, where = _of_index(self._indexes.get(name), self._name.lower())
            columns = tuple(
                (
                    column.lower() if column is not None else expressions[place],
                    descending,
                    collation,
                )
                for place, _, column, descending, collation, is_key in self._pragma(
                    "index_xinfo", name
                )
                if is_key
            )
            yield (unique, origin == "pk", where, columns)

    def _foreign_keys(self) -> list[tuple[Hashable, ...]]:
        keys: defaultdict[int, list[Any]] = defaultdict(list)
        for number, _, parent, source, target, on_update, on_delete, _ in self._pragma(
            "foreign_key_list", self._name
        ):
            keys[number].append((parent, source, target, on_update, on_delete))
        found: list[tuple[Hashable, ...]] = []
        for pairs in keys.values():
            parent, _, _, on_update, on_delete = pairs[0]
            targets = [target for _, _, target, *_ in pairs]
            if targets[0] is None:
                targets = self._primary_key(parent) or targets
            columns = sorted(
                (source.lower(), (target or "").lower())
                for (_, source, *_), target in zip(pairs, targets, strict=False)
            )
            found.append((parent.lower(), tuple(columns), on_update, on_delete))
        return found

    def _primary_key(self, table: str) -> list[str]:
        columns = self._pragma("table_info", table)
        return [column[1] for column in sorted(columns, key=lambda c: c[5]) if column[5]]


def _read(sql: str, table: str) -> _Text:
    pieces = tokens(sql)
    start = next(i for i, t in enumerate(pieces) if t.text == "(")
    end = next(
        i for i in range(start, len(pieces)) if pieces[i].text == ")" and not pieces[i].depth
    )
    options = frozenset(normal_form(option) for option in split_at_commas(pieces[end + 1 :]))
    found = _Text({}, {}, [], options - {""})
    for entry in split_at_commas(pieces[start + 1 : end]):
        if len(entry) > 1 and entry[0].text == "constraint" and unquoted(entry[1]) == LIMIT_OF_TYPE:
            # What a translation says of VARCHAR(9) is no CHECK of the text's own.
            continue
        is_column = entry[0].kind != "word" or entry[0].text not in _OF_TABLE
        _read_entry(entry, unquoted(entry[0]) if is_column else "", table, found)
    return found


def _read_entry(entry: Sequence[Token], column: str, table: str, found: _Text) -> None:
    """Adds what a column or a constraint of the table says.

    Args:
        entry: The text between two commas.
        column: The column; empty for a constraint of the table.
        table: The table's name.
        found: What is added to.
    """
    depth = entry[0].depth
    constraint, columns = "", column
    # A column may have any name; the words after it are what they seem.
    i = 1 if column else 0
    while i < len(entry):
        token = entry[i]
        following = entry[i + 1] if i + 1 < len(entry) else None
        if token.depth > depth or token.kind != "word" or following is None:
            if token.kind == "word" and token.depth == depth and token.text == "autoincrement":
                found.others.append(("autoincrement",))
            i += 1
            continue
        group = _group(entry, i + 1)
        word = token.text
        if word == "constraint":
            i += 2
            continue
        if word in ("primary", "unique", "foreign", "not", "check", "references"):
            constraint = word
        if word in ("key", "unique") and group and not column:
            columns = normal_form(group)
        elif word == "check" and group:
            found.others.append(("check", normal_form(group, table)))
        elif word == "as" and group and column:
            found.generated[column] = normal_form(group, table)
        elif word == "collate" and column:
            found.collations[column] = unquoted(following)
        elif word == "autoincrement":
            found.others.append(("autoincrement",))
        elif word == "conflict" and following.text != "abort":
            found.others.append(("conflict", constraint, columns, following.text))
        elif word == "initially" and following.text == "deferred":
            found.others.append(("deferred", columns))
        i += 1


def _group(entry: Sequence[Token], start: int) -> Sequence[Token]:
    """Returns the tokens in the parentheses that open at a place; none where none do."""
    if entry[start].text != "(":
        return ()
    end = next(
        i
        for i in range(start, len(entry))
        if entry[i].text == ")" and entry[i].depth == entry[start].depth
    )
    return entry[start + 1 : end]


def _of_index(sql: str | None, table: str) -> tuple[list[str], str]:
    """Returns the expressions of an index and its WHERE; of one that a constraint made, nothing."""
    if sql is None:
        return [], ""
    pieces = tokens(sql)
    start = next(i for i, t in enumerate(pieces) if t.text == "(")
    group = _group(pieces, start)
    where = pieces[start + len(group) + 3 :]
    return [normal_form(_bare(part), table) for part in split_at_commas(group)], normal_form(
        where, table
    )


def _bare(part: Sequence[Token]) -> Sequence[Token]:
    """Returns an indexed expression without its direction and collation: the PRAGMA tells them."""
    if part[-1].kind == "word" and part[-1].text in ("asc", "desc"):
        part = part[:-1]
    if len(part) > 2 and part[-2].kind == "word" and part[-2].text == "collate":
        part = part[:-2]
    return part


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _in_order(rows: Any) -> tuple[Any, ...]:
    return tuple(sorted(rows, key=repr))


def _strict_type(declared: str) -> str:
    kind = declared.lower()
    return "integer" if kind == "int" else kind


def affinity(declared: str) -> str:
    """Returns "integer", "text", "blob", "real" or "numeric".

    Source: https://www.sqlite.org/datatype3.html, section 3.1.
    """
    kind = declared.upper()
    if kind.startswith(decimals.TYPE):
        return "numeric"
    for name, parts in (
        ("integer", ("INT",)),
        ("text", ("CHAR", "CLOB", "TEXT")),
        ("blob", ("BLOB",)),
        ("real", ("REAL", "FLOA", "DOUB")),
    ):
        if any(part in kind for part in parts):
            return name
    return "numeric" if kind else "blob"
