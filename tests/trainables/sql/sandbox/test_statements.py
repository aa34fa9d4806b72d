from __future__ import annotations

import sqlite3
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.sql.sandbox.statements import is_ordered, split_statements

TRIGGER = "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; SELECT 1; END"


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; SELECT \";\"", ["SELECT ';'", 'SELECT ";"']),
        ("SELECT 'it''s; fine'", ["SELECT 'it''s; fine'"]),
        ("SELECT 1 -- a; b\n; SELECT 2", ["SELECT 1 -- a; b", "SELECT 2"]),
        ("/* a; b */ SELECT 1", ["/* a; b */ SELECT 1"]),
        ("SELECT [a;b], `c;d`", ["SELECT [a;b], `c;d`"]),
        (f"{TRIGGER}; SELECT 2", [TRIGGER, "SELECT 2"]),
        ("", []),
        (" ;; -- nothing\n /* at all */ ;", []),
        ("SELECT 'never ends; ", ["SELECT 'never ends;"]),
    ],
)
def test_split_statements(text: str, statements: list[str]) -> None:
    assert split_statements(text) == statements


@given(
    st.lists(st.sampled_from(["'", '"', ";", "--", "\n", "/*", "*/", "a", "[", "]"]), max_size=12)
)
def test_each_piece_is_one_statement_to_sqlite(pieces: list[str]) -> None:
    connection = sqlite3.connect(":memory:")
    for statement in split_statements(" ".join(pieces)):
        with suppress(sqlite3.OperationalError):
            # Two statements in one would be a ProgrammingError.
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("select a from t order /* so */ by\n a", True),
        ("SELECT a FROM t UNION SELECT b FROM t ORDER BY 1", True),
        ("WITH c AS (SELECT 1) SELECT * FROM c ORDER BY 1 LIMIT 3", True),
        ("SELECT a FROM t", False),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a)", False),
        ("SELECT ROW_NUMBER() OVER (ORDER BY a) FROM t", False),
        ("SELECT 'ORDER BY' FROM t -- ORDER BY a", False),
        ('SELECT "order" FROM t', False),
    ],
)
def test_is_ordered(statement: str, ordered: bool) -> None:
    assert is_ordered(statement) is ordered
