"""Functions of texts, regular expressions among them."""

from __future__ import annotations

from trainables.sql.translation.calls import Call, Rule
from trainables.sql.translation.kinds import (
    BOOLEAN,
    INTEGER,
    LITERAL,
    TEXT,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.reading import string


def concatenated(given: Call) -> Said:
    """CONCAT, which skips NULLs but in MySQL."""
    values = given.values("tt*" if given.reading.is_of("oracle", "tsql") else "t*")
    if given.reading.is_of("oracle") and len(values) != 2:
        raise NotSpoken("CONCAT of more than two texts")
    sqls = [value.sql for value in values]
    if given.reading.is_of("mysql"):
        return Said("(" + " || ".join(sqls) + ")" if len(sqls) > 1 else f"({sqls[0]} || '')", TEXT)
    joined = given.reading.call("text_concatenated", *sqls)
    return Said(f"NULLIF({joined}, '')" if given.reading.is_of("oracle") else joined, TEXT)


def or_null(rule: Rule) -> Rule:
    """Oracle takes an empty text for NULL."""

    def or_null(given: Call) -> Said:
        said = rule(given)
        return Said(f"NULLIF({said.sql}, '')", said.kind) if given.reading.is_of("oracle") else said

    return or_null


def replaced(given: Call) -> Said:
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


def joined(given: Call) -> Said:
    values = given.values("tt*")
    separator = values[0].sql
    if given.reading.is_of("tsql"):
        separator = f"COALESCE({separator}, '')"
    return Said(given.reading.call("text_joined", separator, *(v.sql for v in values[1:])), TEXT)


def _pattern_flags(given: Call, values: list[Said], place: int) -> int:
    """Reads the flags of a regular expression's function."""
    flags = values[place].literal if len(values) > place else ""
    if flags is None or set(flags) - set("gic"):
        raise NotKnown("flags of a regular expression")
    return 1 if "i" in flags else 0


def regexp_replace(given: Call) -> Said:
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


def regexp_substr(given: Call) -> Said:
    values = given.values("tt")
    any_case = "1" if given.reading.is_of("mysql") else "0"
    return Said(given.reading.call("text_found", values[0].sql, values[1].sql, any_case), TEXT)


def regexp_like(given: Call) -> Said:
    values = given.values("tt?t")
    any_case = _pattern_flags(given, values, 2) or given.reading.is_of("mysql")
    if len(values) > 2 and "c" in (values[2].literal or ""):
        any_case = 0
    name = "text_matches_in_any_case" if any_case else "text_matches"
    return Said(given.reading.call(name, values[0].sql, values[1].sql), BOOLEAN)


def place_in_second(given: Call) -> Said:
    """LOCATE, CHARINDEX: what is sought, then where; the case of letters does not count."""
    values = [value.sql for value in given.values("tt?i")]
    return Said(given.reading.call("text_place_in_any_case", *values), INTEGER)


def place_in_first(given: Call) -> Said:
    """INSTR and STRPOS: where, then what is sought."""
    if given.reading.is_of("oracle") and len(given.nodes) == 4:
        raise NotKnown("a later place of INSTR")
    values = [
        value.sql for value in given.values("tt?i" if given.reading.is_of("oracle") else "tt")
    ]
    values[0], values[1] = values[1], values[0]
    name = "text_place_in_any_case" if given.reading.is_of("mysql") else "text_place"
    return Said(given.reading.call(name, *values), INTEGER)


def cut(given: Call) -> Said:
    name = {
        "mysql": "text_cut_from_end",
        "oracle": "text_cut_of_oracle",
    }.get(given.reading.dialect, "text_cut")
    form = "tii" if given.reading.is_of("tsql") else "ti?i"
    return Said(given.reading.call(name, *(v.sql for v in given.values(form))), TEXT)


def side(function: str) -> Rule:
    """LEFT and RIGHT; a negative count is PostgreSQL's alone."""

    def rule(given: Call) -> Said:
        text, count = given.values("ti")
        if given.reading.is_of("postgres"):
            return Said(given.reading.call(function, text.sql, count.sql), TEXT)
        if given.reading.is_of("tsql") and (count.literal or "-").startswith("-"):
            raise NotKnown(f"{given.name} by a computed count")
        return Said(given.reading.call(function, text.sql, f"MAX(0, {count.sql})"), TEXT)

    return rule


def trimmed(side: str) -> Rule:
    def rule(given: Call) -> Said:
        values = given.values("t?t" if given.reading.is_of("postgres", "oracle") else "t")
        characters = values[1].sql if len(values) > 1 else "' '"
        return Said(
            given.reading.call("text_trimmed", string(side), values[0].sql, characters), TEXT
        )

    return rule


def encoded(given: Call) -> Said:
    """CONVERT of PostgreSQL and Oracle, between encodings."""
    given.values("aaa" if given.reading.is_of("postgres") else "aa?a")
    raise NotKnown("CONVERT between encodings")


def unnested(given: Call) -> Said:
    """PostgreSQL's UNNEST, of arrays alone."""
    for said in given.reading.expressions(given.nodes, given.scope):
        if said.kind.is_number or said.kind.name == "boolean":
            raise NotSpoken("UNNEST of what is no array")
    raise NotKnown("arrays")
