"""What translations call: values as documented, and bounds on what a call may take."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.sql.sandbox import functions, moments, numbers, text_patterns
from trainables.sql.sandbox.database import Database, Limits, SqlFailed
from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown, TooLarge

VALUES = [
    ("moment_shift('2024-01-31', 1, 'month')", "2024-02-29"),
    ("moment_shift('2024-03-31', -13, 'month')", "2023-02-28"),
    ("moment_shift('2024-01-31', 1, 'day')", "2024-02-01"),
    ("moment_shift('2024-01-31', 1, 'hour')", "2024-01-31 01:00:00"),
    ("moment_shift('2024-01-31 23:30:00', 0.5, 'hour')", "2024-02-01 00:00:00"),
    ("moment_add_months('2024-02-29', 1)", "2024-03-31"),
    ("moment_truncate('2024-02-29 10:11:12', 'week')", "2024-02-26"),
    ("moment_truncate('2024-08-29 10:11:12', 'quarter')", "2024-07-01"),
    ("moment_truncate('2024-08-29 10:11:12', 'hour')", "2024-08-29 10:00:00"),
    ("moment_boundaries('year', '2023-12-31', '2024-01-01')", 1),
    ("moment_boundaries('month', '2024-02-01', '2024-01-31')", -1),
    ("moment_boundaries('week', '2024-01-06', '2024-01-07')", 1),
    ("moment_completed('month', '2024-01-31', '2024-02-29')", 0),
    ("moment_completed('year', '2024-03-01', '2020-03-02')", -3),
    ("moment_completed('second', '2024-01-01 00:00:01', '2024-01-01')", -1),
    ("moment_months_between('2024-03-15', '2024-01-15 12:00:00')", 2),
    ("moment_age_part('2001-04-10', '1957-06-13', 'day')", 27),
    ("moment_part('2024-01-07', 'weekday, Sunday is 1')", 1),
    ("moment_part('2023-01-01', 'ISO week')", 52),
    ("moment_by_mysql('2024-01-22', '%D %j %x-%v')", "22nd 022 2024-04"),
    ("moment_by_postgres('2024-05-01', 'Day-FMDay')", "Wednesday-Wednesday"),
    ("moment_by_postgres('2024-05-01', 'MONTH-')", "MAY      -"),
    ("moment_by_net('2024-05-01 15:04:05', 'h:mm tt')", "3:04 PM"),
    ("moment_read_mysql('31.12.2024 10:05', '%d.%m.%Y %H:%i')", "2024-12-31 10:05:00"),
    ("moment_read_mysql('no date', '%d.%m.%Y')", None),
    ("moment_read_date('5-JAN-2024', 'DD-MON-YYYY')", "2024-01-05"),
    ("number_round(2.675, 2)", 2.68),
    ("number_round(-2.5, 0)", -3.0),
    ("number_round(1250, -2)", 1300),
    ("number_truncate(-1.999, 1)", -1.9),
    ("number_divide(-7, 2)", -3),
    ("number_divide(-7.0, 2)", -3.5),
    ("number_remainder(-7, 3)", -1),
    ("number_remainder(7.5, 2)", 1.5),
    ("number_remainder_or_null(7, 0)", None),
    ("number_grouped(-1234567.891, 2)", "-1,234,567.89"),
    ("number_by_template(1234.5, '99,999.99')", "  1,234.50"),
    ("number_by_template(0.5, '990.0')", "   0.5"),
    ("number_by_net(0.256, '0.00')", "0.26"),
    ("text_cut_from_end('Sakila', -5, 3)", "aki"),
    ("text_cut('abcdef', 0, 3)", "ab"),
    ("text_left('abcde', -2)", "abc"),
    ("text_right('abcde', -2)", "cde"),
    ("text_joined('-', 'a', NULL, 3)", "a-3"),
    ("text_concatenated('a', NULL, 3)", "a3"),
    ("text_length_without_trailing_blanks(' ab  ')", 3),
    ("text_trimmed_of_text('BOTH', 'xyxyaxy', 'xy')", "a"),
    ("text_trimmed('BOTH', 'xyxyaxy', 'xy')", "a"),
    ("text_like('Anna', 'a%', NULL)", 0),
    ("text_like_in_any_case('Anna', 'a_N%', NULL)", 1),
    ("text_like('50%', '50!%', '!')", 1),
    ("text_like_of_tsql('bob', '[a-c]%', NULL)", 1),
    ("text_like(NULL, 'a', NULL)", None),
    ("text_matches('abc', '^(b|c)')", 0),
    ("text_matches('x1', '[[:alpha:]][[:digit:]]')", 1),
    ("text_place_in_any_case('B', 'abAB', 3)", 4),
    ("greatest_given(1, NULL, 3)", 3),
    ("least_given(NULL, NULL)", None),
]

AGGREGATES = [
    ("sample_deviation(x)", "(1), (2), (3), (NULL)", 1.0),
    ("population_variance(x)", "(1), (3)", 1.0),
    ("sample_variance(x)", "(1)", None),
    ("oracle_variance(x)", "(1)", 0.0),
    ("percentile(x, 0.5)", "(1), (2), (4), (9)", 3.0),
    ("discrete_percentile(x, 0.5)", "(1), (2), (4), (9)", 2),
    ("mode_of(x)", "(1), (2), (2)", 2),
    ("all_of(x)", "(1), (0), (NULL)", 0),
    ("any_of(x)", "(NULL)", None),
    ("joined_in_order(x, '-', 0, -1, 1, x)", "('a'), ('c'), ('b')", "c-b-a"),
    ("joined_in_order(x, '-', 1, 1, 1, x)", "('b'), ('a'), ('b')", "a-b"),
]

UNKNOWN = [
    "moment_date('1/5/2024')",
    "moment_by_mysql('2024-01-05', '%U')",
    "moment_by_postgres('2024-01-05', 'SSSSSS')",
    "moment_by_net('2024-01-05', 'g')",
    "moment_by_style('2024-01-05', 130)",
    "number_by_template(12345, '999')",
    "number_round_float(2.5, 0)",
    "text_said(1.5)",
    "text_matches('x', '(?<=a)b')",
    "text_matches('x', '(a+)+b')",
    "text_found('ab', 'a|ab', 0)",
    "text_replaced('a', 'a', '\\1', 1, 0)",
    "moment_shift('2024-01-05', 9999, 'year')",
]

REFUSED = [
    "moment_date('2023-02-29')",
    "number_divide(1, 0)",
    "number_read('12x')",
    "number_logarithm(0)",
    "moment_read_date('2024-13-01', 'YYYY-MM-DD')",
]

COSTLY = {
    "a long repetition": "SELECT text_repeat('ab', 1000000)",
    "a long padding": "SELECT text_pad_left('a', 2000000, 'b')",
    "a long text of texts": "WITH c(x) AS (SELECT text_repeat('a', 900000))"
    " SELECT text_concatenated(x, x) FROM c",
    "calls without end": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT text_length(x) + x"
    " FROM c) SELECT COUNT(*) FROM c",
    "many calls": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 40000)"
    " SELECT SUM(text_length(x)) FROM c",
    "a group without end": "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
    " SELECT percentile(x, 0.5) FROM c",
}


def ran(text: str) -> Any:
    with Database(Limits(), sorted(functions.NAMES)) as database:
        return database.run(text)[0].rows[0][0]


@pytest.mark.parametrize(("call", "value"), VALUES)
def test_values(call: str, value: Any) -> None:
    assert ran(f"SELECT {call}") == value


@pytest.mark.parametrize(("call", "rows", "value"), AGGREGATES)
def test_aggregates(call: str, rows: str, value: Any) -> None:
    assert ran(f"WITH t(x) AS (VALUES {rows}) SELECT {call} FROM t") == value


@pytest.mark.parametrize("call", UNKNOWN)
def test_what_is_not_known_is_not_guessed(call: str) -> None:
    with pytest.raises(SqlFailed) as failed:
        ran(f"SELECT {call}")
    assert failed.value.kind == "unknown"


@pytest.mark.parametrize("call", REFUSED)
def test_what_every_system_refuses(call: str) -> None:
    with pytest.raises(SqlFailed) as failed:
        ran(f"SELECT {call}")
    assert failed.value.kind == "value"


@pytest.mark.parametrize("name", COSTLY)
def test_calls_are_bounded(name: str) -> None:
    with pytest.raises(SqlFailed) as failed:
        ran(COSTLY[name])
    assert failed.value.kind == "limit"


def test_a_pattern_is_bounded_by_the_length_of_the_text() -> None:
    assert not text_patterns.matches("a" * 1_000, ".*b.*c")
    with pytest.raises(MeaningUnknown, match="may take long"):
        text_patterns.matches("a" * 100_000, ".*b.*c")


def test_a_text_knows_no_function_that_it_does_not_name() -> None:
    with Database(Limits()) as database, pytest.raises(SqlFailed, match="no such function"):
        database.run("SELECT text_reverse('ab')")


@pytest.mark.parametrize("name", sorted(functions.NAMES))
def test_null_is_null(name: str) -> None:
    connection = sqlite3.connect(":memory:")
    functions.register(connection, [name], lambda _: None)
    nulls = ", ".join(["NULL"] * 3)
    try:
        assert connection.execute(f"SELECT {name}({nulls})").fetchone() in [(None,), ("",), (0,)]
    except sqlite3.OperationalError:
        # An aggregate, or a function of other than three values.
        assert name not in ("text_joined", "greatest_given", "least_given")


@given(st.dates(), st.integers(-500, 500))
def test_months_lead_to_the_same_day_or_the_last(day: Any, months: int) -> None:
    try:
        later = moments.read(moments.shift(day.isoformat(), months, "month")).at
    except MeaningUnknown:
        return
    assert later.day == day.day or moments.last_day(later.date().isoformat()) == str(later.date())
    assert moments.boundaries("month", day.isoformat(), str(later.date())) == months


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6).filter(bool))
def test_quotient_and_remainder_make_the_number(number: int, by: int) -> None:
    quotient, rest = numbers.divide(number, by), numbers.remainder(number, by)
    assert quotient * by + rest == number
    assert abs(rest) < abs(by)


@given(st.text(max_size=30), st.text(alphabet="ab.*+?()[]|^$\\{}1,", max_size=12))
def test_any_pattern_is_matched_or_refused(text: str, pattern: str) -> None:
    try:
        assert text_patterns.matches(text, pattern) in (True, False)
    except (MeaningUnknown, FailsThere, TooLarge):
        return
