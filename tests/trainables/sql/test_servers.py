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
    " ('bob', 7, 5, 100.5, 2.5, '2024-02-29', '2024-02-29 10:00:00', 'hi')"
)
POSTGRES = (
    "CREATE TABLE t (id SERIAL PRIMARY KEY, name VARCHAR(20), n INT, p NUMERIC(5,2),"
    " f DOUBLE PRECISION, d DATE, ts TIMESTAMP, c CHAR(4), tags TEXT[]);"
    "INSERT INTO t (name, n, p, f, d, ts) VALUES"
    " ('Éva', -8, 4.45, 1e10, '2023-01-31', '2023-01-31'),"
    " ('bob', 7, 100.5, 2.5, '2024-02-29', '2024-02-29 10:00:00')"
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
]


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
