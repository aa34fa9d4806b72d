"""A CSV that a spreadsheet opens runs nothing, and its numbers stay numbers."""

from __future__ import annotations

import datetime
import decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.terminal.csv_cells import FORMULA, NUMBER, csv_cell

FORMULAS = [
    "=1+1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\n=1",
    "=cmd|' /C calc'!A0",
    "\uff1d1",
    "-",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_shown_as_text(text: str) -> None:
    assert csv_cell(text, raw=False) == "'" + text
    assert csv_cell(text, raw=True) == text


def test_a_carriage_return_is_quoted_and_written_out() -> None:
    assert csv_cell("\r=1", raw=False) == "'\\r=1"


@pytest.mark.parametrize(
    "value",
    [
        -0.5,
        -3,
        1e-9,
        decimal.Decimal("-0.5"),
        None,
        "-0.5",
        "+1",
        "-1e-05",
        "-.5",
        "a=1",
        "lora r=8",
    ],
)
def test_numbers_and_other_texts_stay(value: object) -> None:
    assert csv_cell(value, raw=False) == value


def test_what_acts_on_a_terminal_is_written_out() -> None:
    assert csv_cell("a\x1b[2J\u202eb\nc", raw=False) == "a\\x1b[2J\\u202eb\nc"
    assert csv_cell("a\x1b[2J", raw=True) == "a\x1b[2J"


def test_truth_and_nested_values_are_json() -> None:
    assert csv_cell([True, {"a": "=\x9b"}], raw=False) == '[true, {"a": "=\\u009b"}]'
    assert csv_cell(True, raw=False) == "true"
    assert csv_cell(datetime.date(2026, 3, 1), raw=False) == datetime.date(2026, 3, 1)


@given(st.text(st.sampled_from("=+-@\t\r\n1.eEa\uff1d"), max_size=6) | st.text())
def test_the_expressions_mean_the_same_to_duckdb(text: str) -> None:
    text = text.replace("\x00", "").encode("utf-8", "ignore").decode()
    found = duckdb.execute(
        f"SELECT regexp_matches($1, '{FORMULA}') AND NOT regexp_full_match($1, '{NUMBER}')", [text]
    ).fetchone()
    assert found is not None
    changed = csv_cell(text, raw=False) != csv_cell("a" + text, raw=False)[1:]
    assert found[0] == changed
