"""Functions of dates and times, and of texts made from them."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from trainables.sql.sandbox import clock
from trainables.sql.translation.arithmetic import as_text
from trainables.sql.translation.calls import Call, Rule
from trainables.sql.translation.dates import as_moment, part, part_of, truncated, unit_of
from trainables.sql.translation.intervals import shifted
from trainables.sql.translation.kinds import (
    DATE,
    FLOAT,
    INTEGER,
    LITERAL,
    STAMP,
    TEXT,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.literals import now
from trainables.sql.translation.reading import string


def between_by_unit(function: str, kind: Kind) -> Rule:
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


def added_by_unit(given: Call) -> Said:
    """T-SQL's DATEADD and MySQL's TIMESTAMPADD: a unit, how many, the moment."""
    if len(given.nodes) != 3:
        raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
    unit = unit_of(given.reading, given.nodes[0])
    amount, moment = given.reading.expressions(given.nodes[1:], given.scope)
    if amount.kind.name not in ("integer", "unknown"):
        raise NotKnown(f"{given.name} of a {amount.kind.name}")
    return shifted(given.reading, as_moment(given.reading, moment), ((amount.sql, unit),), "+")


def moved(sign: str) -> Rule:
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


def only_part(name: str) -> Rule:
    """A function that is one part of a moment."""

    def rule(given: Call) -> Said:
        [moment] = given.values("m")
        return part_of(given.reading, name, moment)

    return rule


def week(given: Call) -> Said:
    """MySQL's WEEK in modes 0 and 3."""
    values = given.values("m?i")
    mode = values[1].literal if len(values) > 1 else "0"
    name = {"0": "week, MySQL mode 0", "3": "ISO week"}.get(mode or "")
    if name is None:
        raise NotKnown("a mode of WEEK")
    return Said(given.reading.call("moment_part", values[0].sql, string(name)), INTEGER)


def named_part(given: Call) -> Said:
    """PostgreSQL's DATE_PART('year', d) and T-SQL's DATEPART(year, d)."""
    if len(given.nodes) != 2:
        raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
    name = given.nodes[0]
    if given.reading.is_of("postgres") and not (isinstance(name, exp.Literal) and name.is_string):
        raise NotKnown("DATE_PART of a computed part")
    said = part(given.reading, name.name, given.nodes[1], given.scope)
    # PostgreSQL's DATE_PART gives a float, unlike its EXTRACT.
    return replace(said, kind=FLOAT) if given.reading.is_of("postgres") else said


def part_in_words(given: Call) -> Said:
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


def truncated_moment(given: Call) -> Said:
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


def to_char(given: Call) -> Said:
    """TO_CHAR of PostgreSQL and Oracle, of moments and numbers."""
    reading = given.reading
    values = given.values("a?t")
    value = values[0]
    if len(values) == 1:
        if reading.is_of("postgres"):
            raise NotSpoken("TO_CHAR of one argument")
        if value.kind.name == "integer" or value.kind.is_text:
            return Said(f"CAST({value.sql} AS TEXT)", TEXT)
        if value.kind.name == "decimal":
            return as_text(reading, value)
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


def to_date(function: str) -> Rule:
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


def str_to_date(given: Call) -> Said:
    values = given.values("tt")
    pattern = values[1].literal
    if pattern is None:
        raise NotKnown("STR_TO_DATE with a computed format")
    timed = any(f"%{letter}" in pattern for letter in "HhIiklrSsTfp")
    return Said(
        given.reading.call("moment_read_mysql", values[0].sql, values[1].sql),
        STAMP if timed else DATE,
    )


def net_format(given: Call) -> Said:
    """T-SQL's FORMAT of dates and numbers."""
    value, pattern, *culture = given.values("at?a")
    if culture and (culture[0].literal or "").lower() != "en-us":
        raise NotKnown("FORMAT in another culture")
    if value.kind == LITERAL:
        raise NotSpoken("FORMAT of a text")
    if value.kind.is_number:
        return Said(given.reading.call("number_by_net", value.sql, pattern.sql), TEXT)
    if value.kind == UNKNOWN:
        raise NotKnown("FORMAT of a number or a date")
    moment = as_moment(given.reading, value)
    return Said(given.reading.call("moment_by_net", moment.sql, pattern.sql), TEXT)


def date_format(given: Call) -> Said:
    moment, pattern = given.values("mt")
    return Said(given.reading.call("moment_by_mysql", moment.sql, pattern.sql), TEXT)


def only_date(given: Call) -> Said:
    """DATE(d) of MySQL and PostgreSQL."""
    [moment] = given.values("m")
    return Said(given.reading.call("moment_date", moment.sql), DATE)


def this_moment(given: Call) -> Said:
    if given.nodes and not all(isinstance(node, exp.Literal) for node in given.nodes):
        raise NotSpoken(f"{given.name} of arguments")
    return now(given.reading)


def months_between(given: Call) -> Said:
    values = [value.sql for value in given.values("mm")]
    return Said(given.reading.call("moment_months_between", *values), Kind("decimal"))


def add_months(given: Call) -> Said:
    moment, count = given.values("mn")
    kind = moment.kind if moment.kind.is_moment else DATE
    return Said(given.reading.call("moment_add_months", moment.sql, count.sql), kind)


def days_between(given: Call) -> Said:
    values = [value.sql for value in given.values("mm")]
    return Said(given.reading.call("moment_days_between", *values), INTEGER)


TODAY = Said(string(clock.DATE), DATE)
