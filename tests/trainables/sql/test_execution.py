from __future__ import annotations

from collections.abc import Iterator

import pytest

from trainables.contract.scores import of_kind
from trainables.sql.execution import SqlExecutor, execute

STAFF = """
CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT, team TEXT, pay REAL, boss INT);
INSERT INTO staff VALUES (1, 'Ann', 'sales', 10.1, NULL), (2, 'Bob', 'sales', 20.2, 1),
    (3, 'Cid', 'ops', 30.3, 1), (4, 'Dee', 'ops', 30.3, 3), (5, 'Eve', NULL, 0, 3);
CREATE TABLE teams (team VARCHAR(10), city VARCHAR(10));
INSERT INTO teams VALUES ('sales', 'Rome'), ('ops', 'Oslo'), ('law', 'Bern');
"""

EQUAL = [
    ("SELECT name FROM staff", "SELECT s.name FROM staff AS s"),
    ("SELECT name FROM staff", "SELECT name FROM staff ORDER BY name DESC"),
    ("SELECT name FROM staff", "SELECT name AS who FROM staff;"),
    ("SELECT name FROM staff", "-- all of them\nSELECT name FROM staff"),
    ("SELECT COUNT(*) FROM staff", "SELECT COUNT(id) FROM staff"),
    ("SELECT COUNT(*) FROM staff", "SELECT SUM(1) FROM staff"),
    ("SELECT 5", "SELECT 5.0"),
    ("SELECT SUM(pay) FROM staff", "SELECT 30.3 + 30.3 + 20.2 + 10.1"),
    ("SELECT AVG(pay) FROM staff", "SELECT SUM(pay) / COUNT(*) FROM staff"),
    ("SELECT MAX(pay) FROM staff", "SELECT pay FROM staff ORDER BY pay DESC LIMIT 1"),
    ("SELECT team FROM staff WHERE id = 5", "SELECT NULL"),
    ("SELECT DISTINCT team FROM staff", "SELECT team FROM staff GROUP BY team"),
    (
        "SELECT team, COUNT(*) FROM staff GROUP BY team",
        "SELECT team, COUNT(*) FROM staff GROUP BY 1",
    ),
    ("SELECT name FROM staff WHERE team = 'ops'", "SELECT name FROM staff WHERE pay > 30"),
    ("SELECT name FROM staff WHERE team = 'ops'", 'SELECT name FROM staff WHERE team = "ops"'),
    ("SELECT name FROM staff ORDER BY id", "SELECT name FROM staff ORDER BY name"),
    ("SELECT name FROM staff ORDER BY id LIMIT 2", "SELECT name FROM staff WHERE id < 3"),
    (
        "SELECT s.name, t.city FROM staff s JOIN teams t ON s.team = t.team",
        "SELECT name, city FROM staff, teams WHERE staff.team = teams.team",
    ),
    (
        "SELECT name FROM staff WHERE team IN (SELECT team FROM teams)",
        "SELECT name FROM staff WHERE team IS NOT NULL",
    ),
    ("SELECT name FROM staff WHERE 0", "SELECT city FROM teams WHERE 0"),
    (
        "SELECT name FROM staff UNION SELECT city FROM teams",
        "SELECT city FROM teams UNION SELECT name FROM staff",
    ),
    (
        "SELECT ROW_NUMBER() OVER (ORDER BY id) FROM staff",
        "SELECT id FROM staff",
    ),
    (
        "WITH c AS (SELECT AVG(pay) AS p FROM staff) SELECT name FROM staff, c WHERE pay > p",
        "SELECT name FROM staff WHERE pay > (SELECT AVG(pay) FROM staff)",
    ),
    ("SELECT RANDOM()", "SELECT RANDOM()"),
    ("DELETE FROM staff WHERE team = 'ops'", "DELETE FROM staff WHERE pay > 30"),
    ("DELETE FROM staff", "DELETE FROM staff WHERE 1 = 1"),
    ("UPDATE staff SET pay = pay * 2", "UPDATE staff SET pay = pay + pay"),
    ("UPDATE staff SET pay = 1 WHERE id = 1", "UPDATE staff SET pay = 1.0 WHERE name = 'Ann'"),
    (
        "INSERT INTO teams VALUES ('hr', 'Kyiv')",
        "INSERT INTO teams (city, team) VALUES ('Kyiv', 'hr')",
    ),
    (
        "INSERT INTO teams VALUES ('a', 'b'), ('c', 'd')",
        "INSERT INTO teams VALUES ('c', 'd'); INSERT INTO teams VALUES ('a', 'b');",
    ),
    ("DELETE FROM teams", "BEGIN; DELETE FROM teams; COMMIT;"),
    ("CREATE TABLE x (a INT, b VARCHAR(9))", "create table X (A integer, B text)"),
    ("ALTER TABLE teams ADD COLUMN size INT", "ALTER TABLE teams ADD size INTEGER"),
    ("ALTER TABLE teams RENAME TO t2", "ALTER TABLE teams RENAME TO T2"),
    ("DROP TABLE teams", "DROP TABLE IF EXISTS teams"),
    ("CREATE INDEX i ON staff (name)", "CREATE INDEX by_name ON staff (name)"),
    (
        "CREATE VIEW v AS SELECT name FROM staff WHERE team = 'ops'",
        "CREATE VIEW v AS SELECT name FROM staff WHERE pay > 30",
    ),
    (
        "CREATE TABLE x AS SELECT name FROM staff",
        "CREATE TABLE x (name TEXT); INSERT INTO x SELECT name FROM staff ORDER BY pay",
    ),
]

UNEQUAL = [
    ("SELECT name FROM staff", "SELECT team FROM staff"),
    ("SELECT name FROM staff", "SELECT name, team FROM staff"),
    ("SELECT name, team FROM staff", "SELECT team, name FROM staff"),
    ("SELECT name FROM staff", "SELECT name FROM staff LIMIT 4"),
    ("SELECT team FROM staff", "SELECT DISTINCT team FROM staff"),
    ("SELECT pay FROM staff WHERE id IN (3, 4)", "SELECT pay FROM staff WHERE id = 3"),
    ("SELECT 5", "SELECT '5'"),
    ("SELECT 5", "SELECT 5.001"),
    ("SELECT 0", "SELECT NULL"),
    ("SELECT ''", "SELECT NULL"),
    ("SELECT 'a'", "SELECT 'A'"),
    ("SELECT COUNT(*) FROM staff", "SELECT COUNT(team) FROM staff"),
    ("SELECT AVG(pay) FROM staff", "SELECT AVG(pay) FROM staff WHERE pay > 0"),
    ("SELECT name FROM staff ORDER BY id", "SELECT name FROM staff ORDER BY id DESC"),
    ("SELECT name FROM staff ORDER BY pay, id", "SELECT name FROM staff"),
    ("SELECT name FROM staff", "SELECT name FROM staff; SELECT name FROM staff"),
    ("SELECT name FROM staff", "SELECT 1; SELECT name FROM staff"),
    ("SELECT name FROM staff", "SELECT name FROM staff; DELETE FROM staff"),
    ("SELECT name FROM staff", "DELETE FROM staff"),
    ("SELECT name FROM staff WHERE 0", "DELETE FROM staff WHERE 0"),
    ("DELETE FROM staff WHERE id = 1", "DELETE FROM staff WHERE id = 2"),
    ("DELETE FROM staff WHERE id = 1", "DELETE FROM staff"),
    ("DELETE FROM staff", "DROP TABLE staff"),
    ("DELETE FROM staff WHERE 0", "SELECT 1 WHERE 0"),
    ("DELETE FROM teams", "BEGIN; DELETE FROM teams; ROLLBACK;"),
    ("UPDATE staff SET pay = 1", "UPDATE staff SET pay = 1 WHERE id = 1"),
    ("UPDATE staff SET pay = 1", "UPDATE staff SET pay = '1x'"),
    ("INSERT INTO teams VALUES ('a', 'b')", "INSERT INTO teams VALUES ('b', 'a')"),
    ("INSERT INTO teams VALUES ('a', 'b')", "INSERT INTO teams VALUES ('a', NULL)"),
    ("CREATE TABLE x (a INT)", "CREATE TABLE y (a INT)"),
    ("CREATE TABLE x (a INT)", "CREATE TABLE x (a TEXT)"),
    ("CREATE TABLE x (a INT)", "CREATE TABLE x (a INT, b INT)"),
    ("CREATE TABLE x (a INT)", "CREATE TABLE x (a INT PRIMARY KEY)"),
    ("CREATE TABLE x (a INT UNIQUE)", "CREATE TABLE x (a INT)"),
    ("CREATE TABLE x (a INT)", "CREATE TABLE x (a INT NOT NULL)"),
    ("CREATE TABLE x (a INT REFERENCES staff (id))", "CREATE TABLE x (a INT)"),
    ("CREATE INDEX i ON staff (name)", "CREATE INDEX i ON staff (pay)"),
    ("CREATE INDEX i ON staff (name)", "CREATE UNIQUE INDEX i ON staff (name)"),
    ("CREATE VIEW v AS SELECT name FROM staff", "CREATE VIEW v AS SELECT team FROM staff"),
    ("CREATE VIEW v AS SELECT name FROM staff", "CREATE TABLE v AS SELECT name FROM staff"),
]

NOT_VALID = [
    "",
    " ; -- nothing",
    "SELECT",
    "SELECT nope FROM staff",
    "SELECT name FROM nope",
    "what is the name?",
    "SELECT name FROM staff; SELEC",
    "SELECT 'open FROM staff",
    "SELECT name FROM staff WHERE nofunction(name)",
    "SELECT 1, 2 UNION SELECT 1",
    "INSERT INTO staff (id) VALUES (1)",
    "SELECT ? FROM staff WHERE",
    "SELECT '\ud800'",
    "SELECT '\x00' FROM staff",
    "SELECT " + "(" * 2_000 + "1" + ")" * 2_000,
    "SELECT " + "x" * 2_000_000,
]


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


@pytest.mark.parametrize(("reference", "prediction"), EQUAL)
def test_equal(executor: SqlExecutor, reference: str, prediction: str) -> None:
    [row] = executor.execute([STAFF], [reference], [prediction])
    assert row == {"execution_accuracy": 1.0, "valid_sql": 1.0}


@pytest.mark.parametrize(("reference", "prediction"), UNEQUAL)
def test_unequal(executor: SqlExecutor, reference: str, prediction: str) -> None:
    [row] = executor.execute([STAFF], [reference], [prediction])
    assert row == {"execution_accuracy": 0.0, "valid_sql": 1.0}


@pytest.mark.parametrize("prediction", NOT_VALID)
def test_not_valid(executor: SqlExecutor, prediction: str) -> None:
    [row] = executor.execute([STAFF], ["SELECT name FROM staff"], [prediction])
    assert row == {"execution_accuracy": 0.0, "valid_sql": 0.0}


def test_a_reference_that_does_not_run_leaves_the_row_out(executor: SqlExecutor) -> None:
    for _ in range(2):
        rows = executor.execute(
            [STAFF] * 3,
            ["SELECT nope FROM staff", "SELECT 1", "SELECT nope FROM staff"],
            ["SELECT 1", "SELECT 1", "SELECT nope FROM staff"],
        )
        assert rows == [
            {"execution_accuracy": None, "valid_sql": 1.0},
            {"execution_accuracy": 1.0, "valid_sql": 1.0},
            {"execution_accuracy": None, "valid_sql": 0.0},
        ]


def test_a_context_that_is_not_built_leaves_both_scores_out(executor: SqlExecutor) -> None:
    for _ in range(2):
        [row] = executor.execute(["CREATE TABLE"], ["SELECT 1"], ["SELECT 1"])
        assert row == {"execution_accuracy": None, "valid_sql": None}
        assert tuple(row) == of_kind("execution")


def test_an_empty_context_is_a_database_without_tables(executor: SqlExecutor) -> None:
    [row] = executor.execute([""], ["SELECT 2"], ["SELECT 1 + 1"])
    assert row == {"execution_accuracy": 1.0, "valid_sql": 1.0}


def test_rows_do_not_see_each_other(executor: SqlExecutor) -> None:
    rows = executor.execute(
        [STAFF] * 3,
        ["SELECT COUNT(*) FROM staff"] * 3,
        ["SELECT 5", "DELETE FROM staff", "SELECT COUNT(*) FROM staff WHERE 1"],
    )
    assert [row["execution_accuracy"] for row in rows] == [1.0, 0.0, 1.0]


def test_no_rows() -> None:
    assert execute([], [], []) == []


def test_the_convenience_runs_a_batch() -> None:
    assert execute([STAFF], ["SELECT 1"], ["SELECT 1.0"])[0]["execution_accuracy"] == 1.0


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="1 contexts, 2 references and 1 predictions"):
        execute([""], ["a", "b"], ["a"])


def test_an_executor_runs_again_after_it_was_closed() -> None:
    executor = SqlExecutor()
    for _ in range(2):
        assert executor.execute([""], ["SELECT 1"], ["SELECT 1"])[0]["valid_sql"] == 1.0
        executor.close()
        executor.close()
