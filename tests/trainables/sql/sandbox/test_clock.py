from __future__ import annotations

import sqlite3

import pytest

from trainables.sql.sandbox.clock import DATE, TIME, at_fixed_time


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SELECT CURRENT_TIMESTAMP", f"{DATE} {TIME}"),
        ("SELECT max(1, CURRENT_DATE)", DATE),
        ("SELECT a FROM (SELECT 1, current_date AS a)", DATE),
        ("SELECT current_date", DATE),
        ("SELECT Current_Time", TIME),
        ("SELECT date('now')", DATE),
        ("SELECT DATE ( 'NOW' )", DATE),
        ("SELECT date()", DATE),
        ("SELECT datetime( )", f"{DATE} {TIME}"),
        ("SELECT time('now', '-1 hour')", "11:34:56"),
        ("SELECT date('now', 'start of month')", "2024-07-01"),
        ("SELECT strftime('%Y', 'now')", "2024"),
        ("SELECT date(coalesce(NULL, date('now')))", DATE),
        ("SELECT julianday('now') - julianday(CURRENT_TIMESTAMP)", 0.0),
    ],
)
def test_questions_for_the_time_are_answered(text: str, value: object) -> None:
    assert sqlite3.connect(":memory:").execute(at_fixed_time(text)).fetchall() == [(value,)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'now'",
        "SELECT upper('now')",
        "SELECT 'CURRENT_DATE' -- date('now')",
        "SELECT known FROM snow WHERE status = 'now'",
        "SELECT t.current_date FROM t",
        "SELECT a AS current_date FROM t",
        'SELECT "current_date" FROM t',
        "SELECT date(day) FROM t",
        "SELECT date(known), time(snowy), date(unow1) FROM t",
        "CREATE TABLE t (id INT, current_time TEXT)",
        "CREATE TEMP TABLE t (current_date TEXT, current_timestamp)",
        "INSERT INTO t (id, current_time) VALUES (1, 'a')",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert at_fixed_time(text) == text
