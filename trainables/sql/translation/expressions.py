"""Operators, literals and conditions of each dialect, said in SQLite."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from trainables.sql.sandbox import clock, moments
from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown
from trainables.sql.translation.dates import part
from trainables.sql.translation.intervals import interval_of, shifted
from trainables.sql.translation.kinds import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    LITERAL,
    NULL,
    STAMP,
    TEXT,
    TIME,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
    widest,
)
from trainables.sql.translation.reading import Reading, Scope, identifier, says, string

_COLLATIONS = {"mysql": "like_mysql", "tsql": "like_tsql"}
_PSEUDO_COLUMNS = {
    "oracle": {"ROWNUM", "ROWID", "LEVEL", "USER", "UID", "CURRVAL", "NEXTVAL"},
    "postgres": {"CTID", "XMIN", "XMAX", "TABLEOID", "CURRENT_USER", "USER"},
}
_MINIMUM_DIGITS_SHOWN = 6


@says(exp.Literal)
def _literal(reading: Reading, node: exp.Literal, scope: Scope) -> Said:
    text = str(node.this)
    if node.is_string:
        if text == "" and reading.is_of("oracle"):
            return Said("NULL", NULL)
        if "\\" in text and reading.is_of("mysql") and not _is_plain(text):
            raise NotKnown("an escape in a string")
        return Said(string(text), LITERAL, literal=text)
    if re.fullmatch(r"\d+", text):
        return Said(text, Kind("integer", len(text), 0), literal=text)
    if re.fullmatch(r"\d*\.\d*", text):
        whole, _, places = text.partition(".")
        digits = len((whole.lstrip("0") or "0") + places)
        return Said(
            f"{whole or 0}.{places or 0}", Kind("decimal", digits, len(places)), literal=text
        )
    if re.fullmatch(r"[\d.]+[eE][-+]?\d+", text):
        return Said(text, FLOAT, literal=text)
    raise NotKnown(f"the literal {text}")


def _is_plain(text: str) -> bool:
    # sqlglot has undone the escapes of a string; a backslash that is left may be one or none.
    return "\\" not in text


@says(exp.ByteString)
def _escaped_string(reading: Reading, node: exp.ByteString, scope: Scope) -> Said:
    """PostgreSQL's E'...', of which sqlglot keeps the escapes."""
    reading.only("E'...'", "postgres")
    text = str(node.this)
    if "\\" in text:
        raise NotKnown("an escape in a string")
    return Said(string(text), LITERAL, literal=text)


@says(exp.RawString, exp.National)
def _raw_string(reading: Reading, node: exp.RawString, scope: Scope) -> Said:
    return Said(string(str(node.this)), LITERAL, literal=str(node.this))


@says(exp.Null)
def _null(reading: Reading, node: exp.Null, scope: Scope) -> Said:
    return Said("NULL", NULL)


@says(exp.Boolean)
def _boolean(reading: Reading, node: exp.Boolean, scope: Scope) -> Said:
    reading.only("TRUE and FALSE", "mysql", "postgres")
    return Said("1" if node.this else "0", BOOLEAN if reading.is_of("postgres") else INTEGER)


@says(exp.Column)
def _column(reading: Reading, node: exp.Column, scope: Scope) -> Said:
    if isinstance(node.this, exp.Star):
        return Said(f"{identifier(node.table)}.*")
    name, source = node.name, node.table
    if not node.this.quoted and name.upper() in _PSEUDO_COLUMNS.get(reading.dialect, ()):
        raise NotKnown(name.upper())
    kind = scope.kind(name.lower(), source.lower())
    sql = f"{identifier(source)}.{identifier(name)}" if source else identifier(name)
    return Said(sql, kind, collation=True)


@says(exp.Paren)
def _paren(reading: Reading, node: exp.Paren, scope: Scope) -> Said:
    inner = reading.expression(node.this, scope)
    return inner if inner.interval or inner.sql.startswith("(") else _in_parentheses(inner)


def _in_parentheses(inner: Said) -> Said:
    return Said(f"({inner.sql})", inner.kind, inner.literal, collation=inner.collation)


@says(exp.Neg)
def _negative(reading: Reading, node: exp.Neg, scope: Scope) -> Said:
    inner = reading.expression(node.this, scope)
    if inner.interval:
        return Said("", Kind("interval"), interval=tuple((f"(-{a})", u) for a, u in inner.interval))
    _numbers(reading, inner)
    literal = f"-{inner.literal}" if inner.literal else None
    return Said(f"(-{inner.sql})", inner.kind, literal)


@says(exp.Add, exp.Sub)
def _sum(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    left, right = reading.expressions([node.left, node.right], scope)
    sign = "+" if isinstance(node, exp.Add) else "-"
    if right.interval or left.interval:
        if left.interval and (sign == "-" or right.interval):
            raise NotKnown("arithmetic of intervals")
        moment, interval = (left, right) if right.interval else (right, left)
        reading.only("arithmetic with intervals", "mysql", "postgres", "oracle")
        return shifted(reading, moment, interval.interval or (), sign)
    if left.kind.is_moment or right.kind.is_moment:
        return _moment_sum(reading, left, right, sign)
    if reading.is_of("tsql") and sign == "+":
        texts = [side for side in (left, right) if side.kind.is_text]
        if texts:
            if any(not side.kind.is_text and side.kind.name != "null" for side in (left, right)):
                raise NotKnown("+ of a text and a number")
            return Said(f"({left.sql} || {right.sql})", TEXT)
    _numbers(reading, left, right)
    kinds = (left.kind, right.kind)
    return Said(f"({left.sql} {sign} {right.sql})", _exact(kinds, max, 1))


@says(exp.Mul)
def _product(reading: Reading, node: exp.Mul, scope: Scope) -> Said:
    left, right = reading.expressions([node.left, node.right], scope)
    if left.interval or right.interval:
        reading.only("arithmetic with intervals", "postgres")
        interval, factor = (left, right) if left.interval else (right, left)
        _numbers(reading, factor)
        if factor.kind.name != "integer":
            raise NotKnown("a fraction of an interval")
        amounts = tuple((f"({a} * {factor.sql})", u) for a, u in interval.interval or ())
        return Said("", Kind("interval"), interval=amounts)
    _numbers(reading, left, right)
    return Said(f"({left.sql} * {right.sql})", _exact((left.kind, right.kind), sum, 1))


@says(exp.Div)
def _quotient(reading: Reading, node: exp.Div, scope: Scope) -> Said:
    left, right = reading.expressions([node.left, node.right], scope)
    if left.interval or right.interval:
        raise NotKnown("arithmetic of intervals")
    _numbers(reading, left, right)
    kinds = {left.kind.name, right.kind.name}
    if reading.is_of("mysql"):
        # By zero is NULL, in SQLite too.
        shown = (
            None if kinds & {"float", "unknown"} or left.kind.scale is None else left.kind.scale + 4
        )
        kind = Kind("decimal", None, shown, True) if shown is not None else FLOAT
        return Said(f"(CAST({left.sql} AS REAL) / {right.sql})", kind)
    if reading.is_of("oracle"):
        return Said(_divided(reading, f"CAST({left.sql} AS REAL)", right), Kind("decimal"))
    if kinds == {"integer"}:
        return Said(_divided(reading, left.sql, right), INTEGER)
    if kinds & {"decimal", "float"}:
        kind = FLOAT if "float" in kinds else _quotient_of_decimals(reading, left.kind, right.kind)
        return Said(_divided(reading, f"CAST({left.sql} AS REAL)", right), kind)
    raise NotKnown("a division of numbers that may be integers or decimals")


def _divided(reading: Reading, numerator: str, divisor: Said) -> str:
    if divisor.literal and float(divisor.literal):
        return f"({numerator} / {divisor.sql})"
    return reading.call("number_divide", numerator, divisor.sql)


def _quotient_of_decimals(reading: Reading, left: Kind, right: Kind) -> Kind:
    """T-SQL cuts a quotient of exact numbers at a scale of its own.

    Source: Transact-SQL, "Precision, scale, and length".
    """
    known = (left.precision, left.scale, right.precision, right.scale)
    if not reading.is_of("tsql"):
        return Kind("decimal")
    if None in known:
        return Kind("decimal", 38, None)
    p1, s1, p2, s2 = (value for value in known if value is not None)
    scale = max(_MINIMUM_DIGITS_SHOWN, s1 + p2 + 1)
    precision = p1 - s1 + s2 + scale
    if precision > 38:
        scale = max(_MINIMUM_DIGITS_SHOWN, scale - (precision - 38))
        precision = 38
    return Kind("decimal", precision, scale, scale <= 9)


@says(exp.IntDiv)
def _whole_quotient(reading: Reading, node: exp.IntDiv, scope: Scope) -> Said:
    reading.only("DIV", "mysql")
    left, right = reading.expressions([node.left, node.right], scope)
    _numbers(reading, left, right)
    return Said(reading.call("number_whole_quotient", left.sql, right.sql), INTEGER)


@says(exp.Mod)
def _remainder(reading: Reading, node: exp.Mod, scope: Scope) -> Said:
    reading.only("%", "mysql", "postgres", "tsql")
    left, right = reading.expressions([node.left, node.right], scope)
    return remainder(reading, left, right)


def remainder(reading: Reading, left: Said, right: Said) -> Said:
    """Says the remainder of a division, which has the sign of the first number everywhere."""
    _numbers(reading, left, right)
    if {left.kind.name, right.kind.name} == {"integer"} and right.literal and int(right.literal):
        return Said(f"({left.sql} % {right.sql})", INTEGER)
    name = {"mysql": "number_remainder_or_null", "oracle": "number_remainder_or_value"}.get(
        reading.dialect, "number_remainder"
    )
    kind = widest([left.kind, right.kind])
    return Said(reading.call(name, left.sql, right.sql), kind)


@says(exp.Pow)
def _power(reading: Reading, node: exp.Pow, scope: Scope) -> Said:
    reading.only("^ as a power", "postgres")
    left, right = reading.expressions([node.left, node.right], scope)
    _numbers(reading, left, right)
    return Said(reading.call("number_power", left.sql, right.sql), FLOAT)


@says(exp.DPipe)
def _joined(reading: Reading, node: exp.DPipe, scope: Scope) -> Said:
    reading.only("||", "postgres", "oracle")
    sides = [as_text(reading, side) for side in reading.expressions([node.left, node.right], scope)]
    if reading.is_of("oracle"):
        joined = reading.call("text_concatenated", *(side.sql for side in sides))
        return Said(f"NULLIF({joined}, '')", TEXT)
    return Said(f"({sides[0].sql} || {sides[1].sql})", TEXT)


def as_text(reading: Reading, said: Said) -> Said:
    """Says a value as the text that its dialect makes of it.

    Raises:
        NotKnown: Of decimals, of which the systems keep the zeros at the end, and of moments of
            which they have formats by settings.
    """
    if said.kind.is_text or said.kind.name in ("integer", "null"):
        return said
    if said.kind.name == "decimal" and said.kind.scale == 0 and not said.kind.shown:
        return Said(f"CAST(CAST({said.sql} AS INTEGER) AS TEXT)", TEXT)
    if said.kind.name == "date" and reading.is_of("mysql", "postgres"):
        return said
    if said.kind.name == "stamp" and reading.is_of("mysql"):
        return Said(reading.call("moment_full", said.sql), TEXT)
    if said.kind.name == "unknown":
        return Said(reading.call("text_said", said.sql), TEXT)
    raise NotKnown(f"{said.kind.name} as a text")


def _numbers(reading: Reading, *values: Said) -> None:
    """Refuses arithmetic of what is no number: the systems convert it in different ways."""
    for value in values:
        name = value.kind.name
        if name == "boolean" and not reading.is_of("mysql"):
            raise NotSpoken("arithmetic of truth values")
        if name == "literal" and value.literal and re.fullmatch(r"-?\d+(\.\d+)?", value.literal):
            continue
        if name not in ("integer", "decimal", "float", "unknown", "null", "boolean"):
            raise NotKnown(f"arithmetic of a {name}")


def _exact(kinds: tuple[Kind, Kind], scale_of: Any, carried: int) -> Kind:
    names = {kind.name for kind in kinds if kind.name != "null"}
    if not names:
        return NULL
    if "unknown" in names or not names <= {"integer", "decimal", "float", "boolean"}:
        return UNKNOWN
    if "float" in names:
        return FLOAT
    first, second = kinds
    scales = (first.scale, second.scale)
    scale = None if None in scales else scale_of(scales)
    if first.precision is None or second.precision is None or None in scales:
        precision = None
    elif scale_of is max:
        whole = max(first.precision - (first.scale or 0), second.precision - (second.scale or 0))
        precision = whole + (scale or 0) + carried
    else:
        precision = first.precision + second.precision + carried
    shown = first.shown or second.shown
    if names <= {"integer", "boolean"}:
        return Kind("integer", precision, 0)
    return Kind("decimal", precision, scale, shown)


def _moment_sum(reading: Reading, left: Said, right: Said, sign: str) -> Said:
    """A date with days added, or two dates subtracted."""
    if left.kind.is_moment and right.kind.name in ("integer", "decimal"):
        if reading.is_of("postgres") and (left.kind == STAMP or right.kind.name != "integer"):
            raise NotSpoken("a timestamp and a number")
        if reading.is_of("mysql"):
            raise NotKnown("arithmetic of a date as a number")
        return shifted(reading, left, ((right.sql, "day"),), sign)
    if sign == "+" and right.kind.is_moment and left.kind.name == "integer":
        return _moment_sum(reading, right, left, sign)
    if sign == "-" and _is_a_moment(left) and _is_a_moment(right):
        if reading.is_of("postgres"):
            if STAMP in (left.kind, right.kind):
                raise NotKnown("a difference of timestamps")
            return Said(reading.call("moment_days_between", left.sql, right.sql), INTEGER)
        if reading.is_of("oracle"):
            if right.literal or left.literal:
                raise NotSpoken("a date as a text")
            return Said(
                reading.call("moment_fraction_of_days", left.sql, right.sql), Kind("decimal")
            )
    raise NotKnown(f"{sign} of a date")


def _is_a_moment(said: Said) -> bool:
    return said.kind.is_moment or said.kind == LITERAL


_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}


@says(*_OPERATORS)
def _comparison(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    operator = _OPERATORS[type(node)]
    if isinstance(node.right, exp.Any | exp.All):
        return _quantified(reading, node, operator, scope)
    left, right = reading.expressions([node.left, node.right], scope)
    one, other, collation = comparable(reading, left, right)
    return Said(f"({one} {operator} {other}{collation})", BOOLEAN)


def comparable(reading: Reading, left: Said, right: Said) -> tuple[str, str, str]:
    """Returns both sides of a comparison as SQLite compares them like the dialect.

    Returns:
        The sides, and the collation to be written after the second one.

    Raises:
        NotKnown: The dialect converts one side in a way of its own.
    """
    names = {left.kind.name, right.kind.name}
    if left.interval or right.interval or names & {"time", "interval"}:
        raise NotKnown("a comparison of times or intervals")
    if "null" in names or names == {"unknown"}:
        return left.sql, right.sql, _collation(reading, left, right)
    if names & {"date", "stamp"}:
        return (*_comparable_moments(reading, left, right), "")
    if "boolean" in names:
        return (*_comparable_truth(reading, left, right), "")
    if names <= {"integer", "decimal", "float", "unknown"}:
        return left.sql, right.sql, ""
    if names <= {"text", "literal", "unknown"}:
        if names == {"literal"} or "text" in names or not reading.is_of("oracle"):
            return left.sql, right.sql, _collation(reading, left, right)
        return left.sql, right.sql, ""
    for number, text in ((left, right), (right, left)):
        if number.kind.is_number and text.literal is not None:
            if re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", text.literal):
                value = text.literal.strip()
                return (value, right.sql, "") if text is left else (left.sql, value, "")
            if reading.is_of("postgres", "oracle", "tsql"):
                raise NotSpoken("a number compared with a text that is none")
    if reading.is_of("postgres"):
        raise NotSpoken("a text compared with a number")
    raise NotKnown("a comparison of a text and a number")


def _comparable_moments(reading: Reading, left: Said, right: Said) -> tuple[str, str]:
    if not all(s.kind.is_moment or s.kind.is_text or s.kind == UNKNOWN for s in (left, right)):
        raise NotKnown(f"a comparison of a {left.kind.name} and a {right.kind.name}")
    wide = STAMP in (left.kind, right.kind)
    sides = []
    for side in (left, right):
        if side.literal is not None:
            sides.append(string(moment_literal(reading, side.literal, wide)))
        elif side.kind == DATE and not wide:
            sides.append(side.sql)
        elif side.kind == TEXT and reading.is_of("postgres", "oracle"):
            raise NotSpoken("a date compared with a text")
        else:
            sides.append(reading.call("moment_full" if wide else "moment_full_or_text", side.sql))
    if not wide and any("moment_full_or_text" in side for side in sides):
        sides = [
            side if "moment_full_or_text" in side else reading.call("moment_full_or_text", side)
            for side in sides
        ]
    return sides[0], sides[1]


def moment_literal(reading: Reading, text: str, wide: bool | None) -> str:
    """Returns a literal as a moment is stored: in full, or a date alone where that is all it is.

    Args:
        reading: Its dialect decides what it takes for a date.
        text: The literal.
        wide: Whether the other side has a time of day; None: the literal decides.

    Raises:
        NotSpoken: The dialect refuses it.
        NotKnown: What it takes it for is not known.
    """
    if reading.is_of("oracle"):
        # NLS_DATE_FORMAT is DD-MON-RR, and no text in ISO form fits it.
        raise NotSpoken("a text as a date")
    if reading.is_of("tsql") and re.fullmatch(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    try:
        moment = moments.read(text)
    except FailsThere as failure:
        raise NotSpoken(str(failure)) from None
    except MeaningUnknown as failure:
        raise NotKnown(str(failure)) from None
    if wide is None:
        return str(moment)
    return str(moment._replace(is_date=not wide and moment.is_date))


def _comparable_truth(reading: Reading, left: Said, right: Said) -> tuple[str, str]:
    sides = []
    for side in (left, right):
        if side.literal is not None and side.kind == LITERAL:
            sides.append(truth_literal(side.literal))
        elif side.kind.name in ("boolean", "unknown") or (
            side.kind.name == "integer" and reading.is_of("mysql", "tsql")
        ):
            sides.append(side.sql)
        else:
            raise NotSpoken(f"a truth value compared with a {side.kind.name}")
    return sides[0], sides[1]


def truth_literal(text: str) -> str:
    """Returns 1 or 0 for what PostgreSQL and T-SQL take for a truth value."""
    word = text.strip().lower()
    if word in ("t", "true", "y", "yes", "on", "1"):
        return "1"
    if word in ("f", "false", "n", "no", "off", "0"):
        return "0"
    raise NotSpoken(f"{text!r} as a truth value")


def _collation(reading: Reading, left: Said, right: Said) -> str:
    name = _COLLATIONS.get(reading.dialect)
    if name is None or left.collation:
        # The left side's column decides how the two are compared.
        return ""
    reading.functions.add(name)
    return f" COLLATE {name}"


def _quantified(reading: Reading, node: exp.Binary, operator: str, scope: Scope) -> Said:
    """`a > ANY (SELECT ...)`: true if it holds for one, NULL if only NULLs leave that open."""
    reading.only("ANY and ALL", "mysql", "postgres", "tsql", "oracle")
    inside = node.right.this
    while isinstance(inside, exp.Paren):
        inside = inside.this
    left = reading.expression(node.left, scope)
    is_any = isinstance(node.right, exp.Any)
    if isinstance(inside, exp.Array):
        reading.only("ARRAY", "postgres")
        sides = [
            comparable(reading, left, item)
            for item in reading.expressions(inside.expressions, scope)
        ]
        tests = [f"({one} {operator} {other}{collation})" for one, other, collation in sides]
        joined = (" OR " if is_any else " AND ").join(tests) or ("0" if is_any else "1")
        return Said(f"({joined})", BOOLEAN)
    if isinstance(inside, exp.Subquery):
        inside = inside.this
    query, columns = reading.query(inside, scope)
    if len(columns) != 1:
        raise NotSpoken("ANY over several columns")
    kind = next(iter(columns.values()))
    one, other, collation = comparable(reading, left, Said("[q].[v]", kind))
    test = f"{one} {operator} {other}{collation}"
    # NULL where no value decides and one of them compares as NULL.
    best = f"MAX({test})" if is_any else f"MIN({test})"
    unsure = f"SUM(({test}) IS NULL) > 0"
    deciding, empty = ("1", "0") if is_any else ("0", "1")
    column = identifier(next(iter(columns)))
    return Said(
        f"(SELECT CASE WHEN {best} = {deciding} THEN {deciding} WHEN {unsure} THEN NULL"
        f" ELSE {empty} END FROM (SELECT {column} AS [v] FROM ({query})) AS [q])",
        BOOLEAN,
    )


@says(exp.NullSafeEQ, exp.NullSafeNEQ)
def _null_safe(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    left, right = reading.expressions([node.left, node.right], scope)
    one, other, collation = comparable(reading, left, right)
    word = "IS" if isinstance(node, exp.NullSafeEQ) else "IS NOT"
    if collation:
        one = f"{one}{collation}"
    return Said(f"({one} {word} {other})", BOOLEAN)


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


@says(exp.Between)
def _between(reading: Reading, node: exp.Between, scope: Scope) -> Said:
    low, high = (
        exp.GTE(this=node.this, expression=node.args["low"]),
        exp.LTE(this=node.this, expression=node.args["high"]),
    )
    sides = [_comparison(reading, side, scope).sql for side in (low, high)]
    if node.args.get("symmetric"):
        reading.only("SYMMETRIC", "postgres")
        swapped = [
            exp.GTE(this=node.this, expression=node.args["high"]),
            exp.LTE(this=node.this, expression=node.args["low"]),
        ]
        others = [_comparison(reading, side, scope).sql for side in swapped]
        return Said(f"(({' AND '.join(sides)}) OR ({' AND '.join(others)}))", BOOLEAN)
    return Said(f"({' AND '.join(sides)})", BOOLEAN)


@says(exp.In)
def _in(reading: Reading, node: exp.In, scope: Scope) -> Said:
    query = node.args.get("query")
    if isinstance(node.this, exp.Tuple):
        return _tuple_in(reading, node, scope)
    left = reading.expression(node.this, scope)
    if query is not None:
        inner = query.this if isinstance(query, exp.Subquery) else query
        said, columns = reading.query(inner, scope)
        if len(columns) != 1:
            raise NotSpoken("IN over several columns")
        kind = next(iter(columns.values()))
        one, other, collation = comparable(reading, left, Said("[v]", kind, collation=True))
        if other != "[v]":
            column = identifier(next(iter(columns)))
            said = f"SELECT {other} FROM (SELECT {column} AS [v] FROM ({said}))"
        return Said(f"({one}{collation} IN ({said}))", BOOLEAN)
    pairs = [
        comparable(reading, left, item) for item in reading.expressions(node.expressions, scope)
    ]
    if len({one for one, _, _ in pairs}) != 1:
        tests = [f"({one} = {other}{collation})" for one, other, collation in pairs]
        return Said(f"({' OR '.join(tests)})", BOOLEAN)
    one, _, collation = pairs[0]
    return Said(f"({one}{collation} IN ({', '.join(other for _, other, _ in pairs)}))", BOOLEAN)


def _tuple_in(reading: Reading, node: exp.In, scope: Scope) -> Said:
    reading.only("IN over several columns", "mysql", "postgres", "oracle")
    left = reading.expressions(node.this.expressions, scope)
    if any(side.kind.is_moment or side.kind == UNKNOWN for side in left) or reading.is_of("mysql"):
        raise NotKnown("IN over several columns")
    query = node.args.get("query")
    if query is None:
        raise NotKnown("IN over several columns")
    said, columns = reading.query(query.this, scope)
    if len(columns) != len(left):
        raise NotSpoken("IN over another number of columns")
    return Said(f"(({', '.join(side.sql for side in left)}) IN ({said}))", BOOLEAN)


@says(exp.Exists)
def _exists(reading: Reading, node: exp.Exists, scope: Scope) -> Said:
    query, _ = reading.query(node.this, scope)
    return Said(f"EXISTS ({query})", BOOLEAN)


@says(exp.Subquery)
def _subquery(reading: Reading, node: exp.Subquery, scope: Scope) -> Said:
    query, columns = reading.query(node.this, scope)
    if len(columns) > 1:
        beside = node.parent.iter_expressions() if node.parent is not None else ()
        if any(isinstance(other, exp.Tuple) for other in beside):
            raise NotKnown("a comparison of rows")
        raise NotSpoken("a subquery of several columns as one value")
    kind = next(iter(columns.values())) if columns else UNKNOWN
    return Said(f"({query})", kind._replace(shown=False))


@says(exp.Like, exp.ILike)
def _like(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    return _like_with(reading, node, scope, None)


def _like_with(reading: Reading, node: exp.Binary, scope: Scope, escape: str | None) -> Said:
    if isinstance(node, exp.ILike):
        reading.only("ILIKE", "postgres")
    if node.args.get("negate"):
        positive = type(node)(this=node.this, expression=node.expression)
        return Said(f"(NOT {_like_with(reading, positive, scope, escape).sql})", BOOLEAN)
    pattern = node.expression
    if isinstance(pattern, exp.Any | exp.All):
        reading.only("LIKE ANY", "postgres")
        inside = pattern.this
        while isinstance(inside, exp.Paren):
            inside = inside.this
        if not isinstance(inside, exp.Array):
            raise NotKnown("LIKE ANY")
        tests = [
            _like(reading, type(node)(this=node.this, expression=item), scope).sql
            for item in inside.expressions
        ]
        return Said(
            "(" + (" OR " if isinstance(pattern, exp.Any) else " AND ").join(tests) + ")", BOOLEAN
        )
    left, right = reading.expressions([node.left, pattern], scope)
    for side in (left, right):
        if not (side.kind.is_text or side.kind.name in ("unknown", "null")):
            if reading.is_of("postgres"):
                raise NotSpoken(f"LIKE of a {side.kind.name}")
            if reading.is_of("tsql", "oracle") or side.kind.name not in ("integer", "date"):
                raise NotKnown(f"LIKE of a {side.kind.name}")
    name = {"mysql": "text_like_in_any_case", "tsql": "text_like_of_tsql"}.get(
        reading.dialect, "text_like"
    )
    if isinstance(node, exp.ILike):
        name = "text_like_in_any_case"
    mark = string(escape) if escape else "'\\'" if reading.is_of("mysql", "postgres") else "NULL"
    return Said(reading.call(name, left.sql, right.sql, mark), BOOLEAN)


@says(exp.Escape)
def _escape(reading: Reading, node: exp.Escape, scope: Scope) -> Said:
    mark = node.expression
    if not isinstance(node.this, exp.Like | exp.ILike) or not mark.is_string or len(mark.this) != 1:
        raise NotKnown("ESCAPE")
    return _like_with(reading, node.this, scope, str(mark.this))


@says(exp.RegexpLike, exp.RegexpILike)
def _matches(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    reading.only("a regular expression", "mysql", "postgres")
    left, right = reading.expressions([node.this, node.expression], scope)
    for side in (left, right):
        if not (side.kind.is_text or side.kind.name in ("unknown", "null")):
            raise NotKnown(f"a regular expression on a {side.kind.name}")
    any_case = isinstance(node, exp.RegexpILike) or reading.is_of("mysql")
    name = "text_matches_in_any_case" if any_case else "text_matches"
    return Said(reading.call(name, left.sql, right.sql), BOOLEAN)


@says(exp.Case)
def _case(reading: Reading, node: exp.Case, scope: Scope) -> Said:
    values, kinds, pieces = node.this, [], ["CASE"]
    results = []
    for branch in node.args["ifs"]:
        if values is None:
            test = condition(reading, branch.this, scope)
        else:
            test = _comparison(reading, exp.EQ(this=values, expression=branch.this), scope).sql
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


@says(exp.DateStrToDate)
def _date_literal(reading: Reading, node: exp.Expr, scope: Scope) -> Said:
    """DATE '2024-01-05', which is a date in Oracle too."""
    try:
        moment = moments.read(node.this.name)
    except (FailsThere, MeaningUnknown) as failure:
        raise NotSpoken(str(failure)) from None
    return Said(string(str(moment)), STAMP if reading.is_of("oracle") else DATE)


@says(exp.Array)
def _array(reading: Reading, node: exp.Array, scope: Scope) -> Said:
    """ARRAY['a', 'b'] of plain texts or numbers, as PostgreSQL writes it as a text."""
    reading.only("ARRAY", "postgres")
    values = []
    for said in reading.expressions(node.expressions, scope):
        if said.literal is None or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", said.literal):
            raise NotKnown("an array of other than plain values")
        values.append(said.literal)
    return Said(string("{" + ",".join(values) + "}"), Kind("array"))


@says(exp.Interval)
def _interval(reading: Reading, node: exp.Interval, scope: Scope) -> Said:
    return Said("", Kind("interval"), interval=interval_of(reading, node, scope))


@says(exp.Extract)
def _extract(reading: Reading, node: exp.Extract, scope: Scope) -> Said:
    reading.only("EXTRACT", "mysql", "postgres", "oracle")
    return part(reading, node.this.name, node.expression, scope)


@says(exp.CurrentDate)
def _today(reading: Reading, node: exp.CurrentDate, scope: Scope) -> Said:
    if reading.is_of("tsql"):
        raise NotSpoken("CURRENT_DATE")
    # Oracle's has a time of day.
    return now(reading) if reading.is_of("oracle") else Said(string(clock.DATE), DATE)


@says(exp.CurrentTimestamp, exp.Localtimestamp)
def _now(reading: Reading, node: exp.Expr, scope: Scope) -> Said:
    return now(reading)


def now(reading: Reading) -> Said:
    """Says the time of day, which stands still."""
    return Said(string(f"{clock.DATE} {clock.TIME}"), STAMP)


@says(exp.CurrentTime, exp.Localtime)
def _time(reading: Reading, node: exp.Expr, scope: Scope) -> Said:
    if reading.is_of("mysql") and isinstance(node, exp.Localtime):
        return now(reading)
    return Said(string(clock.TIME), TIME)


@says(exp.ArrayOverlaps)
def _overlap(reading: Reading, node: exp.Binary, scope: Scope) -> Said:
    reading.only("&& of arrays", "postgres")
    for side in reading.expressions([node.left, node.right], scope):
        if side.kind.is_number or side.kind.is_text or side.kind.name == "boolean":
            raise NotSpoken("&& of what is no array")
    raise NotKnown("arrays")


@says(exp.AtTimeZone)
def _at_time_zone(reading: Reading, node: exp.Expr, scope: Scope) -> Said:
    reading.expression(node.this, scope)
    raise NotKnown("time zones")


@says(exp.Collate)
def _collate(reading: Reading, node: exp.Collate, scope: Scope) -> Said:
    reading.expression(node.this, scope)
    raise NotKnown("COLLATE")


@says(exp.Unnest)
def _unnested(reading: Reading, node: exp.Unnest, scope: Scope) -> Said:
    reading.only("UNNEST", "postgres")
    for said in reading.expressions(node.expressions, scope):
        if said.kind.is_number or said.kind.name == "boolean":
            raise NotSpoken("UNNEST of what is no array")
    raise NotKnown("arrays")


@says(exp.Distinct)
def _distinct(reading: Reading, node: exp.Distinct, scope: Scope) -> Said:
    raise NotKnown("DISTINCT over several values")
