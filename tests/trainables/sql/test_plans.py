"""What can be measured is decided by context and reference; what cannot be judged says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from trainables.contract.scores import REASONS
from trainables.sql.execution import SqlExecutor

PLAIN = (
    "CREATE TABLE t (id INT, name TEXT, pay INT, price DECIMAL(8,2), d DATE);"
    "INSERT INTO t VALUES (1, 'Ann', 7, 2.50, '2024-01-05'), (2, 'bob', 9, NULL, '2024-02-29');"
)
MYSQL = PLAIN.replace("CREATE TABLE t", "CREATE TABLE `t`")
POSTGRES = "CREATE TABLE k (id SERIAL, at TIMESTAMPTZ);" + PLAIN
TSQL = PLAIN.replace("TEXT", "NVARCHAR(20)")


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


@pytest.mark.parametrize(
    ("context", "reference", "dialects"),
    [
        (PLAIN, "SELECT pay / 2 FROM t", ("sqlite",)),
        (PLAIN, "SELECT name FROM t WHERE d > date('now', '-1 year')", ("sqlite",)),
        (PLAIN, "SELECT pay::int FROM t", ("postgres",)),
        (PLAIN, "SELECT `pay` / 2 FROM t", ("mysql",)),
        (PLAIN, "SELECT TOP 1 pay / 2 FROM t ORDER BY id", ("tsql",)),
        (PLAIN, "SELECT YEAR(d) FROM t", ("mysql", "tsql")),
        (PLAIN, "SELECT CONCAT(name, '!') FROM t", ("mysql", "postgres", "tsql")),
        (PLAIN, "SELECT NVL(price, 0) FROM t", ("oracle",)),
        (MYSQL, "SELECT pay / 2 FROM t", ("mysql",)),
        (POSTGRES, "SELECT pay / 2 FROM t", ("postgres",)),
        (TSQL, "SELECT name FROM t WHERE id = 1", ("mysql", "tsql")),
    ],
)
def test_the_dialects_of_a_row(
    executor: SqlExecutor, context: str, reference: str, dialects: tuple[str, ...]
) -> None:
    measurement = executor.measurable(context, reference)
    assert measurement.reason is None
    assert measurement.dialects == dialects


@pytest.mark.parametrize(
    ("context", "reference", "kind"),
    [
        ("CREATE THING t", "SELECT 1", "context fails"),
        (PLAIN, "SELECT absent FROM t", "reference fails"),
        (PLAIN, "SELEC name FROM t", "reference fails"),
        (PLAIN, "SELECT EXTRACT(YEAR FROM d), pay / 2 FROM t", "dialects differ"),
        (PLAIN, "SELECT STDDEV(pay) FROM t", "dialects differ"),
        (PLAIN, "SELECT a.name FROM t AS a TABLESAMPLE BERNOULLI (50)", "no translation"),
        (TSQL, "SELECT LAG(pay) IGNORE NULLS OVER (ORDER BY id) FROM t", "no translation"),
        (POSTGRES, "SELECT array_agg(name) FROM t", "no translation"),
        (MYSQL, "SELECT CONCAT(name, price) FROM t", "no translation"),
        (
            PLAIN,
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c",
            "limit",
        ),
        ("SELECT 1" + " " * 1_000_001, "SELECT 1", "limit"),
    ],
)
def test_why_a_row_cannot_be_measured(
    executor: SqlExecutor, context: str, reference: str, kind: str
) -> None:
    measurement = executor.measurable(context, reference)
    assert measurement.reason is not None
    assert measurement.reason.kind == kind
    assert kind in REASONS
    predictions = ["SELECT 1", reference, "SELEC", "SELECT name FROM t", "SELECT pay::int FROM t"]
    rows = executor.judge([context] * 5, [reference] * 5, predictions)
    # Whatever is predicted.
    assert {row.reason for row in rows} == {measurement.reason}
    assert {row.execution_accuracy for row in rows} == {None}


def test_a_prediction_that_cannot_be_judged_is_no_row_that_cannot_be_measured(
    executor: SqlExecutor,
) -> None:
    reference = "SELECT name FROM t WHERE id = 1"
    predictions = [
        "SELECT name FROM t WHERE JSON_VALID(name) OR id = 1",
        "SELECT array_agg(name) FROM t WHERE id = 1",
        "SELECT nofunction(name) FROM t",
        "SELECT name FROM t WHERE id = 1 LIMIT 1",
        "SELECT TOP 1 name FROM t ORDER BY id",
        "SELECT TOP 1 name FROM t ORDER BY absent",
        "SELECT CONCAT(name, price) FROM t",
        "DELETE FROM t WHERE d > NOW() - INTERVAL 'a while'",
    ]
    rows = executor.judge([PLAIN] * len(predictions), [reference] * len(predictions), predictions)
    scores = [row.execution_accuracy for row in rows]
    assert scores == [1.0, None, 0.0, 1.0, 1.0, 0.0, None, None]
    assert [row.valid_sql for row in rows][1:3] == [None, 0.0]
    assert Counter(row.reason.kind for row in rows if row.reason) == {"unjudged": 3}
    assert executor.measurable(PLAIN, reference).is_measured


def test_a_prediction_means_what_the_dialect_of_its_row_makes_of_it(executor: SqlExecutor) -> None:
    predictions = ["SELECT 7 / 2", "SELECT 3.5", "SELECT 3"]
    contexts = [MYSQL] * 3 + [POSTGRES] * 3
    references = ["SELECT 3.5 FROM t LIMIT 1"] * 3 + ["SELECT 3 FROM t LIMIT 1"] * 3
    rows = executor.execute(contexts, references, predictions * 2)
    assert [row["execution_accuracy"] for row in rows] == [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]


def test_a_prediction_of_sqlite_is_judged_in_a_row_of_another_dialect(
    executor: SqlExecutor,
) -> None:
    reference = "SELECT TO_CHAR(d, 'YYYY-MM') FROM t WHERE id = 1"
    [row] = executor.judge([POSTGRES], [reference], ["SELECT strftime('%Y-%m', d) FROM t LIMIT 1"])
    assert (row.execution_accuracy, row.valid_sql, row.reason) == (1.0, 1.0, None)


def test_quotes_around_names_are_no_evidence_against_a_prediction(executor: SqlExecutor) -> None:
    reference = "SELECT name::text FROM t"
    rows = executor.execute(
        [PLAIN] * 3,
        [reference] * 3,
        ["SELECT `name`::text FROM [t]", 'SELECT "name"::text FROM t', "SELECT [name] FROM `t`"],
    )
    assert [row["execution_accuracy"] for row in rows] == [1.0, 1.0, 1.0]


def test_a_view_is_judged_by_the_dialect_of_its_functions(executor: SqlExecutor) -> None:
    # SQLite makes a view without a look at its functions.
    reference = "CREATE VIEW v AS SELECT id, YEAR(d) AS y FROM t"
    assert executor.measurable(PLAIN, reference).dialects == ("mysql", "tsql")
    rows = executor.execute(
        [PLAIN] * 2,
        [reference] * 2,
        [
            "CREATE VIEW v AS SELECT id, CAST(strftime('%Y', d) AS INT) AS y FROM t",
            "CREATE VIEW v AS SELECT id, MONTH(d) AS y FROM t",
        ],
    )
    assert [row["execution_accuracy"] for row in rows] == [1.0, 0.0]


def test_collations_of_a_dialect_are_no_part_of_a_definition(executor: SqlExecutor) -> None:
    reference = "CREATE TABLE z (id INT AUTO_INCREMENT PRIMARY KEY, n VARCHAR(9))"
    rows = executor.execute(
        [PLAIN] * 2,
        [reference] * 2,
        [
            "CREATE TABLE z (id INTEGER PRIMARY KEY AUTOINCREMENT, n VARCHAR(9))",
            "CREATE TABLE z (id INTEGER PRIMARY KEY AUTOINCREMENT, n INT)",
        ],
    )
    assert [row["execution_accuracy"] for row in rows] == [1.0, 0.0]


def test_what_is_wrong_in_sqlite_and_right_elsewhere_is_not_judged(executor: SqlExecutor) -> None:
    rows = executor.judge(
        [PLAIN] * 3,
        ["SELECT ROUND(AVG(price), 1) FROM t", "SELECT name || '!' FROM t", "SELECT id FROM t"],
        [
            "SELECT CAST(AVG(price) + 0.01 AS DECIMAL(8, 1)) FROM t",
            "SELECT name + '!' FROM t",
            "SELECT name + '!' FROM t",
        ],
    )
    assert [row.execution_accuracy for row in rows] == [None, None, 0.0]
    assert [row.valid_sql for row in rows] == [1.0, 1.0, 1.0]


def test_a_reference_of_sqlite_runs_on_what_its_context_means(executor: SqlExecutor) -> None:
    context = (
        "CREATE TABLE a (id INT AUTO_INCREMENT, n TEXT, KEY k (n(3)), PRIMARY KEY (id));"
        "INSERT INTO a (n) VALUES ('x'), ('y')"
    )
    reference = "SELECT id, strftime('%Y', '2024-01-05') FROM a"
    rows = executor.execute(
        [context] * 2,
        [reference] * 2,
        ["SELECT 1, '2024' UNION ALL SELECT 2, '2024'", "SELECT NULL, '2024' FROM a"],
    )
    assert [row["execution_accuracy"] for row in rows] == [1.0, 0.0]


def test_what_every_dialect_refuses_is_not_measured_as_sqlite_s(executor: SqlExecutor) -> None:
    measurement = executor.measurable(POSTGRES, "SELECT pay / 0 FROM t")
    assert measurement.reason is not None
    assert measurement.reason.kind == "reference fails"


@pytest.mark.parametrize(
    ("context", "reference", "prediction"),
    [
        (TSQL, "SELECT TOP 1 d FROM t ORDER BY id", "SELECT EOMONTH(d, 1) FROM t"),
        (PLAIN, "SELECT NVL('b', 'c') FROM t", "SELECT REGEXP_SUBSTR('a-b', '[^-]+', 1, 2) FROM t"),
        (PLAIN, "SELECT NVL('b', 'c') FROM t", "SELECT TO_CHAR(id, '9', 'NLS_ISO_CURRENCY=US')"),
        (MYSQL, "SELECT '1' FROM t", "SELECT FORMAT(price, 2, 'de_DE') FROM t"),
    ],
)
def test_arguments_that_no_translation_knows_are_no_evidence_against_a_prediction(
    executor: SqlExecutor, context: str, reference: str, prediction: str
) -> None:
    assert executor.measurable(context, reference).is_measured
    [row] = executor.judge([context], [reference], [prediction])
    assert row.execution_accuracy is None
