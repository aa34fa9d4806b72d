"""Calls with a syntax of their own: CAST(a AS b), TRIM(BOTH a FROM b), SUBSTRING(a FROM b)."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.calls import Call
from trainables.sql.translation.casts import cast_to, declared
from trainables.sql.translation.kinds import INTEGER, TEXT, NotKnown, Said
from trainables.sql.translation.reading import Reading, Scope, says, string
from trainables.sql.translation.text_functions import cut


@says(exp.Cast, exp.TryCast)
def _cast(reading: Reading, node: exp.Cast, scope: Scope) -> Said:
    if isinstance(node, exp.TryCast) and reading.is_of("tsql"):
        raise NotKnown("TRY_CAST")
    return cast_to(reading, reading.expression(node.this, scope), node.to)


@says(exp.Convert)
def _convert(reading: Reading, node: exp.Convert, scope: Scope) -> Said:
    """T-SQL's CONVERT(type, value, style)."""
    value = reading.expression(node.expression, scope)
    style = node.args.get("style")
    if style is None:
        return cast_to(reading, value, node.this)
    if not declared(reading, node.this).is_text or not value.kind.is_moment:
        if value.kind.is_text and declared(reading, node.this).is_moment:
            raise NotKnown("CONVERT of a text by a style")
        raise NotKnown("CONVERT by a style")
    said = reading.call("moment_by_style", value.sql, reading.expression(style, scope).sql)
    width = node.this.expressions
    if width and width[0].name.isdigit():
        said = f"SUBSTR({said}, 1, {width[0].name})"
    return Said(said, TEXT)


@says(exp.Substring)
def _substring(reading: Reading, node: exp.Substring, scope: Scope) -> Said:
    start, length = node.args.get("start"), node.args.get("length")
    if isinstance(start, exp.Literal) and start.is_string:
        raise NotKnown("SUBSTRING by a regular expression")
    nodes = [node.this, start or exp.Literal.number(1)] + ([length] if length is not None else [])
    return cut(Call(reading, "SUBSTRING", nodes, scope))


@says(exp.Trim)
def _trim(reading: Reading, node: exp.Trim, scope: Scope) -> Said:
    side = str(node.args.get("position") or "BOTH").upper()
    nodes = [node.this] + ([node.expression] if node.expression is not None else [])
    values = Call(reading, "TRIM", nodes, scope).values("t?t")
    characters = values[1].sql if len(values) > 1 else "' '"
    name = "text_trimmed_of_text" if reading.is_of("mysql") else "text_trimmed"
    said = reading.call(name, string(side), values[0].sql, characters)
    return Said(f"NULLIF({said}, '')" if reading.is_of("oracle") else said, TEXT)


@says(exp.StrPosition)
def _position(reading: Reading, node: exp.StrPosition, scope: Scope) -> Said:
    """POSITION(a IN b)."""
    reading.only("POSITION", "mysql", "postgres")
    values = Call(reading, "POSITION", [node.args["substr"], node.this], scope).values("tt")
    name = "text_place_in_any_case" if reading.is_of("mysql") else "text_place"
    return Said(reading.call(name, *(value.sql for value in values)), INTEGER)


@says(exp.Overlay)
def _overlay(reading: Reading, node: exp.Overlay, scope: Scope) -> Said:
    length = node.args.get("for_")
    nodes = [node.this, node.expression, node.args["from_"]] + (
        [length] if length is not None else []
    )
    values = Call(reading, "OVERLAY", nodes, scope).values("tti?i")
    return Said(reading.call("text_overlay", *(value.sql for value in values)), TEXT)
