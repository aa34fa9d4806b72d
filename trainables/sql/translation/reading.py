"""One text as one dialect reads it, said in SQLite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from trainables.sql.translation.kinds import UNKNOWN, Kind, NotKnown, NotSpoken, Said

Columns = dict[str, Kind]
"""Columns of a table or query by their names in lower case, in order."""


@dataclass
class Table:
    """What a context says of a table.

    Attributes:
        columns: Their kinds.
        keys: Columns of the primary key.
        counted: The column that counts up by itself, if there is one.
        given: Whether it was given values by hand.
        defaults: What columns hold by default, in SQLite.
        generated: Columns that are computed from others.
        refreshed: Whether a change of a row sets one of its columns to the time.
        widths: Of columns that fill their texts up with blanks, the number of characters.
        longest: Of columns of texts whose type says so, the most characters.
    """

    columns: Columns
    keys: tuple[str, ...] = ()
    counted: str | None = None
    given: bool = False
    defaults: dict[str, str] = field(default_factory=dict)
    generated: set[str] = field(default_factory=set)
    refreshed: bool = False
    widths: dict[str, int] = field(default_factory=dict)
    longest: dict[str, int] = field(default_factory=dict)


Tables = dict[str, Table]


@dataclass
class Scope:
    """The columns that a part of a query can name.

    Attributes:
        sources: For each table or subquery of FROM its columns; None where they are not known.
        outer: The scope around a subquery.
        named: Result columns that ORDER BY, GROUP BY or HAVING may name.
    """

    sources: dict[str, Columns | None] = field(default_factory=dict)
    outer: Scope | None = None
    named: Columns = field(default_factory=dict)

    def kind(self, name: str, source: str) -> Kind:
        """Returns the kind of a column, unknown where several may be meant or a table is not known.

        Raises:
            NotSpoken: There is no such column.
        """
        scope: Scope | None = self
        is_complete = True
        while scope is not None:
            if source:
                if source in scope.sources:
                    columns_of_source = scope.sources[source]
                    if columns_of_source is None:
                        return UNKNOWN
                    if name not in columns_of_source:
                        raise NotSpoken(f"the column {source}.{name}")
                    return columns_of_source[name]
            else:
                is_complete &= None not in scope.sources.values()
                found = [
                    columns[name]
                    for columns in scope.sources.values()
                    if columns is not None and name in columns
                ]
                if found:
                    return found[0] if len(set(found)) == 1 else UNKNOWN
                if name in scope.named:
                    return scope.named[name]
            scope = scope.outer
        if is_complete or source:
            raise NotSpoken(f"the column {name}")
        return UNKNOWN


Handler = Callable[["Reading", Any, Scope], Said]
StatementHandler = Callable[["Reading", Any], "list[str]"]

_EXPRESSIONS: dict[type[exp.Expr], Handler] = {}
_OF_SOME = (exp.Tuple, exp.Introducer, exp.Order)
"""Rows, texts with their character set, and arguments in an order: systems have them of which no
rule says what they mean."""
_STATEMENTS: dict[type[exp.Expr], StatementHandler] = {}


def says(*kinds: type[exp.Expr]) -> Callable[[Handler], Handler]:
    """Registers a function as the translation of expressions of these kinds."""

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            _EXPRESSIONS[kind] = handler
        return handler

    return register


QueryHandler = Callable[["Reading", exp.Expr, "Scope | None"], "tuple[str, Columns]"]
_QUERIES: list[QueryHandler] = []


def says_queries(handler: QueryHandler) -> QueryHandler:
    """Registers the function that translates queries."""
    _QUERIES.append(handler)
    return handler


def says_statement(*kinds: type[exp.Expr]) -> Callable[[StatementHandler], StatementHandler]:
    """Registers a function as the translation of statements of these kinds."""

    def register(handler: StatementHandler) -> StatementHandler:
        for kind in kinds:
            _STATEMENTS[kind] = handler
        return handler

    return register


class Reading:
    """Says the parts of a text in SQLite; gathers what they need to run.

    Args:
        dialect: One of `DIALECTS`.
        tables: Those that there are, by their names in lower case; statements add to them.

    Attributes:
        functions: The functions and collations of the sandbox that the text calls.
        knows_tables: Whether there are no other tables.
    """

    def __init__(self, dialect: str, tables: Tables) -> None:
        self.dialect = dialect
        self.tables = tables
        self.functions: set[str] = set()
        self.knows_tables = True
        self.enums: dict[str, list[str]] = {}
        self.ctes: list[Mapping[str, Columns | None]] = []

    def statement(self, tree: exp.Expr) -> list[str]:
        """Returns statements of SQLite that do what one of the dialect does.

        Raises:
            NotSpoken, NotKnown: As `expression`.
        """
        handler = _STATEMENTS.get(type(tree))
        if handler is None:
            raise NotSpoken(f"a statement {_name(tree)}")
        return handler(self, tree)

    def expression(self, node: exp.Expr, scope: Scope) -> Said:
        """Returns an expression of SQLite with the value of one of the dialect.

        Raises:
            NotSpoken: The dialect has no such expression.
            NotKnown: No rule says it.
        """
        handler = _EXPRESSIONS.get(type(node))
        if handler is not None:
            return handler(self, node, scope)
        if not isinstance(node, exp.Condition) or isinstance(node, exp.Placeholder | exp.Star):
            if isinstance(node, _OF_SOME) and not self.is_of("tsql"):
                raise NotKnown(f"{_name(node)} as an expression")
            # sqlglot puts names and the like where an expression is wanted; no system does.
            raise NotSpoken(f"{_name(node)} as an expression")
        self.check_parts(node, scope)
        raise NotKnown(_name(node))

    def check_parts(self, node: exp.Expr, scope: Scope) -> None:
        """Refuses a construct of which no translation is known if a part of it is none."""
        for part in node.iter_expressions():
            if isinstance(part, exp.Condition) and not isinstance(part, exp.Identifier | exp.Var):
                with suppress(NotKnown):
                    self.expression(part, scope)

    def expressions(self, nodes: Sequence[exp.Expr], scope: Scope) -> list[Said]:
        return [self.expression(node, scope) for node in nodes]

    def query(self, node: exp.Expr, outer: Scope | None) -> tuple[str, Columns]:
        """Returns a query of SQLite and its columns; see `queries`."""
        return _QUERIES[0](self, node, outer)

    def table(self, name: str) -> Table | None:
        """Returns what is known of a table.

        Raises:
            NotSpoken: There is no such table.
        """
        found = self.tables.get(name.lower())
        if found is None and self.knows_tables:
            raise NotSpoken(f"the table {name}")
        return found

    def call(self, name: str, *arguments: str) -> str:
        """Returns the call of a function of the sandbox."""
        self.functions.add(name)
        return f"{name}({', '.join(arguments)})"

    def is_of(self, *dialects: str) -> bool:
        return self.dialect in dialects

    def only(self, construct: str, *dialects: str) -> None:
        """Refuses a construct that the text's dialect does not have."""
        if self.dialect not in dialects:
            raise NotSpoken(construct)


def identifier(name: str) -> str:
    """Returns a name that SQLite never takes for a string."""
    if "]" in name or not name:
        raise NotKnown(f"the name {name!r}")
    return f"[{name}]"


def string(value: str) -> str:
    """Returns a string literal."""
    return "'" + value.replace("'", "''") + "'"


def _name(node: exp.Expr) -> str:
    return type(node).__name__
