"""Columns of decimals stay decimals where their values are whole."""

from __future__ import annotations

import sqlite3

import pytest

from trainables.sql.sandbox.decimals import TYPE, as_floats
from trainables.sql.sandbox.schema import affinity

COLUMNS = "CREATE TABLE t (id INT, p DECIMAL(10,2), [q r] numeric ( 8 , 2 ) NOT NULL)"


def test_a_whole_decimal_is_divided_as_a_decimal() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(as_floats(f"{COLUMNS}; INSERT INTO t VALUES (1, 10.00, 5)"))
    row = connection.execute("SELECT p / 4, [q r] / 2, id / 2, p = 10 FROM t").fetchone()
    assert row == (2.5, 2.5, 0, 1)


def test_a_column_that_is_added_is_one_too() -> None:
    said = as_floats("ALTER TABLE t ADD COLUMN z DECIMAL(6,1); ALTER TABLE t ADD y DEC(4,1)")
    assert said == f"ALTER TABLE t ADD COLUMN z {TYPE}(6,1); ALTER TABLE t ADD y {TYPE}(4,1)"


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (id INT, n DECIMAL, m NUMERIC(9), k DECIMAL(9,0))",
        "SELECT CAST(p AS DECIMAL(10,2)) FROM t",
        "CREATE TABLE u AS SELECT CAST(p AS DECIMAL(10,2)) AS p FROM t",
        "CREATE TABLE t (id INT CHECK (CAST(id AS DECIMAL(4,2)) > 1))",
        "INSERT INTO t VALUES ('p DECIMAL(10,2)')",
        "CREATE TABLE t (id INT) -- p DECIMAL(10,2)",
        "SELECT decimal(1, 2)",
    ],
)
def test_nothing_else_changes(text: str) -> None:
    assert as_floats(text) == text


def test_the_type_is_still_a_decimal_to_whoever_compares_schemas() -> None:
    assert affinity(f"{TYPE}(10,2)") == affinity("DECIMAL(10,2)") == "numeric"
