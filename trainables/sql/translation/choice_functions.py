"""Functions that choose among values: COALESCE, NULLIF, DECODE, GREATEST and their like."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.calls import Call, Rule
from trainables.sql.translation.comparisons import comparable
from trainables.sql.translation.conditions import alike, as_kind, chosen
from trainables.sql.translation.kinds import BOOLEAN, TEXT, NotKnown, NotSpoken, Said
from trainables.sql.translation.limits_of_types import room_for_text
from trainables.sql.translation.reading import string

_AS_LONG = ("MAX", "MIN", "UPPER", "LOWER", "LTRIM", "RTRIM", "REVERSE")
"""Functions whose text is no longer than their first argument."""


def coalesce(given: Call) -> Said:
    values = given.values("aa*")
    kind = alike(given.reading, [value.kind for value in values])
    return Said(f"COALESCE({', '.join(as_kind(value, kind) for value in values)})", kind)


def coalesce_of_two(given: Call) -> Said:
    if len(given.nodes) != 2:
        raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
    return coalesce(given)


def coalesce_as_first(given: Call) -> Said:
    """T-SQL's ISNULL: the second value is converted to the type of the first, and cut to its room.

    Source: Transact-SQL, "ISNULL".
    """
    values = given.values("aa")
    first, second = values
    names = {value.kind.name for value in values} - {"null"}
    if first.kind.is_text and second.kind.name == "integer":
        return Said(f"COALESCE({first.sql}, CAST({second.sql} AS TEXT))", TEXT)
    if names == {"integer", "decimal"} and first.kind.name == "integer":
        raise NotKnown("ISNULL of an integer and a decimal")
    if first.kind.is_text and first.literal is None and second.kind.is_text:
        return Said(f"COALESCE({first.sql}, {_cut(given, second)})", TEXT)
    return coalesce_of_two(given)


def _cut(given: Call, second: Said) -> str:
    """Returns the second text of ISNULL, as much of it as the first has room for."""
    room = _longest(given, given.nodes[0])
    needed = _longest(given, given.nodes[1])
    if needed == 0 or (needed is not None and room is not None and needed <= room):
        return second.sql
    if room is None or second.literal is None:
        raise NotKnown("ISNULL of a text that may be cut")
    return string(second.literal[:room])


def _longest(given: Call, node: exp.Expr) -> int | None:
    """Returns how many characters a text can have; None where that is not known."""
    if isinstance(node, exp.Literal) and node.is_string:
        return len(node.this)
    if isinstance(node, exp.Paren):
        return _longest(given, node.this)
    if isinstance(node, exp.Anonymous) and str(node.this).upper() in _AS_LONG:
        return _longest(given, node.expressions[0])
    if isinstance(node, exp.Cast):
        return room_for_text(given.reading, node.to)
    if not isinstance(node, exp.Column):
        return None
    name = node.name.lower()
    tables = [table for table in given.reading.tables.values() if name in table.columns]
    found = {table.longest.get(name) for table in tables}
    return found.pop() if len(found) == 1 else None


def is_null(given: Call) -> Said:
    [value] = given.values("a")
    return Said(f"({value.sql} IS NULL)", BOOLEAN)


def nullif(given: Call) -> Said:
    left, right = given.values("aa")
    one, other, collation = comparable(given.reading, left, right)
    return Said(f"CASE WHEN {one} = {other}{collation} THEN NULL ELSE {left.sql} END", left.kind)


def nvl2(given: Call) -> Said:
    test, yes, no = given.values("aaa")
    kind = alike(given.reading, [yes.kind, no.kind])
    return Said(
        f"CASE WHEN {test.sql} IS NOT NULL THEN {as_kind(yes, kind)} ELSE {as_kind(no, kind)} END",
        kind,
    )


def decode(given: Call) -> Said:
    """Oracle's DECODE, in which NULL is equal to NULL."""
    values = given.values("aaa*")
    first, rest = values[0], values[1:]
    default = rest.pop() if len(rest) % 2 else None
    results = [*rest[1::2], *([default] if default else [])]
    kind = alike(given.reading, [value.kind for value in results])
    pieces = ["CASE"]
    for test, result in zip(rest[::2], rest[1::2], strict=True):
        one, other, _ = comparable(given.reading, first, test)
        pieces.append(f"WHEN {one} IS {other} THEN {as_kind(result, kind)}")
    if default:
        pieces.append(f"ELSE {as_kind(default, kind)}")
    return Said(" ".join([*pieces, "END"]), kind)


def by_condition(given: Call) -> Said:
    if len(given.nodes) != 3:
        raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
    return chosen(given.reading, given.nodes[0], given.nodes[1], given.nodes[2], given.scope)


def extreme(function: str) -> Rule:
    """GREATEST or LEAST: NULL if one is NULL in MySQL and Oracle, else among the others."""

    def rule(given: Call) -> Said:
        values = given.values("aa*")
        reading = given.reading
        kind = alike(reading, [value.kind for value in values])
        if kind.name not in ("integer", "decimal", "float", "date", "stamp", "text", "literal"):
            raise NotKnown(f"{given.name} of values of unknown kinds")
        if kind.is_text and reading.is_of("mysql", "tsql"):
            raise NotKnown(f"{given.name} of texts")
        sqls = [as_kind(value, kind) for value in values]
        if kind.is_moment and any(value.literal for value in values):
            raise NotKnown(f"{given.name} of a date and a text")
        if reading.is_of("mysql", "oracle"):
            return Said(
                f"{'MAX' if function == 'greatest_given' else 'MIN'}({', '.join(sqls)})", kind
            )
        return Said(reading.call(function, *sqls), kind)

    return rule


def by_number(given: Call) -> Said:
    values = given.values("iaa*")
    kind = alike(given.reading, [value.kind for value in values[1:]])
    return Said(given.reading.call("text_chosen", *(v.sql for v in values)), kind)
