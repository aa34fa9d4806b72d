"""What servers returned: MariaDB 10.11 and PostgreSQL 15, asked with these statements.

Where MySQL 8 is documented to differ from MariaDB, the value is MySQL's, with the place in its
Reference Manual.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trainables.sql.execution import SqlExecutor

MYSQL = (
    "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20), n INT, u INT UNSIGNED,"
    " p DECIMAL(5,2), f DOUBLE, d DATE, ts DATETIME, e ENUM('lo', 'hi')) ENGINE=InnoDB;"
    "INSERT INTO t (name, n, u, p, f, d, ts, e) VALUES"
    " ('Éva', -8, 3, 4.45, 1e10, '2023-01-31', '2023-01-31', 'lo'),"
    " ('bob', 7, 5, 100.5, 2.5, '2024-02-29', '2024-02-29 10:00:00', 'hi');"
    "CREATE TABLE s (id INT, r FLOAT); INSERT INTO s VALUES (1, 0.1), (2, 0.25)"
)
POSTGRES = (
    "CREATE TABLE t (id SERIAL PRIMARY KEY, name VARCHAR(20), n INT, p NUMERIC(5,2),"
    " f DOUBLE PRECISION, d DATE, ts TIMESTAMP, c CHAR(4), tags TEXT[]);"
    "INSERT INTO t (name, n, p, f, d, ts) VALUES"
    " ('Éva', -8, 4.45, 1e10, '2023-01-31', '2023-01-31'),"
    " ('bob', 7, 100.5, 2.5, '2024-02-29', '2024-02-29 10:00:00');"
    "CREATE TABLE s (id INT, r REAL); INSERT INTO s VALUES (1, 0.1), (2, 0.25)"
)
CONTEXTS = {"mysql": MYSQL, "postgres": POSTGRES}

RETURNED = [
    # Neither case nor accents count in LIKE, nor in what compares whole texts.
    ("mysql", "SELECT name LIKE 'e%' FROM t", "VALUES (1), (0)"),
    ("mysql", "SELECT name LIKE 'É_A' FROM t", "VALUES (1), (0)"),
    ("mysql", "SELECT 'a%b' LIKE 'AX%B' ESCAPE 'X'", "SELECT 1"),
    ("mysql", "SELECT 'a%b' LIKE 'Ax%B' ESCAPE 'X'", "SELECT 0"),
    ("mysql", "SELECT FIELD(name, 'eva') FROM t", "VALUES (1), (0)"),
    ("mysql", "SELECT FIND_IN_SET('eva', 'b,Éva')", "SELECT 2"),
    ("mysql", "SELECT STRCMP(name, 'eva') FROM t WHERE id = 1", "SELECT 0"),
    ("mysql", "SELECT name REGEXP '^e' FROM t", "VALUES (0), (0)"),
    ("postgres", "SELECT name ILIKE 'é%', name ILIKE 'e%' FROM t", "VALUES (1, 0), (0, 0)"),
    ("postgres", "SELECT name ~* 'é' FROM t", "VALUES (1), (0)"),
    ("postgres", "SELECT 'STRASSE' ILIKE 'straße', 'ΟΔΟΣ' ILIKE 'οδοσ'", "SELECT 0, 1"),
    ("postgres", "SELECT 'a%b' ILIKE 'AX%B' ESCAPE 'X'", "SELECT 1"),
    ("postgres", "SELECT 'a%b' ILIKE 'Ax%B' ESCAPE 'X'", "SELECT 0"),
    # A part of a moment is no integer there.
    ("postgres", "SELECT EXTRACT(YEAR FROM d) / 2 FROM t", "VALUES (1011.5), (1012)"),
    ("postgres", "SELECT EXTRACT(MONTH FROM d) / 5 FROM t", "VALUES (0.2), (0.4)"),
    ("postgres", "SELECT DATE_PART('month', d) / 5 FROM t", "VALUES (0.2), (0.4)"),
    ("postgres", "SELECT EXTRACT(DOY FROM d) / 2 FROM t", "VALUES (15.5), (30)"),
    (
        "postgres",
        "SELECT EXTRACT(YEAR FROM AGE(ts, '2000-01-01')) / 5 FROM t",
        "VALUES (4.6), (4.8)",
    ),
    ("postgres", "SELECT EXTRACT(YEAR FROM d)::text || '!' FROM t", "VALUES ('2023!'), ('2024!')"),
    ("postgres", "SELECT EXTRACT(YEAR FROM d)::int / 2 FROM t", "VALUES (1011), (1012)"),
    ("mysql", "SELECT EXTRACT(MONTH FROM d) / 5 FROM t", "VALUES (0.2), (0.4)"),
    # Of texts that are equal the first is kept.
    ("mysql", "SELECT name FROM t INTERSECT SELECT 'BOB'", "SELECT 'bob'"),
    ("mysql", "SELECT SUBSTR(name FROM 2 FOR 2) FROM t", "VALUES ('va'), ('ob')"),
    ("postgres", "SELECT ROUND(STDDEV(n), 2) FROM t", "SELECT 10.61"),
    # Decimals are exact.
    ("mysql", "SELECT 0.1 + 0.2 = 0.3, 0.1e0 + 0.2e0 = 0.3e0", "SELECT 1, 0"),
    ("mysql", "SELECT FLOOR(0.57 * 100), 1.1 * 3 = 3.3", "SELECT 57, 1"),
    ("postgres", "SELECT FLOOR(0.57 * 100), 0.1 + 0.2 = 0.3", "SELECT 57, 1"),
    ("mysql", "SELECT id FROM t WHERE p * 3 = 13.35", "SELECT 1"),
    ("postgres", "SELECT SUM(p) FROM t HAVING SUM(p) = 104.95", "SELECT 104.95"),
    # A float of four bytes is no 0.1, but it is 0.25.
    ("mysql", "SELECT id FROM s WHERE r = 0.25", "SELECT 2"),
    ("mysql", "SELECT id FROM s WHERE r < 1 ORDER BY id", "VALUES (1), (2)"),
    ("postgres", "SELECT id FROM s WHERE r = 0.25", "SELECT 2"),
    # A sum with an unsigned number is unsigned.
    ("mysql", "SELECT u - n FROM t WHERE id = 1", "SELECT 11"),
]

ACCEPTED = [
    ("mysql", "SELECT SUBSTR(name FROM 2 FOR 2), MID(name FROM 2) FROM t"),
    ("mysql", "SELECT id FROM t WHERE (n, u) = (7, 5)"),
    ("mysql", "SELECT INTERVAL(5, 1, 10)"),
    ("mysql", "SELECT _utf8mb4'abc'"),
    ("mysql", "SELECT 'a' = 'a '"),
    ("postgres", "SELECT n = ALL(ARRAY[7]) FROM t"),
    ("postgres", "SELECT (n, id) < (7, 2) FROM t"),
    ("postgres", "SELECT d + (id || ' days')::interval FROM t"),
    ("postgres", "SELECT ARRAY_AGG(id ORDER BY id) FROM t"),
    ("postgres", "SELECT COUNT(DISTINCT (name, n)) FROM t"),
    ("postgres", "SELECT ROUND(STDDEV(n), 2), ROUND(VARIANCE(p), 1) FROM t"),
    ("postgres", "SELECT ROUND(SQRT(p), 2) FROM t"),
]
"""What the servers run; it may be unknown what it gives, but never that it is no SQL of theirs."""

CHANGES = [
    # What a column keeps of a value is its own.
    ("mysql", "INSERT INTO t (p) VALUES ('3.14159')", "INSERT INTO t (p) VALUES (3.14)"),
    ("mysql", "INSERT INTO t (e) VALUES ('LO')", "INSERT INTO t (e) VALUES ('lo')"),
    (
        "mysql",
        "INSERT INTO t (ts) VALUES ('2023-02-03')",
        "INSERT INTO t (ts) VALUES ('2023-02-03 00:00:00')",
    ),
    ("mysql", "UPDATE t SET ts = d", "UPDATE t SET ts = CONCAT(d, ' 00:00:00')"),
    ("postgres", "INSERT INTO t (p) VALUES ('3.14159')", "INSERT INTO t (p) VALUES (3.14)"),
    ("postgres", "INSERT INTO t (c) VALUES ('x  ')", "INSERT INTO t (c) VALUES ('x')"),
    (
        "postgres",
        "INSERT INTO t (ts) VALUES ('2023-02-03')",
        "INSERT INTO t (ts) VALUES ('2023-02-03 00:00:00')",
    ),
    (
        "postgres",
        "UPDATE t SET ts = d WHERE id = 2",
        "UPDATE t SET ts = '2024-02-29 00:00:00' WHERE id = 2",
    ),
]

REFUSED = [
    ("mysql", "INSERT INTO t (name) VALUES ('one letter too man')", False),
    ("mysql", "INSERT INTO t (name) VALUES ('one letter too many..')", True),
    ("mysql", "INSERT INTO t (name) VALUES ('blanks are cut       ')", False),
    ("mysql", "UPDATE t SET name = CONCAT(name, ' and eighteen more')", True),
    ("mysql", "INSERT INTO t (n) VALUES (2147483648)", True),
    ("mysql", "INSERT INTO t (n) VALUES ('abc')", True),
    ("mysql", "INSERT INTO t (u) VALUES (-1)", True),
    ("mysql", "INSERT INTO t (p) VALUES (999.994)", False),
    ("mysql", "INSERT INTO t (p) VALUES (999.996)", True),
    ("mysql", "INSERT INTO t (d) VALUES ('2023-02-30')", True),
    ("mysql", "UPDATE t SET u = u - 3", False),
    ("mysql", "UPDATE t SET u = u - 4", True),
    ("mysql", "SELECT u - 5 FROM t", True),
    ("postgres", "INSERT INTO t (name) VALUES ('one letter too many..')", True),
    ("postgres", "INSERT INTO t (name) VALUES ('blanks are cut       ')", False),
    ("postgres", "INSERT INTO t (n) VALUES (2147483648)", True),
    ("postgres", "INSERT INTO t (n) VALUES ('abc')", True),
    ("postgres", "UPDATE t SET p = p * 10", True),
    ("postgres", "SELECT CAST(f AS NUMERIC(5, 2)) FROM t", True),
    ("postgres", "INSERT INTO t (d) VALUES ('2023-02-30')", True),
    ("postgres", "INSERT INTO t (id, n) VALUES (NULL, 1)", True),
]

SETTINGS_DECIDE = [
    "SELECT CAST(n AS UNSIGNED) FROM t",
    "SELECT CAST(f AS DECIMAL(5, 2)) FROM t",
    "SELECT DATE_ADD(d, INTERVAL 1.5 DAY) FROM t",
    "INSERT INTO t (ts) VALUES ('2023-02-03 10:00:00.6')",
    "SELECT LOCATE('e', name) FROM t",
    "SELECT id FROM s WHERE r = 0.1",
    "SELECT id FROM s WHERE r > 0.1",
]
"""Statements of which MariaDB and MySQL, or two settings of one, make different things; and those
that no float of eight bytes tells: to both servers, and to PostgreSQL, 0.1 is no FLOAT."""


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


@pytest.mark.parametrize(("dialect", "statement", "returned"), RETURNED)
def test_a_statement_returns_what_the_server_returned(
    executor: SqlExecutor, dialect: str, statement: str, returned: str
) -> None:
    context = CONTEXTS[dialect]
    [row] = executor.execute([context], [statement], [returned])
    assert row["execution_accuracy"] == 1.0


@pytest.mark.parametrize(("dialect", "statement", "same"), CHANGES)
def test_a_statement_changes_what_the_server_changed(
    executor: SqlExecutor, dialect: str, statement: str, same: str
) -> None:
    [row] = executor.execute([CONTEXTS[dialect]], [statement], [same])
    assert row["execution_accuracy"] == 1.0


@pytest.mark.parametrize(("dialect", "statement", "is_refused"), REFUSED)
def test_what_the_server_refuses_is_not_measured(
    executor: SqlExecutor, dialect: str, statement: str, is_refused: bool
) -> None:
    assert executor.measurable(CONTEXTS[dialect], statement).is_measured is not is_refused


@pytest.mark.parametrize(("dialect", "statement"), ACCEPTED)
def test_what_the_server_runs_is_not_wrong(
    executor: SqlExecutor, dialect: str, statement: str
) -> None:
    context = CONTEXTS[dialect]
    [row] = executor.execute([context], ["SELECT id FROM t"], [statement])
    assert row["valid_sql"] in (1.0, None)
    [row] = executor.execute([context], [statement], [statement])
    assert row["execution_accuracy"] in (1.0, None)


@pytest.mark.parametrize("statement", SETTINGS_DECIDE)
def test_what_settings_decide_is_not_measured(executor: SqlExecutor, statement: str) -> None:
    assert not executor.measurable(MYSQL, statement).is_measured


def test_what_a_type_has_room_for_is_no_part_of_a_definition(executor: SqlExecutor) -> None:
    reference = "CREATE TABLE z (id INT AUTO_INCREMENT PRIMARY KEY, n VARCHAR(9), k TINYINT)"
    same = "CREATE TABLE z (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT, k INTEGER)"
    [row] = executor.execute([MYSQL], [reference], [same])
    assert row["execution_accuracy"] == 1.0
