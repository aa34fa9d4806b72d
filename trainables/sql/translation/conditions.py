"""Conditions, and CASE, which chooses by them."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.comparisons import comparison
from trainables.sql.translation.kinds import (
    BOOLEAN,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
    widest,
)
from trainables.sql.translation.reading import Reading, Scope, says


@says(exp.And, exp.Or)
def _connected(reading: Reading, node: exp.Connector, scope: Scope) -> Said:
    word = "AND" if isinstance(node, exp.And) else "OR"
    sides = [condition(reading, side, scope) for side in node.flatten()]
    return Said("(" + f" {word} ".join(sides) + ")", BOOLEAN)


@says(exp.Xor)
def _exclusive(reading: Reading, node: exp.Xor, scope: Scope) -> Said:
    reading.only("XOR", "mysql")
    left, right = (condition(reading, side, scope) for side in (node.left, node.right))
    return Said(f"((NOT {left}) <> (NOT {right}))", BOOLEAN)


@says(exp.Not)
def _not(reading: Reading, node: exp.Not, scope: Scope) -> Said:
    return Said(f"(NOT {condition(reading, node.this, scope)})", BOOLEAN)


def condition(reading: Reading, node: exp.Expr, scope: Scope) -> str:
    """Returns a condition; what each dialect takes for one."""
    said = reading.expression(node, scope)
    if said.kind.name in ("boolean", "null"):
        return said.sql
    if said.kind.name == "unknown" and reading.is_of("mysql", "postgres"):
        return said.sql
    if reading.is_of("mysql") and said.kind.is_number:
        return said.sql
    if reading.is_of("mysql"):
        raise NotKnown(f"a {said.kind.name} as a condition")
    raise NotSpoken(f"a {said.kind.name} as a condition")


@says(exp.Is)
def _is(reading: Reading, node: exp.Is, scope: Scope) -> Said:
    left = reading.expression(node.this, scope)
    right = node.expression
    if node.args.get("negate"):
        positive = exp.Is(this=node.this, expression=right)
        return Said(f"(NOT {_is(reading, positive, scope).sql})", BOOLEAN)
    if isinstance(right, exp.Null):
        return Said(f"({left.sql} IS NULL)", BOOLEAN)
    if isinstance(right, exp.Boolean):
        reading.only("IS TRUE", "mysql", "postgres")
        if left.kind.name not in ("boolean", "integer", "unknown"):
            raise NotKnown(f"IS TRUE of a {left.kind.name}")
        word = "IS TRUE" if right.this else "IS FALSE"
        return Said(f"({left.sql} {word})", BOOLEAN)
    raise NotKnown("IS")


@says(exp.Case)
def _case(reading: Reading, node: exp.Case, scope: Scope) -> Said:
    values, kinds, pieces = node.this, [], ["CASE"]
    results = []
    for branch in node.args["ifs"]:
        if values is None:
            test = condition(reading, branch.this, scope)
        else:
            test = comparison(reading, exp.EQ(this=values, expression=branch.this), scope).sql
        results.append((test, reading.expression(branch.args["true"], scope)))
    default = node.args.get("default")
    otherwise = reading.expression(default, scope) if default is not None else None
    kinds = [said.kind for _, said in results] + ([otherwise.kind] if otherwise else [])
    kind = alike(reading, kinds)
    pieces += [f"WHEN {test} THEN {as_kind(said, kind)}" for test, said in results]
    if otherwise:
        pieces.append(f"ELSE {as_kind(otherwise, kind)}")
    return Said(" ".join([*pieces, "END"]), kind)


@says(exp.If)
def _if(reading: Reading, node: exp.If, scope: Scope) -> Said:
    reading.only("IF(...)", "mysql")
    return chosen(reading, node.this, node.args["true"], node.args.get("false"), scope)


def chosen(
    reading: Reading, test: exp.Expr, yes: exp.Expr, no: exp.Expr | None, scope: Scope
) -> Said:
    """Says one of two values by a condition."""
    sides = reading.expressions([yes] + ([no] if no is not None else []), scope)
    kind = alike(reading, [side.kind for side in sides])
    otherwise = f" ELSE {as_kind(sides[1], kind)}" if no is not None else ""
    said = f"WHEN {condition(reading, test, scope)} THEN {as_kind(sides[0], kind)}{otherwise}"
    return Said(f"CASE {said} END", kind)


def alike(reading: Reading, kinds: list[Kind]) -> Kind:
    """Returns the kind of one of several values, which all dialects convert to one kind.

    Raises:
        NotKnown: Of kinds whose conversion differs.
    """
    kind = widest(kinds)
    names = {k.name for k in kinds if k.name != "null"}
    if kind == UNKNOWN and "unknown" not in names and names != {"boolean", "integer"}:
        raise NotKnown("one value of several kinds")
    return kind


def as_kind(said: Said, kind: Kind) -> str:
    """Returns a value as one of a kind: an integer among decimals is a decimal."""
    if kind.name in ("decimal", "float") and said.kind.name == "integer":
        return f"CAST({said.sql} AS REAL)"
    return said.sql
