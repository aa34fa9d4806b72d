"""The names of result columns of a statement: none counts that nothing refers to.

ORDER BY and HAVING may refer to them; where they do so in a way that is surely understood, what the
name stands for counts in its place. A name that is used in any other way counts, and then all do.
"""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from sqlglot import exp

from trainables.sql.pieces.edits import Edits
from trainables.sql.pieces.lexical import lower
from trainables.sql.pieces.sources import is_surely_alias

_CLAUSES = """
    kind expressions from_ joins where group having order limit offset distinct with_ windows
"""
_WITHOUT_EFFECT_ON_NAMES = frozenset(_CLAUSES.split())
"""Another one, INTO or FOR XML say, may show the names or keep them."""

_MOST_USES = 4
"""Of one name that are replaced by what it stands for, so that a normal form stays short."""


class _Named(NamedTuple):
    """A result column with a name."""

    place: int
    stands_for: range | None
    """Places of the column or call that it names; None for anything else."""
    is_aggregate: bool


def drop_result_names(select: exp.Select, edits: Edits, schema: Set[str] | None) -> None:
    """Lets the names of results not count in a statement that is one SELECT."""
    if any(value for key, value in select.args.items() if key not in _WITHOUT_EFFECT_ON_NAMES):
        return
    named: dict[str, _Named] = {}
    for item in select.expressions:
        if not isinstance(item, exp.Alias):
            continue
        if item.this.is_star:
            return
        name, place = lower(item.alias), edits.place(item.args["alias"])
        if name in named or not is_surely_alias(edits, place):
            return
        named[name] = _Named(place, _extent(item.this, place, edits), _is_aggregate(item.this))
    uses = {
        name: _uses(select, name, edits, in_having=of.is_aggregate and name not in (schema or ()))
        for name, of in named.items()
        if edits.words[name] > 1
    }
    if any(
        named[name].stands_for is None
        or edits.words[name] != 1 + len(places)
        or len(places) > _MOST_USES
        for name, places in uses.items()
    ):
        unused = named.keys() - uses.keys()
        # A name that is left may hide a column of the same name, whatever refers to that one.
        named, uses = {name: named[name] for name in unused}, {}
    for name, of in named.items():
        edits.drop(of.place)
        if edits.word(of.place - 1) == "as":
            edits.drop(of.place - 1)
        if of.stands_for is not None:
            for place in uses.get(name, ()):
                edits.replace(place, of.stands_for)


def _is_aggregate(node: exp.Expr) -> bool:
    return isinstance(node, exp.AggFunc)


def _uses(select: exp.Select, name: str, edits: Edits, *, in_having: bool) -> list[int]:
    """Returns where ORDER BY sorts by a name alone, and where HAVING compares it."""
    order, having = select.args.get("order"), select.args.get("having")
    found = [ordered.this for ordered in order.expressions] if order else []
    if having and in_having:
        found += having.find_all(exp.Column)
    places = [
        edits.place(column.this)
        for column in found
        if isinstance(column, exp.Column) and not column.table and lower(column.name) == name
    ]
    return [p for p in places if not (edits.of_another_dialect and edits.piece(p).kind == "name")]


def _extent(node: exp.Expr, alias: int, edits: Edits) -> range | None:
    """Returns the places of what an alias names, if that is a column or a call, else None."""
    end = alias - 1 if edits.word(alias - 1) == "as" else alias
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
        if edits.place(node.this) != end - 1:
            return None
        qualifiers = [node.args[part] for part in ("catalog", "db", "table") if node.args.get(part)]
        return range(edits.place(qualifiers[0]) if qualifiers else end - 1, end)
    if not isinstance(node, exp.Func) or edits.word(end - 1) != ")":
        return None
    depth = 0
    for place in range(end - 1, 0, -1):
        depth += (edits.word(place) == ")") - (edits.word(place) == "(")
        if depth == 0:
            is_call = edits.piece(place - 1).kind == "word" and isinstance(
                node, exp.AggFunc | exp.Anonymous
            )
            return range(place - 1, end) if is_call else None
    return None
