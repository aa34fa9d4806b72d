from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.sql.sandbox.comparison import Result, same_results
from trainables.sql.sandbox.database import Database, Limits
from trainables.sql.sandbox.ties import has_choice, tie_queries

SCORES = """
CREATE TABLE s (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, points INT);
INSERT INTO s VALUES (1, 'b', 5), (2, 'B', 7), (3, 'a', 7), (4, 'c', NULL);
"""


def groups(reference: str, context: str = SCORES) -> list[list[Any]] | None:
    with Database(Limits()) as database:
        database.run(context)
        [result] = database.run(reference, with_ties=True)
    return None if result.groups is None or result.is_unclear else [*map(sorted, result.groups)]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("SELECT id FROM s ORDER BY name", [[3], [1, 2], [4]]),
        ("SELECT id FROM s ORDER BY name COLLATE BINARY", [[2], [3], [1], [4]]),
        ("SELECT id FROM s ORDER BY 'x' || name COLLATE NOCASE", [[3], [1, 2], [4]]),
        ("SELECT id FROM s ORDER BY (name COLLATE BINARY)", [[2], [3], [1], [4]]),
        ("SELECT id FROM s ORDER BY points", [[4], [1], [2, 3]]),
        ("SELECT id FROM s ORDER BY points DESC", [[2, 3], [1], [4]]),
        ("SELECT id FROM s ORDER BY points NULLS LAST", [[1], [2, 3], [4]]),
        ("SELECT id FROM s ORDER BY points DESC NULLS FIRST", [[4], [2, 3], [1]]),
        ("SELECT id FROM s ORDER BY points DESC, name LIMIT 1", [[3], [2], [1], [4]]),
        ("SELECT id FROM s ORDER BY points IS NULL", [[1, 2, 3], [4]]),
        ("SELECT id FROM s ORDER BY points IS NOT DISTINCT FROM 7", [[1, 4], [2, 3]]),
        ("SELECT points IS NOT DISTINCT FROM 7 FROM s ORDER BY 1", [[0, 0], [1, 1]]),
        ("SELECT id, points IS NULL n FROM s ORDER BY n", [[1, 2, 3], [4]]),
        ('SELECT id, points AS "my points" FROM s ORDER BY [My Points]', [[4], [1], [2, 3]]),
        ("SELECT id, points AS p FROM s ORDER BY -p", [[4], [2, 3], [1]]),
        ("SELECT id, CASE WHEN points > 5 THEN 1 ELSE 0 END FROM s ORDER BY 2", [[1, 4], [2, 3]]),
        ("SELECT id FROM s ORDER BY CASE WHEN points > 5 THEN 1 ELSE 0 END", [[1, 4], [2, 3]]),
        ("SELECT id FROM s ORDER BY (SELECT points)", [[4], [1], [2, 3]]),
        ("SELECT id FROM s ORDER BY max(points, 6)", [[4], [1], [2, 3]]),
        ("SELECT s.id FROM s ORDER BY s.points", [[4], [1], [2, 3]]),
        ("SELECT id, s.* FROM s ORDER BY 4", [[4], [1], [2, 3]]),
        ("SELECT s.*, points AS p FROM s ORDER BY p", [[4], [1], [2, 3]]),
        ("SELECT id FROM s LIMIT 2", [[1, 2, 3, 4]]),
        ("SELECT max(id) FROM s GROUP BY points ORDER BY count(*)", [[1, 4], [3]]),
        ("SELECT max(id) FROM s GROUP BY points HAVING points ORDER BY count(*)", [[1], [3]]),
        ("SELECT id FROM s WINDOW w AS (ORDER BY id) ORDER BY points", [[4], [1], [2, 3]]),
        ("SELECT id FROM s ORDER BY rank() OVER (ORDER BY points)", [[4], [1], [2, 3]]),
        ("SELECT DISTINCT points FROM s ORDER BY points IS NULL", None),
        ("SELECT DISTINCT points IS NULL FROM s ORDER BY points IS NULL", [[0], [1]]),
        ("SELECT DISTINCT s.points FROM s ORDER BY points", [[None], [5], [7]]),
        ("SELECT id FROM s UNION SELECT 9 ORDER BY id DESC", [[9], [4], [3], [2], [1]]),
        ("SELECT id FROM s UNION SELECT 9 ORDER BY s.id LIMIT 1", [[1], [2], [3], [4], [9]]),
        ("WITH s AS (SELECT 1 id, 2 points) SELECT id FROM s ORDER BY points", [[1]]),
        ("SELECT id FROM s ORDER BY points -- best first\n", [[4], [1], [2, 3]]),
        ("SELECT id -- one\nFROM s ORDER BY/* so */points LIMIT 1 -- two", [[4], [1], [2, 3]]),
    ],
)
def test_groups(reference: str, expected: list[list[Any]] | None) -> None:
    found = groups(reference)
    assert (found and [sorted(row[0] for row in group) for group in found]) == expected


TERMS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "1", "2", "x", "a + b", "x + c", "-b", "abs(a - 1)"]),
        st.sampled_from(["", " ASC", " DESC", " NULLS LAST", " DESC NULLS FIRST"]),
    ),
    min_size=1,
    max_size=3,
)
CELLS = st.one_of(st.none(), st.integers(0, 2))
TABLE = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4)


# Each example runs every order of the rows.
@settings(max_examples=50)
@given(TABLE, TERMS, st.sampled_from(["", " LIMIT 2", " LIMIT 2 OFFSET 1"]))
def test_a_prediction_is_right_if_it_sorts_by_the_same_keys(
    table: list[tuple[Any, ...]], terms: list[tuple[str, str]], limit: str
) -> None:
    order = ", ".join(key + direction for key, direction in terms)
    rows = ", ".join(str(row).replace("None", "NULL") for row in table)
    context = "CREATE TABLE t (a INT, b INT, c INT);"
    context += f"INSERT INTO t VALUES {rows};" if rows else ""
    select = "SELECT a, b AS x FROM t ORDER BY " + order
    with Database(Limits()) as database:
        database.run(context)
        [reference] = database.run(select + limit, with_ties=True)
        assert not reference.is_unclear
        # Whichever of the tied rows comes first: what SQLite returns for any last key is allowed.
        for last in ("rowid", "rowid DESC", "c", "c DESC", "abs(rowid - 2)"):
            [found] = database.run(f"{select}, {last}{limit}")
            assert same_results([reference], [found]) is True
        # And nothing else is, of all orders of the rows.
        [whole] = database.run(f"SELECT a, x FROM ({select})")
        allowed = set()
        for choice in itertools.permutations(range(len(table))):
            keys = " ".join(f"WHEN {row + 1} THEN {place}" for place, row in enumerate(choice))
            last = f"CASE rowid {keys} END" if keys else "1"
            [found] = database.run(f"{select}, {last}{limit}")
            allowed.add(tuple(found.rows))
        for guess in itertools.permutations(whole.rows, len(reference.rows)):
            verdict = same_results([reference], [Result(2, list(guess), False)])
            assert verdict is (guess in allowed)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM t LIMIT 1", True),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 1)", False),
        ('SELECT "limit" FROM t -- ORDER BY a', False),
    ],
)
def test_has_choice(statement: str, expected: bool) -> None:
    assert has_choice(statement) is expected


@pytest.mark.parametrize(
    "statement", ["", "EXPLAIN SELECT 1 LIMIT 1", "INSERT INTO t SELECT 1 LIMIT 1", "SELECT"]
)
def test_what_is_no_select_has_no_tie_query(statement: str) -> None:
    assert not list(tie_queries(statement, ["a"]))


def test_an_offset_below_zero_leaves_out_nothing() -> None:
    with Database(Limits()) as database:
        database.run(SCORES)
        [result] = database.run("SELECT id FROM s ORDER BY id LIMIT 2 OFFSET -1", with_ties=True)
    assert (result.rows, result.offset) == ([(1,), (2,)], 0)
