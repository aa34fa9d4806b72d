"""The functions of each dialect by their names, and the rule of each."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.sandbox import clock
from trainables.sql.translation import vocabulary
from trainables.sql.translation.calls import Call, Rule, call, constant, template
from trainables.sql.translation.choice_functions import (
    by_condition,
    by_number,
    coalesce,
    coalesce_as_first,
    coalesce_of_two,
    decode,
    extreme,
    is_null,
    nullif,
    nvl2,
)
from trainables.sql.translation.kinds import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    STAMP,
    TEXT,
    TIME,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.moment_functions import (
    TODAY,
    add_months,
    added_by_unit,
    between_by_unit,
    date_format,
    days_between,
    months_between,
    moved,
    named_part,
    net_format,
    only_date,
    only_part,
    part_in_words,
    str_to_date,
    this_moment,
    to_char,
    to_date,
    truncated_moment,
    week,
)
from trainables.sql.translation.number_functions import (
    PI,
    absolute,
    grouped,
    logarithm,
    logarithm_to,
    power,
    random_number,
    remainder_of,
    root,
    rounded,
    signum,
    to_number,
    truncated_value,
    whole,
)
from trainables.sql.translation.reading import Reading, Scope, says, string
from trainables.sql.translation.text_functions import (
    concatenated,
    cut,
    encoded,
    joined,
    or_null,
    place_in_first,
    place_in_second,
    regexp_like,
    regexp_replace,
    regexp_substr,
    replaced,
    side,
    trimmed,
    unnested,
)


def _try(given: Call) -> Said:
    raise NotKnown(given.name)


def _format_of_texts(given: Call) -> Said:
    """PostgreSQL's FORMAT('%s', ...), whose first argument is a text."""
    first = given.values("aa*")[0]
    if not (first.kind.is_text or first.kind.name in ("unknown", "null")):
        raise NotSpoken(f"FORMAT of a {first.kind.name}")
    raise NotKnown("FORMAT")


_EVERYWHERE: dict[str, Rule] = {
    "COALESCE": coalesce,
    "NULLIF": nullif,
    "UPPER": call("t", TEXT, "text_upper"),
    "LOWER": call("t", TEXT, "text_lower"),
    "REPLACE": or_null(replaced),
    "CONCAT": concatenated,
    "LTRIM": or_null(trimmed("LEADING")),
    "RTRIM": or_null(trimmed("TRAILING")),
    "ABS": absolute,
    "SIGN": signum,
    "ROUND": rounded,
    "FLOOR": whole("FLOOR"),
    "POWER": power,
    "SQRT": root,
    "EXP": call("n", FLOAT, "EXP"),
    "LOG": logarithm,
    "SIN": call("n", FLOAT, "SIN"),
    "COS": call("n", FLOAT, "COS"),
    "TAN": call("n", FLOAT, "TAN"),
    "ASCII": call("t", INTEGER, "text_code"),
    "GREATEST": extreme("greatest_given"),
    "LEAST": extreme("least_given"),
}


_MYSQL: dict[str, Rule] = {
    **_EVERYWHERE,
    "IFNULL": coalesce_of_two,
    "ISNULL": is_null,
    "UCASE": call("t", TEXT, "text_upper"),
    "LCASE": call("t", TEXT, "text_lower"),
    "CONCAT_WS": joined,
    "LENGTH": call("t", INTEGER, "text_bytes"),
    "OCTET_LENGTH": call("t", INTEGER, "text_bytes"),
    "CHAR_LENGTH": call("t", INTEGER, "text_length"),
    "CHARACTER_LENGTH": call("t", INTEGER, "text_length"),
    "SUBSTR": cut,
    "MID": cut,
    "LEFT": side("text_left"),
    "RIGHT": side("text_right"),
    "SUBSTRING_INDEX": call("tti", TEXT, "text_part_up_to"),
    "LOCATE": place_in_second,
    "INSTR": place_in_first,
    "REVERSE": call("t", TEXT, "text_reverse"),
    "REPEAT": call("ti", TEXT, "text_repeat"),
    "SPACE": template("i", TEXT, "printf('%*s', {0}, '')"),
    "LPAD": call("tit", TEXT, "text_pad_left"),
    "RPAD": call("tit", TEXT, "text_pad_right"),
    "INSERT": call("tiit", TEXT, "text_insert"),
    "FIELD": call("aa*", INTEGER, "text_place_among"),
    "FIND_IN_SET": call("tt", INTEGER, "text_place_in_list"),
    "ELT": by_number,
    "STRCMP": call("tt", INTEGER, "text_compared"),
    "MD5": call("t", TEXT, "text_md5"),
    "FORMAT": grouped,
    "CEIL": whole("CEIL"),
    "CEILING": whole("CEIL"),
    "TRUNCATE": truncated_value,
    "MOD": remainder_of,
    "POW": power,
    "LN": logarithm_to(""),
    "LOG2": logarithm_to("2"),
    "LOG10": logarithm_to("10"),
    "PI": constant(PI),
    "NOW": this_moment,
    "SYSDATE": this_moment,
    "CURRENT_TIMESTAMP": this_moment,
    "LOCALTIME": this_moment,
    "LOCALTIMESTAMP": this_moment,
    "UTC_TIMESTAMP": this_moment,
    "CURDATE": constant(TODAY),
    "CURRENT_DATE": constant(TODAY),
    "UTC_DATE": constant(TODAY),
    "CURTIME": constant(Said(string(clock.TIME), TIME)),
    "CURRENT_TIME": constant(Said(string(clock.TIME), TIME)),
    "DATE": only_date,
    "TIME": call("m", TIME, "moment_time"),
    "TIMESTAMP": call("m", STAMP, "moment_full"),
    "YEAR": only_part("year"),
    "QUARTER": only_part("quarter"),
    "MONTH": only_part("month"),
    "DAY": only_part("day"),
    "DAYOFMONTH": only_part("day"),
    "HOUR": only_part("hour"),
    "MINUTE": only_part("minute"),
    "SECOND": only_part("second"),
    "DAYOFWEEK": only_part("weekday, Sunday is 1"),
    "WEEKDAY": only_part("weekday, Monday is 0"),
    "DAYOFYEAR": only_part("day of the year"),
    "WEEK": week,
    "WEEKOFYEAR": only_part("ISO week"),
    "MONTHNAME": only_part("name of the month"),
    "DAYNAME": only_part("name of the weekday"),
    "LAST_DAY": call("m", DATE, "moment_last_day"),
    "DATE_FORMAT": date_format,
    "STR_TO_DATE": str_to_date,
    "DATE_ADD": moved("+"),
    "DATE_SUB": moved("-"),
    "ADDDATE": moved("+"),
    "SUBDATE": moved("-"),
    "DATEDIFF": days_between,
    "TIMESTAMPDIFF": between_by_unit("moment_completed", INTEGER),
    "TIMESTAMPADD": added_by_unit,
    "MAKEDATE": call("ii", DATE, "moment_day_of_year"),
    "TO_DAYS": call("m", INTEGER, "moment_to_days"),
    "FROM_DAYS": call("i", DATE, "moment_from_days"),
    "REGEXP_LIKE": regexp_like,
    "REGEXP_REPLACE": regexp_replace,
    "REGEXP_SUBSTR": regexp_substr,
    "RAND": random_number,
}


_POSTGRES: dict[str, Rule] = {
    **_EVERYWHERE,
    "CONCAT_WS": joined,
    "LENGTH": call("t", INTEGER, "text_length"),
    "CHAR_LENGTH": call("t", INTEGER, "text_length"),
    "CHARACTER_LENGTH": call("t", INTEGER, "text_length"),
    "OCTET_LENGTH": call("t", INTEGER, "text_bytes"),
    "SUBSTR": cut,
    "LEFT": side("text_left"),
    "RIGHT": side("text_right"),
    "BTRIM": trimmed("BOTH"),
    "CONVERT": encoded,
    "UNNEST": unnested,
    "STRPOS": place_in_first,
    "REVERSE": call("t", TEXT, "text_reverse"),
    "REPEAT": call("ti", TEXT, "text_repeat"),
    "LPAD": call("ti?t", TEXT, "text_pad_left"),
    "RPAD": call("ti?t", TEXT, "text_pad_right"),
    "INITCAP": call("t", TEXT, "text_capitalised"),
    "FORMAT": _format_of_texts,
    "SPLIT_PART": call("tti", TEXT, "text_part_between"),
    "TRANSLATE": call("ttt", TEXT, "text_mapped"),
    "STARTS_WITH": template("tt", BOOLEAN, "(SUBSTR({0}, 1, LENGTH({1})) = {1})"),
    "CHR": call("i", TEXT, "text_character"),
    "MD5": call("t", TEXT, "text_md5"),
    "CEIL": whole("CEIL"),
    "CEILING": whole("CEIL"),
    "TRUNC": truncated_value,
    "MOD": remainder_of,
    "DIV": template("nn", INTEGER, "CAST({0} / {1} AS INTEGER)"),
    "POW": power,
    "CBRT": _try,
    "LN": logarithm_to(""),
    "LOG10": logarithm_to("10"),
    "PI": constant(PI),
    "NOW": this_moment,
    "DATE": only_date,
    "DATE_PART": named_part,
    "DATE_TRUNC": truncated_moment,
    "MAKE_DATE": call("iii", DATE, "moment_make_date"),
    "TO_CHAR": to_char,
    "TO_DATE": to_date("date"),
    "TO_TIMESTAMP": to_date("stamp"),
    "REGEXP_REPLACE": regexp_replace,
    "REGEXP_LIKE": regexp_like,
    "REGEXP_SUBSTR": regexp_substr,
    "RANDOM": random_number,
}


_TSQL: dict[str, Rule] = {
    **_EVERYWHERE,
    "ISNULL": coalesce_as_first,
    "IIF": by_condition,
    "CHOOSE": by_number,
    "CONCAT_WS": joined,
    "LEN": call("t", INTEGER, "text_length_without_trailing_blanks"),
    "SUBSTRING": cut,
    "LEFT": side("text_left"),
    "RIGHT": side("text_right"),
    "CHARINDEX": place_in_second,
    "STUFF": call("tiit", TEXT, "text_stuff"),
    "REVERSE": call("t", TEXT, "text_reverse"),
    "REPLICATE": call("ti", TEXT, "text_repeat"),
    "SPACE": template("i", TEXT, "printf('%*s', {0}, '')"),
    "TRANSLATE": _try,
    "CHAR": call("i", TEXT, "text_character"),
    "FORMAT": net_format,
    "CEILING": whole("CEIL"),
    "LOG10": logarithm_to("10"),
    "SQUARE": template("n", FLOAT, "({0} * CAST({0} AS REAL))"),
    "PI": constant(PI),
    "GETDATE": this_moment,
    "SYSDATETIME": this_moment,
    "GETUTCDATE": this_moment,
    "CURRENT_TIMESTAMP": this_moment,
    "YEAR": only_part("year"),
    "MONTH": only_part("month"),
    "DAY": only_part("day"),
    "DATEPART": named_part,
    "DATENAME": part_in_words,
    "DATEADD": added_by_unit,
    "DATEDIFF": between_by_unit("moment_boundaries", INTEGER),
    "DATEDIFF_BIG": between_by_unit("moment_boundaries", INTEGER),
    "DATETRUNC": truncated_moment,
    "DATEFROMPARTS": call("iii", DATE, "moment_make_date"),
    "EOMONTH": call("m", DATE, "moment_last_day"),
    "RAND": random_number,
    "NEWID": random_number,
}


_ORACLE: dict[str, Rule] = {
    **_EVERYWHERE,
    "NVL": coalesce_of_two,
    "NVL2": nvl2,
    "DECODE": decode,
    "LENGTH": call("t", INTEGER, "text_length"),
    "SUBSTR": cut,
    "INSTR": place_in_first,
    "INITCAP": call("t", TEXT, "text_capitalised"),
    "LPAD": call("ti?t", TEXT, "text_pad_left"),
    "RPAD": call("ti?t", TEXT, "text_pad_right"),
    "REVERSE": _try,
    "CONVERT": encoded,
    "TRANSLATE": call("ttt", TEXT, "text_mapped"),
    "CHR": call("i", TEXT, "text_character"),
    "CEIL": whole("CEIL"),
    "TRUNC": truncated_value,
    "MOD": remainder_of,
    "LN": logarithm_to(""),
    "TO_CHAR": to_char,
    "TO_DATE": to_date("date"),
    "TO_TIMESTAMP": to_date("stamp"),
    "TO_NUMBER": to_number,
    "ADD_MONTHS": add_months,
    "MONTHS_BETWEEN": months_between,
    "LAST_DAY": call("m", DATE, "moment_last_day"),
    "NEXT_DAY": call("mt", DATE, "moment_next_day"),
    "REGEXP_REPLACE": regexp_replace,
    "REGEXP_LIKE": regexp_like,
    "REGEXP_SUBSTR": regexp_substr,
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
    if name in ("ALL", "ANY", "SOME") and reading.is_of("postgres"):
        raise NotKnown(f"{name} of an array")
    raise NotSpoken(f"the function {name}")
