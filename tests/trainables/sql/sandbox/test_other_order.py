from __future__ import annotations

import sqlite3

import pytest

from trainables.sql.sandbox.other_order import has_choice_within, in_other_order, reorder

SCORES = """
CREATE TABLE s (id INTEGER PRIMARY KEY, team TEXT, points REAL);
INSERT INTO s VALUES (1, 'a', 7), (2, 'a', 7), (3, 'b', 0.5), (4, 'b', NULL);
"""


@pytest.fixture
def connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCORES)
    reorder(connection)
    return connection


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT id FROM s LIMIT 1", [(4,)]),
        ("SELECT * FROM (SELECT id FROM s ORDER BY points DESC LIMIT 1)", [(2,)]),
        ("SELECT * FROM (SELECT id FROM s WHERE id < 3 ORDER BY points, id LIMIT 1)", [(1,)]),
        ("SELECT id, ROW_NUMBER() OVER (ORDER BY team) FROM s WHERE id < 3", [(2, 1), (1, 2)]),
        ("SELECT id, RANK() OVER (ORDER BY team) FROM s WHERE id < 3", [(1, 1), (2, 1)]),
        ("SELECT team, GROUP_CONCAT(id) FROM s GROUP BY team", [("a", "2,1"), ("b", "4,3")]),
        ("SELECT GROUP_CONCAT(points, '; ') FROM s WHERE team = 'b'", [("0.5",)]),
        ("SELECT GROUP_CONCAT(points) FROM s WHERE 0", [(None,)]),
    ],
)
def test_turned(connection: sqlite3.Connection, statement: str, rows: list[object]) -> None:
    assert connection.execute(in_other_order(statement)).fetchall() == rows


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM s ORDER BY points",
        "SELECT SUM(points) OVER (PARTITION BY team ORDER BY points) FROM s",
        "SELECT 'ORDER BY x' FROM s -- ORDER BY x",
        "CREATE VIEW v AS SELECT * FROM (SELECT id FROM s ORDER BY points LIMIT 1)",
        "",
    ],
)
def test_what_makes_no_choice_stays(statement: str) -> None:
    assert in_other_order(statement) == statement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT id FROM s ORDER BY points LIMIT 1", False),
        ("SELECT id FROM s WHERE id = (SELECT id FROM s LIMIT 1)", True),
        ("SELECT ROW_NUMBER() OVER (ORDER BY team) FROM s", True),
        ("SELECT GROUP_CONCAT(id) FROM s", True),
        ("SELECT id, team FROM s GROUP BY team", True),
        ("INSERT INTO s (team) SELECT team FROM s", True),
        ("INSERT INTO s (team) VALUES ('limit')", False),
        ("DELETE FROM s", False),
        ("", False),
    ],
)
def test_has_choice_within(text: str, expected: bool) -> None:
    assert has_choice_within(text) is expected


def test_joined_text_is_as_sqlite_writes_it(connection: sqlite3.Connection) -> None:
    numbers = (1, 1.0, 0.1 + 0.2, 1e20, -2.5e-7, 9e999, -9e999, "it's", b"x")
    plain = sqlite3.connect(":memory:")
    for value in numbers:
        [(expected,)] = plain.execute("SELECT group_concat(?)", (value,)).fetchall()
        assert connection.execute("SELECT group_concat(?)", (value,)).fetchall() == [(expected,)]
