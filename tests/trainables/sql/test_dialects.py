from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.sql.dialects import meanings
from trainables.sql.execution import SqlExecutor

CONTEXT = (
    "CREATE TABLE t (id INT, d DATE, a TEXT, n REAL);"
    "INSERT INTO t VALUES (1, '2020-03-15', 'abc', 1.5), (2, '2021-07-01', 'def', 2.5);"
)

SAID = [
    ("SELECT TOP 1 id FROM t ORDER BY id", "SELECT 1"),
    ("SELECT YEAR(d) FROM t", "SELECT 2021 UNION SELECT 2020"),
    ("SELECT EXTRACT(MONTH FROM d) FROM t", "SELECT 3 UNION SELECT 7"),
    ("SELECT DATE_PART('day', d) FROM t", "SELECT 15 UNION SELECT 1"),
    ("SELECT DATE_SUB(d, INTERVAL 1 DAY) FROM t WHERE id = 1", "SELECT '2020-03-14'"),
    ("SELECT DATEADD(year, 1, d) FROM t", "SELECT '2021-03-15' UNION SELECT '2022-07-01'"),
    ("SELECT id FROM t WHERE d > '2021-08-01'::date - INTERVAL '3 months'", "SELECT 2"),
    ("SELECT id FROM t WHERE d > NOW() - INTERVAL 1 DAY", "SELECT id FROM t WHERE 0"),
    ("SELECT DATE_TRUNC('month', d) FROM t", "SELECT '2020-03-01' UNION SELECT '2021-07-01'"),
    ("SELECT LEFT(a, 2), RIGHT(a, 1) FROM t", "SELECT 'ab', 'c' UNION SELECT 'de', 'f'"),
    ("SELECT CONCAT(a, '-', id) FROM t", "SELECT 'abc-1' UNION SELECT 'def-2'"),
    ("SELECT id FROM t WHERE a ILIKE 'AB%'", "SELECT 1"),
    ("SELECT IF(id > 1, 'x', 'y') FROM t", "SELECT 'y' UNION SELECT 'x'"),
    ("SELECT 'it\\'s' FROM t WHERE id = 1", "SELECT 'it''s'"),
    ("SELECT STRING_AGG(a, '+') FROM t", "SELECT 'abc+def'"),
    ("TRUNCATE TABLE t", "DELETE FROM t"),
]

WORDS = ["SELECT", "(", ")", "t", "-", "INTERVAL", "1", "YEAR", "'", "EXTRACT", "FROM", "LEFT"]


@pytest.mark.parametrize(("foreign", "native"), SAID)
def test_a_statement_of_another_dialect_does_what_it_says(foreign: str, native: str) -> None:
    with SqlExecutor() as executor:
        rows = executor.execute([CONTEXT] * 2, [native, foreign], [foreign, native])
    assert rows == [{"execution_accuracy": 1.0, "valid_sql": 1.0}] * 2


def test_a_context_of_another_dialect_is_built() -> None:
    context = (
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a TEXT);"
        "INSERT INTO t (a) VALUES ('it\\'s');"
    )
    with SqlExecutor() as executor:
        for _ in range(2):
            [row] = executor.execute([context], ["SELECT id, a FROM t"], ["SELECT 1, 'it''s'"])
            assert row == {"execution_accuracy": 1.0, "valid_sql": 1.0}


@settings(deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)))
def test_any_text_may_be_tried(text: str) -> None:
    found = meanings(text, CONTEXT)
    assert len({meaning.dialect for meaning in found}) == len(found)
    assert all((meaning.sql is None) == bool(meaning.reason) for meaning in found)


@pytest.mark.parametrize("space", ["\u00a0", "\u2028", "\u3000"])
def test_white_space_beyond_ascii_is_none(space: str) -> None:
    assert not meanings(f"SELECT{space}YEAR('2024-01-05')")
    assert meanings(f"SELECT YEAR('2024{space}01-05')")
