"""The functions of each dialect, by their names, said in SQLite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from trainables.sql.sandbox import clock
from trainables.sql.translation import vocabulary
from trainables.sql.translation.casts import cast_to, declared
from trainables.sql.translation.dates import as_moment, part, part_of, truncated, unit_of
from trainables.sql.translation.expressions import (
    alike,
    as_kind,
    as_text,
    chosen,
    comparable,
    now,
    remainder,
)
from trainables.sql.translation.intervals import shifted
from trainables.sql.translation.kinds import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    LITERAL,
    STAMP,
    TEXT,
    TIME,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.reading import Reading, Scope, says, string

Rule = Callable[["Call"], Said]


@dataclass
class Call:
    """A call of a function.

    Attributes:
        reading: Of the text that it stands in.
        name: In upper case.
        nodes: Its arguments, as parsed.
        scope: What they can name.
        is_over: Whether OVER follows.
    """

    reading: Reading
    name: str
    nodes: list[exp.Expr]
    scope: Scope
    is_over: bool = False

    def values(self, form: str) -> list[Said]:
        """Returns the arguments, checked against a form of one letter each.

        Args:
            form: t (text), n (number), i (integer), m (moment), a (any); the arguments after `?`
                may be left out, and the letter before `*` may come again and again.

        Raises:
            NotSpoken: The function does not take so many.
            NotKnown: The dialect converts one of them in a way of its own.
        """
        needed, _, rest = form.partition("?")
        many = form.endswith("*")
        letters = (needed + rest).removesuffix("*")
        if len(self.nodes) < len(needed.removesuffix("*")) or (
            len(self.nodes) > len(letters) and not many
        ):
            raise NotSpoken(f"{self.name} of {len(self.nodes)} arguments")
        letters = letters.ljust(len(self.nodes), letters[-1:] or "a")
        said = self.reading.expressions(self.nodes, self.scope)
        return [self._checked(value, letter) for value, letter in zip(said, letters, strict=False)]

    def _checked(self, value: Said, letter: str) -> Said:
        name = value.kind.name
        if letter == "a" or name in ("unknown", "null"):
            return value
        if letter == "t":
            return as_text(self.reading, value)
        if letter == "m":
            return as_moment(self.reading, value)
        wanted = ("integer",) if letter == "i" else ("integer", "decimal", "float")
        if name in wanted:
            return value
        if self.reading.is_of("postgres") and not (name == "literal"):
            raise NotSpoken(f"{self.name} of a {name}")
        raise NotKnown(f"{self.name} of a {name}")


def call(form: str, kind: Kind, function: str, *more: str) -> Rule:
    """A function that is one of the sandbox's or SQLite's, with some more arguments at the end."""

    def rule(given: Call) -> Said:
        values = [value.sql for value in given.values(form)]
        return Said(given.reading.call(function, *values, *more), kind)

    return rule


def template(form: str, kind: Kind, text: str) -> Rule:
    """A function that is an expression of its arguments."""

    def rule(given: Call) -> Said:
        values = [value.sql for value in given.values(form)]
        return Said(text.format(*values), kind)

    return rule


def constant(value: Said) -> Rule:
    """A function without arguments."""

    def rule(given: Call) -> Said:
        given.values("")
        return value

    return rule


def _same_kind(form: str, function: str) -> Rule:
    """A number of the kind of the first argument."""

    def rule(given: Call) -> Said:
        values = given.values(form)
        return Said(given.reading.call(function, *(v.sql for v in values)), values[0].kind)

    return rule


def _coalesce(given: Call) -> Said:
    values = given.values("aa*")
    kind = alike(given.reading, [value.kind for value in values])
    return Said(f"COALESCE({', '.join(as_kind(value, kind) for value in values)})", kind)


def _coalesce_of_two(given: Call) -> Said:
    if len(given.nodes) != 2:
        raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
    return _coalesce(given)


def _coalesce_as_first(given: Call) -> Said:
    """T-SQL's ISNULL: the second value is converted to the kind of the first."""
    values = given.values("aa")
    first, second = values
    names = {value.kind.name for value in values} - {"null"}
    if first.kind.is_text and second.kind.name == "integer":
        return Said(f"COALESCE({first.sql}, CAST({second.sql} AS TEXT))", TEXT)
    if names == {"integer", "decimal"} and first.kind.name == "integer":
        raise NotKnown("ISNULL of an integer and a decimal")
    return _coalesce_of_two(given)


def _is_null(given: Call) -> Said:
    [value] = given.values("a")
    return Said(f"({value.sql} IS NULL)", BOOLEAN)


def _nullif(given: Call) -> Said:
    left, right = given.values("aa")
    one, other, collation = comparable(given.reading, left, right)
    return Said(f"CASE WHEN {one} = {other}{collation} THEN NULL ELSE {left.sql} END", left.kind)


def _nvl2(given: Call) -> Said:
    test, yes, no = given.values("aaa")
    kind = alike(given.reading, [yes.kind, no.kind])
    return Said(
        f"CASE WHEN {test.sql} IS NOT NULL THEN {as_kind(yes, kind)} ELSE {as_kind(no, kind)} END",
        kind,
    )


def _decode(given: Call) -> Said:
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


def _choice(given: Call) -> Said:
    if len(given.nodes) != 3:
        raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
    return chosen(given.reading, given.nodes[0], given.nodes[1], given.nodes[2], given.scope)


def _concatenated(given: Call) -> Said:
    """CONCAT, which skips NULLs but in MySQL."""
    values = given.values("tt*" if given.reading.is_of("oracle", "tsql") else "t*")
    if given.reading.is_of("oracle") and len(values) != 2:
        raise NotSpoken("CONCAT of more than two texts")
    sqls = [value.sql for value in values]
    if given.reading.is_of("mysql"):
        return Said("(" + " || ".join(sqls) + ")" if len(sqls) > 1 else f"({sqls[0]} || '')", TEXT)
    joined = given.reading.call("text_concatenated", *sqls)
    return Said(f"NULLIF({joined}, '')" if given.reading.is_of("oracle") else joined, TEXT)


def _or_null(rule: Rule) -> Rule:
    """Oracle takes an empty text for NULL."""

    def or_null(given: Call) -> Said:
        said = rule(given)
        return Said(f"NULLIF({said.sql}, '')", said.kind) if given.reading.is_of("oracle") else said

    return or_null


def _replaced(given: Call) -> Said:
    """REPLACE, which looks at the case of letters but in T-SQL."""
    values = given.values("tt?t") if given.reading.is_of("oracle") else given.values("ttt")
    if given.reading.is_of("tsql"):
        if not all(value.kind == LITERAL or value.collation for value in values[:1]):
            raise NotKnown("REPLACE of a computed text")
        if any(v.literal is None or v.literal.lower() != v.literal.upper() for v in values[1:2]):
            raise NotKnown("REPLACE without regard to the case of letters")
    new = values[2].sql if len(values) > 2 else "''"
    if given.reading.is_of("oracle"):
        new = f"COALESCE({new}, '')"
    return Said(f"REPLACE({values[0].sql}, {values[1].sql}, {new})", TEXT)


def _rounded(given: Call) -> Said:
    values = given.values("n?ni")
    reading, value = given.reading, values[0]
    if reading.is_of("tsql"):
        if len(values) < 2:
            raise NotSpoken("ROUND of one argument")
        if len(values) == 3:
            if values[2].literal is None:
                raise NotKnown("ROUND by a function that is not a number")
            name = "number_truncate" if int(values[2].literal) else "number_round"
            return Said(reading.call(name, value.sql, values[1].sql), value.kind)
    elif len(values) > 2:
        raise NotSpoken("ROUND of three arguments")
    digits = values[1].sql if len(values) > 1 else "0"
    if reading.is_of("postgres") and value.kind == FLOAT and len(values) > 1:
        raise NotSpoken("ROUND of a float to some places")
    name = "number_round" if value.kind.name in ("integer", "decimal") else "number_round_float"
    places = values[1].literal if len(values) > 1 else "0"
    scale = max(0, int(places)) if places is not None and places.lstrip("-").isdigit() else None
    kind = value.kind
    if kind.name == "decimal":
        kind = Kind("decimal", None, scale)
        if scale == 0 and reading.is_of("mysql"):
            kind = Kind("decimal", None, 0)
    return Said(reading.call(name, value.sql, digits), kind)


def _truncated(given: Call) -> Said:
    """TRUNC of numbers, and of Oracle's dates."""
    reading = given.reading
    if reading.is_of("oracle"):
        values = given.values("a?a")
        if not values[0].kind.is_number:
            if values[0].kind == UNKNOWN:
                raise NotKnown("TRUNC of a number or a date")
            moment = as_moment(reading, values[0])
            if len(values) == 1:
                return Said(reading.call("moment_date", moment.sql), DATE)
            unit = {
                **dict.fromkeys(("YYYY", "YEAR", "YY", "Y", "SYYYY"), "year"),
                **dict.fromkeys(("MM", "MONTH", "MON", "RM"), "month"),
                **dict.fromkeys(("DD", "DDD", "J"), "day"),
                "Q": "quarter",
                "IW": "week",
                "HH24": "hour",
                "HH": "hour",
                "MI": "minute",
            }.get((values[1].literal or "").upper())
            if unit is None:
                raise NotKnown("TRUNC of a date to a unit")
            return truncated(reading, unit, moment)
    if reading.is_of("mysql") and len(given.nodes) != 2:
        raise NotSpoken("TRUNCATE of one argument")
    values = given.values("n?n")
    digits = values[1].sql if len(values) > 1 else "0"
    return Said(reading.call("number_truncate", values[0].sql, digits), values[0].kind)


def _whole(function: str) -> Rule:
    """CEIL or FLOOR: of an exact number an integer everywhere but in PostgreSQL's arithmetic."""

    def rule(given: Call) -> Said:
        [value] = given.values("n")
        if value.kind.name == "integer":
            return value
        whole = f"CAST({value.sql} AS INTEGER)"
        compared = ">" if function == "CEIL" else "<"
        step = "+" if function == "CEIL" else "-"
        said = f"({whole} {step} ({value.sql} {compared} {whole}))"
        if given.reading.is_of("mysql"):
            return Said(said, INTEGER)
        return Said(f"CAST({said} AS REAL)", value.kind if value.kind == FLOAT else Kind("decimal"))

    return rule


def _absolute(given: Call) -> Said:
    [value] = given.values("n")
    return Said(f"ABS({value.sql})", value.kind)


def _signum(given: Call) -> Said:
    [value] = given.values("n")
    return Said(f"(({value.sql} > 0) - ({value.sql} < 0))", INTEGER)


def _remainder(given: Call) -> Said:
    left, right = given.values("nn")
    return remainder(given.reading, left, right)


def _power(given: Call) -> Said:
    base, exponent = given.values("nn")
    if given.reading.is_of("tsql"):
        if base.kind.name not in ("integer", "float"):
            raise NotKnown("POWER of a decimal")
        return Said(
            given.reading.call("number_power_of_integer", base.sql, exponent.sql), base.kind
        )
    return Said(given.reading.call("number_power", base.sql, exponent.sql), FLOAT)


def _logarithm(given: Call) -> Said:
    """LOG, whose base differs: 10 in PostgreSQL, e in MySQL and T-SQL, given in Oracle."""
    values = [value.sql for value in given.values("n?n")]
    reading = given.reading
    name = "number_logarithm_or_null" if reading.is_of("mysql") else "number_logarithm"
    if len(values) == 1:
        if reading.is_of("oracle"):
            raise NotSpoken("LOG of one argument")
        return Said(
            reading.call(name, *values, *(("10",) if reading.is_of("postgres") else ())), FLOAT
        )
    # T-SQL has the base after the number, the others before it.
    number, base = values if reading.is_of("tsql") else reversed(values)
    return Said(reading.call(name, number, base), FLOAT)


def _logarithm_to(base: str) -> Rule:
    def rule(given: Call) -> Said:
        [value] = given.values("n")
        name = "number_logarithm_or_null" if given.reading.is_of("mysql") else "number_logarithm"
        return Said(given.reading.call(name, value.sql, *([base] if base else [])), FLOAT)

    return rule


def _root(given: Call) -> Said:
    [value] = given.values("n")
    name = "number_root_or_null" if given.reading.is_of("mysql") else "number_root"
    return Said(given.reading.call(name, value.sql), FLOAT)


def _extreme(function: str) -> Rule:
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


def _joined(given: Call) -> Said:
    values = given.values("tt*")
    separator = values[0].sql
    if given.reading.is_of("tsql"):
        separator = f"COALESCE({separator}, '')"
    return Said(given.reading.call("text_joined", separator, *(v.sql for v in values[1:])), TEXT)


def _unit_first(function: str, kind: Kind) -> Rule:
    """DATEDIFF of T-SQL and TIMESTAMPDIFF of MySQL: a unit, then two moments."""

    def rule(given: Call) -> Said:
        if len(given.nodes) != 3:
            raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
        unit = unit_of(given.reading, given.nodes[0])
        values = [
            as_moment(given.reading, said)
            for said in given.reading.expressions(given.nodes[1:], given.scope)
        ]
        return Said(given.reading.call(function, string(unit), *(v.sql for v in values)), kind)

    return rule


def _added(given: Call) -> Said:
    """T-SQL's DATEADD and MySQL's TIMESTAMPADD: a unit, how many, the moment."""
    if len(given.nodes) != 3:
        raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
    unit = unit_of(given.reading, given.nodes[0])
    amount, moment = given.reading.expressions(given.nodes[1:], given.scope)
    if amount.kind.name not in ("integer", "unknown"):
        raise NotKnown(f"{given.name} of a {amount.kind.name}")
    return shifted(given.reading, as_moment(given.reading, moment), ((amount.sql, unit),), "+")


def _moved(sign: str) -> Rule:
    """MySQL's DATE_ADD and DATE_SUB, with an interval or a number of days."""

    def rule(given: Call) -> Said:
        if len(given.nodes) != 2:
            raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
        moment, amount = given.reading.expressions(given.nodes, given.scope)
        if amount.interval is None:
            if given.name in ("DATE_ADD", "DATE_SUB"):
                raise NotSpoken(f"{given.name} without an interval")
            if amount.kind.name != "integer":
                raise NotKnown(f"{given.name} of a {amount.kind.name}")
            return shifted(
                given.reading, as_moment(given.reading, moment), ((amount.sql, "day"),), sign
            )
        return shifted(given.reading, as_moment(given.reading, moment), amount.interval, sign)

    return rule


def _part(name: str) -> Rule:
    """A function that is one part of a moment."""

    def rule(given: Call) -> Said:
        [moment] = given.values("m")
        return part_of(given.reading, name, moment)

    return rule


def _week(given: Call) -> Said:
    """MySQL's WEEK in modes 0 and 3."""
    values = given.values("m?i")
    mode = values[1].literal if len(values) > 1 else "0"
    name = {"0": "week, MySQL mode 0", "3": "ISO week"}.get(mode or "")
    if name is None:
        raise NotKnown("a mode of WEEK")
    return Said(given.reading.call("moment_part", values[0].sql, string(name)), INTEGER)


def _named_part(given: Call) -> Said:
    """PostgreSQL's DATE_PART('year', d) and T-SQL's DATEPART(year, d)."""
    if len(given.nodes) != 2:
        raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
    name = given.nodes[0]
    if given.reading.is_of("postgres") and not (isinstance(name, exp.Literal) and name.is_string):
        raise NotKnown("DATE_PART of a computed part")
    return part(given.reading, name.name, given.nodes[1], given.scope)


def _named(given: Call) -> Said:
    """T-SQL's DATENAME."""
    if len(given.nodes) != 2:
        raise NotSpoken(f"DATENAME of {len(given.nodes)} arguments")
    name = given.nodes[0].name.lower()
    known = {
        **dict.fromkeys(("month", "mm", "m"), "name of the month"),
        **dict.fromkeys(("weekday", "dw"), "name of the weekday"),
    }.get(name)
    if known is None:
        said = part(given.reading, name, given.nodes[1], given.scope)
        return Said(f"CAST({said.sql} AS TEXT)", TEXT)
    moment = as_moment(given.reading, given.reading.expression(given.nodes[1], given.scope))
    return Said(given.reading.call("moment_part", moment.sql, string(known)), TEXT)


def _truncated_moment(given: Call) -> Said:
    """PostgreSQL's DATE_TRUNC('month', d) and T-SQL's DATETRUNC(month, d)."""
    if len(given.nodes) != 2:
        raise NotKnown(f"{given.name} of {len(given.nodes)} arguments")
    unit, moment = given.nodes
    if given.reading.is_of("postgres") and not (isinstance(unit, exp.Literal) and unit.is_string):
        raise NotKnown(f"{given.name} to a computed unit")
    name = unit_of(given.reading, unit) if given.reading.is_of("tsql") else unit.name
    if given.reading.is_of("tsql") and name == "week":
        raise NotKnown("weeks of DATETRUNC")
    return truncated(given.reading, name, given.reading.expression(moment, given.scope))


def _to_char(given: Call) -> Said:
    """TO_CHAR of PostgreSQL and Oracle, of moments and numbers."""
    reading = given.reading
    values = given.values("a?t")
    value = values[0]
    if len(values) == 1:
        if reading.is_of("postgres"):
            raise NotSpoken("TO_CHAR of one argument")
        if value.kind.name == "integer" or value.kind.is_text:
            return Said(f"CAST({value.sql} AS TEXT)", TEXT)
        raise NotKnown("TO_CHAR without a format")
    pattern = values[1].literal
    if value.kind.is_number:
        return Said(reading.call("number_by_template", value.sql, values[1].sql), TEXT)
    if value.kind == UNKNOWN and (pattern is None or pattern.strip("FM09.,") == ""):
        raise NotKnown("TO_CHAR of a number or a date")
    moment = as_moment(reading, value)
    if reading.is_of("oracle") and value.kind.is_text:
        raise NotSpoken("a text as a date")
    name = "moment_by_postgres" if reading.is_of("postgres") else "moment_by_oracle"
    return Said(reading.call(name, moment.sql, values[1].sql), TEXT)


def _to_date(function: str) -> Rule:
    """TO_DATE and TO_TIMESTAMP of PostgreSQL and Oracle."""

    def rule(given: Call) -> Said:
        values = given.values("t?t")
        reading = given.reading
        if len(values) == 1:
            raise NotKnown(f"{given.name} of one argument")
        pattern = values[1].literal
        if pattern is None:
            raise NotKnown(f"{given.name} with a computed format")
        timed = any(field in pattern.upper() for field in ("HH", "MI", "SS"))
        if reading.is_of("postgres"):
            if given.name == "TO_DATE" and timed:
                raise NotKnown("TO_DATE of a time of day")
            name = "moment_read_date" if given.name == "TO_DATE" else "moment_read_stamp"
            kind = DATE if given.name == "TO_DATE" else STAMP
        else:
            name = "moment_read_stamp" if timed or function == "stamp" else "moment_read_date"
            kind = STAMP if name == "moment_read_stamp" else DATE
        return Said(reading.call(name, values[0].sql, values[1].sql), kind)

    return rule


def _str_to_date(given: Call) -> Said:
    values = given.values("tt")
    pattern = values[1].literal
    if pattern is None:
        raise NotKnown("STR_TO_DATE with a computed format")
    timed = any(f"%{letter}" in pattern for letter in "HhIiklrSsTfp")
    return Said(
        given.reading.call("moment_read_mysql", values[0].sql, values[1].sql),
        STAMP if timed else DATE,
    )


def _net_format(given: Call) -> Said:
    """T-SQL's FORMAT of dates and numbers."""
    value, pattern = given.values("at")
    if value.kind == LITERAL:
        raise NotSpoken("FORMAT of a text")
    if value.kind.is_number:
        return Said(given.reading.call("number_by_net", value.sql, pattern.sql), TEXT)
    if value.kind == UNKNOWN:
        raise NotKnown("FORMAT of a number or a date")
    moment = as_moment(given.reading, value)
    return Said(given.reading.call("moment_by_net", moment.sql, pattern.sql), TEXT)


def _mysql_format(given: Call) -> Said:
    """MySQL's FORMAT(number, places)."""
    values = given.values("na")
    if values[1].kind.is_text:
        raise NotKnown("FORMAT by a text")
    return Said(given.reading.call("number_grouped", *(v.sql for v in values)), TEXT)


def _date_format(given: Call) -> Said:
    moment, pattern = given.values("mt")
    return Said(given.reading.call("moment_by_mysql", moment.sql, pattern.sql), TEXT)


def _date(given: Call) -> Said:
    """DATE(d) of MySQL and PostgreSQL."""
    [moment] = given.values("m")
    return Said(given.reading.call("moment_date", moment.sql), DATE)


def _to_number(given: Call) -> Said:
    values = given.values("a?t")
    if len(values) > 1:
        raise NotKnown("TO_NUMBER with a format")
    return Said(given.reading.call("number_read", values[0].sql), Kind("decimal"))


def _now(given: Call) -> Said:
    if given.nodes and not all(isinstance(node, exp.Literal) for node in given.nodes):
        raise NotSpoken(f"{given.name} of arguments")
    return now(given.reading)


def _pattern_flags(given: Call, values: list[Said], place: int) -> int:
    """Reads the flags of a regular expression's function."""
    flags = values[place].literal if len(values) > place else ""
    if flags is None or set(flags) - set("gic"):
        raise NotKnown("flags of a regular expression")
    return 1 if "i" in flags else 0


def _regexp_replace(given: Call) -> Said:
    reading = given.reading
    if reading.is_of("postgres"):
        values = given.values("ttt?t")
        any_case = _pattern_flags(given, values, 3)
        everywhere = 1 if len(values) > 3 and "g" in (values[3].literal or "") else 0
    else:
        values = given.values("tt?t") if reading.is_of("oracle") else given.values("ttt")
        any_case, everywhere = (1 if reading.is_of("mysql") else 0), 1
    new = values[2].sql if len(values) > 2 else "''"
    if reading.is_of("oracle"):
        new = f"COALESCE({new}, '')"
    said = reading.call(
        "text_replaced", values[0].sql, values[1].sql, new, str(everywhere), str(any_case)
    )
    return Said(f"NULLIF({said}, '')" if reading.is_of("oracle") else said, TEXT)


def _regexp_substr(given: Call) -> Said:
    values = given.values("tt")
    any_case = "1" if given.reading.is_of("mysql") else "0"
    return Said(given.reading.call("text_found", values[0].sql, values[1].sql, any_case), TEXT)


def _regexp_like(given: Call) -> Said:
    values = given.values("tt?t")
    any_case = _pattern_flags(given, values, 2) or given.reading.is_of("mysql")
    if len(values) > 2 and "c" in (values[2].literal or ""):
        any_case = 0
    name = "text_matches_in_any_case" if any_case else "text_matches"
    return Said(given.reading.call(name, values[0].sql, values[1].sql), BOOLEAN)


def _placed(given: Call) -> Said:
    """LOCATE, CHARINDEX: what is sought, then where; the case of letters does not count."""
    values = [value.sql for value in given.values("tt?i")]
    return Said(given.reading.call("text_place_in_any_case", *values), INTEGER)


def _text_before(given: Call) -> Said:
    """INSTR and STRPOS: where, then what is sought."""
    values = [
        value.sql for value in given.values("tt?i" if given.reading.is_of("oracle") else "tt")
    ]
    values[0], values[1] = values[1], values[0]
    name = "text_place_in_any_case" if given.reading.is_of("mysql") else "text_place"
    return Said(given.reading.call(name, *values), INTEGER)


def _cut(given: Call) -> Said:
    name = {
        "mysql": "text_cut_from_end",
        "oracle": "text_cut_of_oracle",
    }.get(given.reading.dialect, "text_cut")
    form = "tii" if given.reading.is_of("tsql") else "ti?i"
    return Said(given.reading.call(name, *(v.sql for v in given.values(form))), TEXT)


def _side(function: str) -> Rule:
    """LEFT and RIGHT; a negative count is PostgreSQL's alone."""

    def rule(given: Call) -> Said:
        text, count = given.values("ti")
        if given.reading.is_of("postgres"):
            return Said(given.reading.call(function, text.sql, count.sql), TEXT)
        if given.reading.is_of("tsql") and (count.literal or "-").startswith("-"):
            raise NotKnown(f"{given.name} by a computed count")
        return Said(given.reading.call(function, text.sql, f"MAX(0, {count.sql})"), TEXT)

    return rule


def _trimmed(side: str) -> Rule:
    def rule(given: Call) -> Said:
        values = given.values("t?t" if given.reading.is_of("postgres", "oracle") else "t")
        characters = values[1].sql if len(values) > 1 else "' '"
        return Said(
            given.reading.call("text_trimmed", string(side), values[0].sql, characters), TEXT
        )

    return rule


def _encoded(given: Call) -> Said:
    """CONVERT of PostgreSQL and Oracle, between encodings."""
    given.values("aaa" if given.reading.is_of("postgres") else "aa?a")
    raise NotKnown("CONVERT between encodings")


def _unnested(given: Call) -> Said:
    """PostgreSQL's UNNEST, of arrays alone."""
    for said in given.reading.expressions(given.nodes, given.scope):
        if said.kind.is_number or said.kind.name == "boolean":
            raise NotSpoken("UNNEST of what is no array")
    raise NotKnown("arrays")


def _try(given: Call) -> Said:
    raise NotKnown(given.name)


def _chosen(given: Call) -> Said:
    values = given.values("iaa*")
    kind = alike(given.reading, [value.kind for value in values[1:]])
    return Said(given.reading.call("text_chosen", *(v.sql for v in values)), kind)


def _months_between(given: Call) -> Said:
    values = [value.sql for value in given.values("mm")]
    return Said(given.reading.call("moment_months_between", *values), Kind("decimal"))


def _add_months(given: Call) -> Said:
    moment, count = given.values("mn")
    kind = moment.kind if moment.kind.is_moment else DATE
    return Said(given.reading.call("moment_add_months", moment.sql, count.sql), kind)


def _mysql_datediff(given: Call) -> Said:
    values = [value.sql for value in given.values("mm")]
    return Said(given.reading.call("moment_days_between", *values), INTEGER)


def _random(given: Call) -> Said:
    raise NotKnown("a random number")


_PI = Said("3.141592653589793", FLOAT)
_TODAY = Said(string(clock.DATE), DATE)

_EVERYWHERE: dict[str, Rule] = {
    "COALESCE": _coalesce,
    "NULLIF": _nullif,
    "UPPER": call("t", TEXT, "text_upper"),
    "LOWER": call("t", TEXT, "text_lower"),
    "REPLACE": _or_null(_replaced),
    "CONCAT": _concatenated,
    "LTRIM": _or_null(_trimmed("LEADING")),
    "RTRIM": _or_null(_trimmed("TRAILING")),
    "ABS": _absolute,
    "SIGN": _signum,
    "ROUND": _rounded,
    "FLOOR": _whole("FLOOR"),
    "POWER": _power,
    "SQRT": _root,
    "EXP": call("n", FLOAT, "EXP"),
    "LOG": _logarithm,
    "SIN": call("n", FLOAT, "SIN"),
    "COS": call("n", FLOAT, "COS"),
    "TAN": call("n", FLOAT, "TAN"),
    "ASCII": call("t", INTEGER, "text_code"),
    "GREATEST": _extreme("greatest_given"),
    "LEAST": _extreme("least_given"),
}

_MYSQL: dict[str, Rule] = {
    **_EVERYWHERE,
    "IFNULL": _coalesce_of_two,
    "ISNULL": _is_null,
    "UCASE": call("t", TEXT, "text_upper"),
    "LCASE": call("t", TEXT, "text_lower"),
    "CONCAT_WS": _joined,
    "LENGTH": call("t", INTEGER, "text_bytes"),
    "OCTET_LENGTH": call("t", INTEGER, "text_bytes"),
    "CHAR_LENGTH": call("t", INTEGER, "text_length"),
    "CHARACTER_LENGTH": call("t", INTEGER, "text_length"),
    "SUBSTR": _cut,
    "MID": _cut,
    "LEFT": _side("text_left"),
    "RIGHT": _side("text_right"),
    "SUBSTRING_INDEX": call("tti", TEXT, "text_part_up_to"),
    "LOCATE": _placed,
    "INSTR": _text_before,
    "REVERSE": call("t", TEXT, "text_reverse"),
    "REPEAT": call("ti", TEXT, "text_repeat"),
    "SPACE": template("i", TEXT, "printf('%*s', {0}, '')"),
    "LPAD": call("tit", TEXT, "text_pad_left"),
    "RPAD": call("tit", TEXT, "text_pad_right"),
    "INSERT": call("tiit", TEXT, "text_insert"),
    "FIELD": call("aa*", INTEGER, "text_place_among"),
    "FIND_IN_SET": call("tt", INTEGER, "text_place_in_list"),
    "ELT": _chosen,
    "STRCMP": template("tt", INTEGER, "(({0} > {1} COLLATE NOCASE) - ({0} < {1} COLLATE NOCASE))"),
    "MD5": call("t", TEXT, "text_md5"),
    "FORMAT": _mysql_format,
    "CEIL": _whole("CEIL"),
    "CEILING": _whole("CEIL"),
    "TRUNCATE": _truncated,
    "MOD": _remainder,
    "POW": _power,
    "LN": _logarithm_to(""),
    "LOG2": _logarithm_to("2"),
    "LOG10": _logarithm_to("10"),
    "PI": constant(_PI),
    "NOW": _now,
    "SYSDATE": _now,
    "CURRENT_TIMESTAMP": _now,
    "LOCALTIME": _now,
    "LOCALTIMESTAMP": _now,
    "UTC_TIMESTAMP": _now,
    "CURDATE": constant(_TODAY),
    "CURRENT_DATE": constant(_TODAY),
    "UTC_DATE": constant(_TODAY),
    "CURTIME": constant(Said(string(clock.TIME), TIME)),
    "CURRENT_TIME": constant(Said(string(clock.TIME), TIME)),
    "DATE": _date,
    "TIME": call("m", TIME, "moment_time"),
    "TIMESTAMP": call("m", STAMP, "moment_full"),
    "YEAR": _part("year"),
    "QUARTER": _part("quarter"),
    "MONTH": _part("month"),
    "DAY": _part("day"),
    "DAYOFMONTH": _part("day"),
    "HOUR": _part("hour"),
    "MINUTE": _part("minute"),
    "SECOND": _part("second"),
    "DAYOFWEEK": _part("weekday, Sunday is 1"),
    "WEEKDAY": _part("weekday, Monday is 0"),
    "DAYOFYEAR": _part("day of the year"),
    "WEEK": _week,
    "WEEKOFYEAR": _part("ISO week"),
    "MONTHNAME": _part("name of the month"),
    "DAYNAME": _part("name of the weekday"),
    "LAST_DAY": call("m", DATE, "moment_last_day"),
    "DATE_FORMAT": _date_format,
    "STR_TO_DATE": _str_to_date,
    "DATE_ADD": _moved("+"),
    "DATE_SUB": _moved("-"),
    "ADDDATE": _moved("+"),
    "SUBDATE": _moved("-"),
    "DATEDIFF": _mysql_datediff,
    "TIMESTAMPDIFF": _unit_first("moment_completed", INTEGER),
    "TIMESTAMPADD": _added,
    "MAKEDATE": call("ii", DATE, "moment_day_of_year"),
    "TO_DAYS": call("m", INTEGER, "moment_to_days"),
    "FROM_DAYS": call("i", DATE, "moment_from_days"),
    "REGEXP_LIKE": _regexp_like,
    "REGEXP_REPLACE": _regexp_replace,
    "REGEXP_SUBSTR": _regexp_substr,
    "RAND": _random,
}

_POSTGRES: dict[str, Rule] = {
    **_EVERYWHERE,
    "CONCAT_WS": _joined,
    "LENGTH": call("t", INTEGER, "text_length"),
    "CHAR_LENGTH": call("t", INTEGER, "text_length"),
    "CHARACTER_LENGTH": call("t", INTEGER, "text_length"),
    "OCTET_LENGTH": call("t", INTEGER, "text_bytes"),
    "SUBSTR": _cut,
    "LEFT": _side("text_left"),
    "RIGHT": _side("text_right"),
    "BTRIM": _trimmed("BOTH"),
    "CONVERT": _encoded,
    "UNNEST": _unnested,
    "STRPOS": _text_before,
    "REVERSE": call("t", TEXT, "text_reverse"),
    "REPEAT": call("ti", TEXT, "text_repeat"),
    "LPAD": call("ti?t", TEXT, "text_pad_left"),
    "RPAD": call("ti?t", TEXT, "text_pad_right"),
    "INITCAP": call("t", TEXT, "text_capitalised"),
    "SPLIT_PART": call("tti", TEXT, "text_part_between"),
    "TRANSLATE": call("ttt", TEXT, "text_mapped"),
    "STARTS_WITH": template("tt", BOOLEAN, "(SUBSTR({0}, 1, LENGTH({1})) = {1})"),
    "CHR": call("i", TEXT, "text_character"),
    "MD5": call("t", TEXT, "text_md5"),
    "CEIL": _whole("CEIL"),
    "CEILING": _whole("CEIL"),
    "TRUNC": _truncated,
    "MOD": _remainder,
    "DIV": template("nn", INTEGER, "CAST({0} / {1} AS INTEGER)"),
    "POW": _power,
    "CBRT": _try,
    "LN": _logarithm_to(""),
    "LOG10": _logarithm_to("10"),
    "PI": constant(_PI),
    "NOW": _now,
    "DATE": _date,
    "DATE_PART": _named_part,
    "DATE_TRUNC": _truncated_moment,
    "MAKE_DATE": call("iii", DATE, "moment_make_date"),
    "TO_CHAR": _to_char,
    "TO_DATE": _to_date("date"),
    "TO_TIMESTAMP": _to_date("stamp"),
    "REGEXP_REPLACE": _regexp_replace,
    "REGEXP_LIKE": _regexp_like,
    "REGEXP_SUBSTR": _regexp_substr,
    "RANDOM": _random,
}

_TSQL: dict[str, Rule] = {
    **_EVERYWHERE,
    "ISNULL": _coalesce_as_first,
    "IIF": _choice,
    "CHOOSE": _chosen,
    "CONCAT_WS": _joined,
    "LEN": call("t", INTEGER, "text_length_without_trailing_blanks"),
    "SUBSTRING": _cut,
    "LEFT": _side("text_left"),
    "RIGHT": _side("text_right"),
    "CHARINDEX": _placed,
    "STUFF": call("tiit", TEXT, "text_stuff"),
    "REVERSE": call("t", TEXT, "text_reverse"),
    "REPLICATE": call("ti", TEXT, "text_repeat"),
    "SPACE": template("i", TEXT, "printf('%*s', {0}, '')"),
    "TRANSLATE": _try,
    "CHAR": call("i", TEXT, "text_character"),
    "FORMAT": _net_format,
    "CEILING": _whole("CEIL"),
    "LOG10": _logarithm_to("10"),
    "SQUARE": template("n", FLOAT, "({0} * CAST({0} AS REAL))"),
    "PI": constant(_PI),
    "GETDATE": _now,
    "SYSDATETIME": _now,
    "GETUTCDATE": _now,
    "CURRENT_TIMESTAMP": _now,
    "YEAR": _part("year"),
    "MONTH": _part("month"),
    "DAY": _part("day"),
    "DATEPART": _named_part,
    "DATENAME": _named,
    "DATEADD": _added,
    "DATEDIFF": _unit_first("moment_boundaries", INTEGER),
    "DATEDIFF_BIG": _unit_first("moment_boundaries", INTEGER),
    "DATETRUNC": _truncated_moment,
    "DATEFROMPARTS": call("iii", DATE, "moment_make_date"),
    "EOMONTH": call("m", DATE, "moment_last_day"),
    "RAND": _random,
    "NEWID": _random,
}

_ORACLE: dict[str, Rule] = {
    **_EVERYWHERE,
    "NVL": _coalesce_of_two,
    "NVL2": _nvl2,
    "DECODE": _decode,
    "LENGTH": call("t", INTEGER, "text_length"),
    "SUBSTR": _cut,
    "INSTR": _text_before,
    "INITCAP": call("t", TEXT, "text_capitalised"),
    "LPAD": call("ti?t", TEXT, "text_pad_left"),
    "RPAD": call("ti?t", TEXT, "text_pad_right"),
    "REVERSE": _try,
    "CONVERT": _encoded,
    "TRANSLATE": call("ttt", TEXT, "text_mapped"),
    "CHR": call("i", TEXT, "text_character"),
    "CEIL": _whole("CEIL"),
    "TRUNC": _truncated,
    "MOD": _remainder,
    "LN": _logarithm_to(""),
    "TO_CHAR": _to_char,
    "TO_DATE": _to_date("date"),
    "TO_TIMESTAMP": _to_date("stamp"),
    "TO_NUMBER": _to_number,
    "ADD_MONTHS": _add_months,
    "MONTHS_BETWEEN": _months_between,
    "LAST_DAY": call("m", DATE, "moment_last_day"),
    "NEXT_DAY": call("mt", DATE, "moment_next_day"),
    "REGEXP_REPLACE": _regexp_replace,
    "REGEXP_LIKE": _regexp_like,
    "REGEXP_SUBSTR": _regexp_substr,
}

RULES: dict[str, dict[str, Rule]] = {
    "mysql": _MYSQL,
    "postgres": _POSTGRES,
    "tsql": _TSQL,
    "oracle": _ORACLE,
}
"""By dialect, the functions whose meaning is known.

Sources: MySQL 8.0 Reference Manual, chapter 14; PostgreSQL 16, chapter 9; Transact-SQL reference,
"Functions"; Oracle 19c SQL Language Reference, chapter 7."""


@says(exp.Anonymous)
def _called(reading: Reading, node: exp.Anonymous, scope: Scope) -> Said:
    name = str(node.this).upper()
    rule = RULES[reading.dialect].get(name)
    if rule is not None:
        around = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
        is_over = isinstance(around, exp.Window)
        return rule(Call(reading, name, node.expressions, scope, is_over))
    if name in vocabulary.FUNCTIONS[reading.dialect]:
        # What it is called with may be of no dialect.
        reading.expressions(node.expressions, scope)
        raise NotKnown(name)
    raise NotSpoken(f"the function {name}")


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
    return _cut(Call(reading, "SUBSTRING", nodes, scope))


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
