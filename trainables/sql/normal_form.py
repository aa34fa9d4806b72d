"""When two SQL texts are one statement: a normal form by sqlglot.

What does not count: the case of keywords and names, white space, comments, quotes around names,
trailing semicolons, optional words (`AS`, `INNER`, `OUTER`, `ASC`), the names of table aliases,
qualifiers where there is one table, and the names of result columns. What counts: everything else,
the order of columns, conditions and tables included; two statements that only mean the same are for
`trainables.sql.execution` to tell.

Two texts that sqlglot does not both parse are compared as text: white space, the case outside of
string literals, quotes around names and trailing semicolons do not count.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

LONGEST_STATEMENT = 10_000
"""Characters; a longer text is compared as text. sqlglot takes about a second for 100,000."""

DIALECTS = ("sqlite", "mysql", "postgres")
"""Tried in turn until one parses the reference; the prediction is read in the same one."""

_PIECE = re.compile(r"'(?:[^']|'')*'|[\"`\[]\w+[\"`\]]|\w+|[^\w\s]")
_PLAIN_NAME = re.compile(r"\w+\Z")

# sqlglot warns for each statement it keeps as an opaque command; those are compared as text here.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def same_statement(reference: str, prediction: str) -> bool:
    """Tells whether two texts are one statement but for its spelling.

    Args:
        reference: SQL in one of `DIALECTS`, or any text.
        prediction: Any text.

    Returns:
        True if their normal forms are equal. Never raises.
    """
    if reference == prediction:
        return True
    for dialect in DIALECTS:
        ours = normal_form(reference, dialect)
        if ours is None:
            continue
        theirs = normal_form(prediction, dialect)
        if theirs is None:
            break
        return ours == theirs
    return text_form(reference) == text_form(prediction)


def text_form(sql: str) -> str:
    """Returns words and signs with one space between them, in lower case outside of literals."""
    pieces = [
        piece if piece[0] == "'" else piece.strip('"`[]').lower() or piece
        for piece in _PIECE.findall(sql)
    ]
    while pieces and pieces[-1] == ";":
        pieces.pop()
    return " ".join(pieces)


@lru_cache(maxsize=16_384)
def normal_form(sql: str, dialect: str) -> str | None:
    """Returns the normal form of the statements in a text, or None where sqlglot does not parse it.

    Args:
        sql: One statement or several.
        dialect: A dialect of sqlglot.
    """
    if len(sql) > LONGEST_STATEMENT:
        return None
    try:
        statements = [tree for tree in sqlglot.parse(sql, read=dialect) if tree is not None]
        if not statements or any(tree.find(exp.Command) for tree in statements):
            return None
        return "; ".join(_normalise(tree, dialect) for tree in statements)
    except (
        SqlglotError,
        RecursionError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        KeyError,
    ):
        # sqlglot raises its own errors for wrong SQL, and now and then one of Python's for text
        # that is no SQL.
        return None


def _normalise(tree: exp.Expr, dialect: str) -> str:
    for node in tree.walk():
        if isinstance(node, exp.Column):
            _read_as_string(node)
    for node in tree.walk():
        if isinstance(node, exp.Identifier):
            name = node.name.lower()
            node.set("this", name)
            node.set("quoted", not _PLAIN_NAME.match(name))
        elif isinstance(node, exp.Join):
            _drop_optional_words(node)
        elif isinstance(node, exp.Ordered) and not node.args.get("desc"):
            node.set("desc", None)
    if isinstance(tree, exp.Select):
        _drop_result_names(tree)
    _rename_sources(tree, {}, 0)
    return tree.sql(dialect=dialect, comments=False, unsupported_level=ErrorLevel.IGNORE)


def _read_as_string(column: exp.Column) -> None:
    """`name = "Bob"` compares with a string in SQLite and MySQL, where no column has that name."""
    identifier, parent = column.this, column.parent
    if (
        isinstance(identifier, exp.Identifier)
        and identifier.quoted
        and not column.table
        and isinstance(parent, exp.EQ | exp.NEQ | exp.Like | exp.In)
        and column.arg_key != "this"
    ):
        column.replace(exp.Literal.string(identifier.name))


def _drop_optional_words(join: exp.Join) -> None:
    if join.kind in ("INNER", "OUTER") and (join.kind == "INNER" or join.side):
        join.set("kind", None)


def _drop_result_names(select: exp.Select) -> None:
    """Removes the aliases of result columns, which ORDER BY and HAVING may have used."""
    named = {item.alias: item.this for item in select.expressions if isinstance(item, exp.Alias)}
    if not named:
        return
    order, having = select.args.get("order"), select.args.get("having")
    for ordered in order.expressions if order else ():
        meant = _meaning(ordered.this, named)
        if meant is not None:
            ordered.set("this", meant.copy())
    for column in list(having.find_all(exp.Column)) if having else ():
        meant = _meaning(column, named)
        # A column of the table comes before an alias here, and an aggregate is never a column's.
        if meant is not None and meant.find(exp.AggFunc):
            column.replace(meant.copy())
    used = {
        column.name
        for clause in ("group", "having", "order", "qualify", "windows")
        for part in _parts(select.args.get(clause))
        for column in part.find_all(exp.Column)
    }
    for item in select.expressions:
        if isinstance(item, exp.Alias) and item.alias not in used:
            item.replace(item.this)


def _parts(clause: object) -> list[exp.Expr]:
    items = clause if isinstance(clause, list) else [clause]
    return [item for item in items if isinstance(item, exp.Expr)]


def _meaning(node: object, named: Mapping[str, exp.Expr]) -> exp.Expr | None:
    if isinstance(node, exp.Column) and not node.table:
        return named.get(node.name)
    return None


class _Source(NamedTuple):
    """A table or subquery in a FROM clause."""

    level: int
    name: str
    alone: bool


def _rename_sources(node: exp.Expr, visible: Mapping[str, _Source], level: int) -> None:
    """Names the sources of each statement by place; an only source goes without a name."""
    if isinstance(node, exp.Select | exp.Update | exp.Delete):
        own = _sources(node)
        names = [source.alias_or_name for source in own]
        level += 1
        if len(set(names)) == len(names):
            for place, source in enumerate(own):
                alias = source.args.get("alias")
                if alias is not None and not alias.args.get("columns"):
                    source.set("alias", None)
                found = _Source(level, f"s{level}_{place}", len(own) == 1)
                visible = {**visible, names[place]: found}
    if isinstance(node, exp.Column) and node.table in visible:
        source_of = visible[node.table]
        if source_of.alone and source_of.level == level:
            node.set("table", None)
        else:
            node.set("table", exp.to_identifier(source_of.name))
    for child in list(node.iter_expressions()):
        _rename_sources(child, visible, level)


def _sources(node: exp.Expr) -> list[exp.Expr]:
    first = node.args.get("from_") or node.args.get("this")
    candidates = [first.this if isinstance(first, exp.From) else first]
    candidates += [join.this for join in node.args.get("joins") or ()]
    found = [item for item in candidates if isinstance(item, exp.Table | exp.Subquery)]
    for table in list(found):
        found += [join.this for join in table.args.get("joins") or ()]
    return [item for item in found if item.alias_or_name]
