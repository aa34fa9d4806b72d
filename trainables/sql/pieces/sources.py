"""The names of tables in a statement: by place instead of alias, and none where it is the only one.

An alias is renamed only if each place in the text that holds its name is accounted for: its
definition, or a qualifier that refers to it. A qualifier is left out only in a query outside of
which there is no other that the name without it could come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlglot import exp

from trainables.sql.pieces.edits import Edits, is_plain_name
from trainables.sql.pieces.keywords import MEANINGFUL, RESERVED, RESERVED_ELSEWHERE
from trainables.sql.pieces.lexical import lower

_Query = exp.Select | exp.Update | exp.Delete


class _Source(NamedTuple):
    """A table or subquery in a FROM clause."""

    level: int
    label: str
    only: bool
    results: frozenset[str]
    """Names that the query gives to its results; with a qualifier they mean something else."""


class _Scope(NamedTuple):
    """What a query may refer to.

    `outermost` tells that a query begun here sees no other one's sources.
    """

    visible: Mapping[str, _Source]
    level: int
    outermost: bool


@dataclass
class _Uses:
    """Everything that is known of one name."""

    definitions: list[int] = field(default_factory=list)
    qualifiers: list[tuple[int, _Source, exp.Column, int]] = field(default_factory=list)


def name_by_place(tree: exp.Expr, edits: Edits) -> None:
    """Lets labels count for the aliases of tables in one statement, and their qualifiers."""
    uses: dict[str, _Uses] = {}
    accounted = Counter[str]()
    elsewhere: dict[int, _Scope] = {}
    left = [(tree, _Scope({}, 0, True))]
    while left:
        node, scope = left.pop()
        scope = elsewhere.pop(id(node), scope)
        inner = scope
        if isinstance(node, exp.Select | exp.Update | exp.Delete):
            inner = _enter(node, scope, edits, uses)
            for source in _sources(node) or ():
                if isinstance(source, exp.Subquery):
                    elsewhere[id(source)] = scope
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            accounted[lower(node.name)] += 1
        elif isinstance(node, exp.CTE):
            accounted[lower(node.alias)] += 1
        elif isinstance(node, exp.Column) and not node.db:
            _refer(node, scope, edits, uses)
        for key, value in node.args.items():
            children = value if isinstance(value, list) else [value]
            within = scope if key == "with_" else inner
            left += [(child, within) for child in children if isinstance(child, exp.Expr)]
    for name, of in uses.items():
        known = accounted[name] + len(of.definitions) + len(of.qualifiers)
        if edits.words[name] == known:
            _apply(of, edits)


def _enter(node: _Query, scope: _Scope, edits: Edits, uses: dict[str, _Uses]) -> _Scope:
    """Returns the scope within a query, and notes the aliases that it gives."""
    inside = _Scope({}, scope.level + 1, False)
    sources = _sources(node)
    if sources is None:
        return inside
    names = [lower(source.alias_or_name) for source in sources]
    if not all(names) or len(set(names)) < len(names):
        return inside
    places = [_alias_place(source, edits) for source in sources]
    if None in places:
        return inside
    results = frozenset(
        lower(item.alias) for item in node.expressions if isinstance(item, exp.Alias)
    )
    visible = dict(scope.visible)
    for number, (name, place) in enumerate(zip(names, places, strict=True)):
        only = len(names) == 1 and scope.outermost
        visible[name] = _Source(inside.level, f"<{inside.level}.{number}>", only, results)
        if place is not None and place >= 0:
            uses.setdefault(name, _Uses()).definitions.append(place)
    return inside._replace(visible=visible)


def _sources(node: _Query) -> list[exp.Expr] | None:
    """Returns the tables and subqueries of a query; None if something else is among them."""
    others = ("laterals", "using", "tables", "pivots")
    if any(node.args.get(other) for other in others):
        return None
    begin = node.args.get("from_")
    found: list[exp.Expr] = [begin.this] if isinstance(begin, exp.From) else []
    if not isinstance(node, exp.Select):
        if node.this is None:
            # MERGE names the table of its UPDATE before it.
            return None
        found.insert(0, node.this)
    found += [join.this for join in node.args.get("joins") or ()]
    for source in list(found):
        found += [join.this for join in source.args.get("joins") or ()]
    for source in found:
        if isinstance(source, exp.Table):
            known = isinstance(source.this, exp.Identifier) and not source.args.get("pivots")
        else:
            known = isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query)
        if not known:
            return None
    return found


def _alias_place(source: exp.Expr, edits: Edits) -> int | None:
    """Returns where an alias is defined, -1 if there is none; None if it is not surely one."""
    alias = source.args.get("alias")
    if alias is None or not isinstance(alias.this, exp.Identifier):
        return -1 if alias is None else None
    if alias.args.get("columns") or lower(source.name) in edits.qualifiers - {lower(alias.name)}:
        # A table with an alias cannot be referred to by its own name.
        return None
    place = edits.place(alias.this)
    return place if is_surely_alias(edits, place) else None


def is_surely_alias(edits: Edits, place: int, *, also_without_as: bool = False) -> bool:
    """Tells whether the name at a place is an alias in whatever dialect the text is written.

    Args:
        edits: Of the text.
        place: Of the name.
        also_without_as: Asks whether it still were one if the AS before it were not there.
    """
    piece, after_as = edits.piece(place), edits.word(place - 1) == "as"
    if piece.kind == "literal" or edits.word(place) in RESERVED:
        return False
    if edits.of_another_dialect and (
        piece.kind == "name" or edits.word(place) in RESERVED_ELSEWHERE
    ):
        return False
    if after_as and not also_without_as:
        return True
    named = edits.word(place - 2 if after_as else place - 1)
    return edits.word(place) not in MEANINGFUL and named not in MEANINGFUL


def _refer(column: exp.Column, scope: _Scope, edits: Edits, uses: dict[str, _Uses]) -> None:
    qualifier = column.args.get("table")
    if qualifier is None or (source := scope.visible.get(lower(qualifier.name))) is None:
        return
    found = (edits.place(qualifier), source, column, scope.level)
    if edits.of_another_dialect and edits.piece(found[0]).kind == "name":
        return
    uses.setdefault(lower(qualifier.name), _Uses()).qualifiers.append(found)


def _apply(of: _Uses, edits: Edits) -> None:
    for place in of.definitions:
        edits.drop(place)
        if edits.word(place - 1) == "as":
            edits.drop(place - 1)
    for place, source, column, level in of.qualifiers:
        if _can_do_without(column, source, level) and edits.word(place + 1) == ".":
            edits.drop(place)
            edits.drop(place + 1)
        else:
            edits.replace(place, source.label)


def _can_do_without(column: exp.Column, source: _Source, level: int) -> bool:
    if not source.only or source.level != level:
        return False
    if not isinstance(column.this, exp.Identifier):
        # A function of a schema, SUM say, is no column; t.* is all of them.
        return isinstance(column.this, exp.Star)
    parent = column.parent
    is_target = isinstance(parent, exp.EQ) and isinstance(parent.parent, exp.Update)
    return lower(column.name) not in source.results and is_plain_name(column) and not is_target
