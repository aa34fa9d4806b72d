"""What sqlglot's parsers take and no system does: such a text is wrong, not unjudged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trainables.sql.execution import SqlExecutor
from trainables.sql.translation import DIALECTS
from trainables.sql.translation.translate import translate

CONTEXT = (
    "CREATE TABLE t (a INT, b VARCHAR(9), c INT); CREATE TABLE u (a INT, b VARCHAR(9), c INT);"
    "INSERT INTO t VALUES (1, 'x', 2), (2, 'y', 3)"
)

OF_NO_DIALECT = [
    "SELECT b FROM t GROUP BY b HAVING b = 'x' WHERE b = 'x'",
    "SELECT b FROM t HAVING COUNT(*) > 1 WHERE b = 'x'",
    "SELECT b FROM t ORDER BY b WHERE a = 1",
    "SELECT b FROM t ORDER BY b GROUP BY b",
    "SELECT a FROM t ORDER BY a UNION SELECT a FROM u",
    "SELECT * FROM (SELECT b FROM t GROUP BY b WHERE a = 1) AS q",
    "SELECT b, COUNT(*) FROM t GROUP BY",
    "SELECT b, COUNT(*) FROM t WHERE a < 60 GROUP BY;",
    "SELECT b FROM t ORDER BY",
    "SELECT * FROM (SELECT b FROM t ORDER BY) AS q",
    "FROM t GROUP BY b",
    "FROM t",
    "SELECT a FROM t WHERE a IN (FROM u)",
    "t t UNION SELECT a FROM u",
    "CREATE VIEW v 'b')",
    "CREATE VIEW v AS (SELECT a FROM t",
    "SELECT b, RANK() FROM t WHERE a < 150",
    "SELECT b, LAG(a) FROM t",
    "SELECT b FROM t WHERE a < (SELECT a, RANK() OVER (ORDER BY c) FROM u)",
    "SELECT b FROM t WHERE a < (SELECT AVG(a) 'rock', 2017)",
    "SELECT (SELECT a, c FROM u) FROM t",
    "SELECT a FROM FROM t",
    "SELECT a FROM FROM FROM t WHERE a > 1",
    "SELECT a FROM SELECT a FROM t",
    "SELECT a FROM t JOIN FROM u",
    "SELECT a, FROM t",
    "SELECT , a FROM t",
    "SELECT DISTINCT, a FROM t",
    "SELECT a,, b FROM t",
    "SELECT a FROM t,",
    "SELECT a FROM t, WHERE a > 0",
    "SELECT a FROM t WHERE a IN (1, 2,)",
    "SELECT a FROM t WHERE a IN (, 1)",
    "SELECT a FROM t WHERE a > 0,",
    "SELECT a FROM t GROUP BY a, ORDER BY a",
    "SELECT a FROM t ORDER BY a,",
    "WITH q AS (SELECT a, FROM t) SELECT a FROM q",
    "SELECT a, UNION SELECT a FROM t",
]

OF_A_DIALECT = {
    "SELECT b FROM t WHERE a IS DISTINCT FROM 1 GROUP BY b ORDER BY b": "postgres",
    "SELECT b FROM t HAVING COUNT(*) > 0 GROUP BY b": "oracle",
    "SELECT b FROM t OFFSET 1 LIMIT 2": "postgres",
    "(SELECT a FROM t ORDER BY a LIMIT 1) UNION ALL (SELECT a FROM u ORDER BY a LIMIT 1)": "mysql",
    "SELECT COUNT(*) FILTER (WHERE a > 1) FROM t ORDER BY 1": "postgres",
    "SELECT EXTRACT(YEAR FROM DATE '2024-01-05') FROM t WHERE a = 1": "postgres",
    "SELECT SUM(a) OVER (PARTITION BY b ORDER BY c) FROM t WHERE a > 0 ORDER BY 1": "tsql",
    "INSERT INTO u SELECT b, a, c FROM t GROUP BY b, a, c": "mysql",
    "UPDATE t SET a = 1 WHERE a = (SELECT MAX(a) FROM u WHERE c = 1 GROUP BY b ORDER BY 1 LIMIT 1)"
    "": "mysql",
    "SELECT a FROM t ORDER BY a; DELETE FROM t WHERE a = 1": "postgres",
    "CREATE TABLE w (a INT, b INT,)": "tsql",
    "SELECT DISTINCT ON (a) a, b FROM t": "postgres",
    "SELECT a, TRIM(BOTH 'x' FROM b), EXTRACT(YEAR FROM DATE '2024-01-05') FROM t, u": "postgres",
    "SELECT a FROM t WHERE (a, c) IN ((1, 2), (2, 3)) ORDER BY a, c LIMIT 1, 2": "mysql",
}  # fmt: skip


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


@pytest.mark.parametrize("prediction", OF_NO_DIALECT)
def test_a_text_of_no_dialect_is_wrong(executor: SqlExecutor, prediction: str) -> None:
    [row] = executor.execute([CONTEXT], ["SELECT a FROM t"], [prediction])
    assert row == {"execution_accuracy": 0.0, "valid_sql": 0.0}
    assert all("sql" not in translate(dialect, CONTEXT, prediction) for dialect in DIALECTS)


@pytest.mark.parametrize("text", OF_A_DIALECT)
def test_a_text_of_a_dialect_is_read(text: str) -> None:
    found = translate(OF_A_DIALECT[text], CONTEXT, text)
    assert found.get("refused") != "not spoken", found


def test_a_window_in_a_condition_is_wrong(executor: SqlExecutor) -> None:
    prediction = "SELECT b FROM t WHERE RANK() OVER (ORDER BY a) = 1"
    [row] = executor.execute([CONTEXT], ["SELECT a FROM t"], [prediction])
    assert row == {"execution_accuracy": 0.0, "valid_sql": 0.0}


def test_what_compares_rows_is_not_called_wrong() -> None:
    prediction = "SELECT b FROM t WHERE (SELECT a, c FROM u WHERE a = 1) = (a, c)"
    assert translate("postgres", CONTEXT, prediction)["refused"] == "not known"
