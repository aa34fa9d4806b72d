from __future__ import annotations

from collections.abc import Iterator

import pytest

from trainables.sql.execution import SqlExecutor

SCORES = """
CREATE TABLE s (id INTEGER PRIMARY KEY, name TEXT, team TEXT, points INT, pay REAL, day TEXT);
INSERT INTO s VALUES (1, 'Ann', 'a', 5, 10.1, '2024-01-01'), (2, 'Bob', 'a', 7, 20.2, '2024-01-02'),
    (3, 'Cid', 'b', 7, 30.3, '2024-01-03'), (4, 'Dee', 'b', 7, 0.1, '2024-01-03'),
    (5, 'eve', 'b', 9, 0.2, NULL), (6, 'Eve', NULL, NULL, 0.3, '2023-12-31');
CREATE TABLE none (a INT, b TEXT);
"""

Pair = tuple[str, str, float | None]

TIES: list[Pair] = [
    ("SELECT name FROM s ORDER BY points", "SELECT name FROM s ORDER BY points, id DESC", 1.0),
    ("SELECT name FROM s ORDER BY points", "SELECT name FROM s ORDER BY points, name", 1.0),
    ("SELECT name FROM s ORDER BY points", "SELECT name FROM s ORDER BY points DESC", 0.0),
    ("SELECT name FROM s ORDER BY points", "SELECT name FROM s", 0.0),
    ("SELECT name FROM s ORDER BY points, id", "SELECT name FROM s ORDER BY points, id DESC", 0.0),
    (
        "SELECT name FROM s ORDER BY points DESC LIMIT 2",
        "SELECT name FROM s WHERE id IN (5, 4) ORDER BY id DESC",
        1.0,
    ),
    (
        "SELECT name FROM s ORDER BY points DESC LIMIT 2",
        "SELECT name FROM s WHERE id IN (5, 3) ORDER BY id DESC",
        1.0,
    ),
    (
        "SELECT name FROM s ORDER BY points DESC LIMIT 2",
        "SELECT name FROM s WHERE id IN (5, 1) ORDER BY id DESC",
        0.0,
    ),
    (
        "SELECT name FROM s ORDER BY points DESC LIMIT 2",
        "SELECT name FROM s WHERE id IN (5, 4) ORDER BY id",
        0.0,
    ),
    (
        "SELECT name FROM s ORDER BY points DESC LIMIT 2",
        "SELECT name FROM s ORDER BY points DESC LIMIT 3",
        0.0,
    ),
    (
        "SELECT name FROM s ORDER BY points DESC LIMIT 2 OFFSET 2",
        "SELECT name FROM s WHERE id IN (2, 3)",
        1.0,
    ),
    (
        "SELECT name FROM s ORDER BY points DESC LIMIT 2, 2",
        "SELECT name FROM s WHERE id IN (4, 2) ORDER BY id DESC",
        1.0,
    ),
    (
        "SELECT name FROM s ORDER BY points DESC LIMIT 2 OFFSET 2",
        "SELECT name FROM s WHERE id IN (2, 5)",
        0.0,
    ),
    ("SELECT name FROM s ORDER BY points DESC LIMIT 1 + 1", "VALUES ('eve'), ('Dee')", 1.0),
    ("SELECT name FROM s ORDER BY points DESC LIMIT 1 OFFSET (SELECT 1)", "VALUES ('Dee')", 1.0),
    ("SELECT name FROM s ORDER BY points DESC LIMIT -1 OFFSET 4", "VALUES ('Ann'), ('Eve')", 1.0),
    ("SELECT name FROM s ORDER BY 1 LIMIT 1", "SELECT 'Ann'", 1.0),
    (
        "SELECT name, points FROM s ORDER BY 2 DESC LIMIT 2",
        "SELECT name, points FROM s WHERE id >= 4 AND id < 6 ORDER BY id DESC",
        1.0,
    ),
    (
        "SELECT name, points AS p FROM s ORDER BY p DESC LIMIT 2",
        "SELECT name, points FROM s WHERE id IN (5, 4) ORDER BY id DESC",
        1.0,
    ),
    (
        "SELECT name, points p FROM s ORDER BY p * 2 + 1 DESC LIMIT 2",
        "SELECT name, points FROM s WHERE id IN (5, 4) ORDER BY id DESC",
        1.0,
    ),
    (
        "SELECT id, -points AS points FROM s ORDER BY points LIMIT 2",
        "SELECT id, -points FROM s WHERE points IS NULL UNION ALL SELECT 5, -9",
        1.0,
    ),
    # Within an expression, the column `points` comes before the alias.
    (
        "SELECT id, -points AS points FROM s WHERE points ORDER BY points + 0 DESC LIMIT 2",
        "VALUES (5, -9), (4, -7)",
        1.0,
    ),
    ("SELECT name FROM s ORDER BY UPPER(team)", "SELECT name FROM s ORDER BY name, id", 0.0),
    (
        "SELECT name FROM s ORDER BY UPPER(name)",
        "SELECT name FROM s ORDER BY UPPER(name), id DESC",
        1.0,
    ),
    (
        "SELECT name FROM s ORDER BY name COLLATE NOCASE DESC",
        "SELECT name FROM s ORDER BY LOWER(name) DESC, id DESC",
        1.0,
    ),
    (
        "SELECT name FROM s ORDER BY name DESC",
        "SELECT name FROM s ORDER BY LOWER(name) DESC, id DESC",
        0.0,
    ),
    (
        "SELECT name FROM s ORDER BY points DESC NULLS FIRST LIMIT 3",
        "VALUES ('Eve'), ('eve'), ('Dee')",
        1.0,
    ),
    (
        "SELECT name FROM s ORDER BY points DESC NULLS LAST LIMIT 3",
        "VALUES ('Eve'), ('eve'), ('Dee')",
        0.0,
    ),
    (
        "SELECT * FROM s ORDER BY points DESC LIMIT 2",
        "SELECT * FROM s WHERE id IN (5, 4) ORDER BY id DESC",
        1.0,
    ),
    (
        "SELECT team, COUNT(*) FROM s WHERE id < 5 GROUP BY team ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT 'b', 2",
        1.0,
    ),
    (
        "SELECT team FROM s WHERE id < 5 GROUP BY team ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT 'b'",
        1.0,
    ),
    ("SELECT team FROM s GROUP BY team ORDER BY COUNT(*) DESC LIMIT 1", "SELECT 'a'", 0.0),
    (
        "SELECT DISTINCT team, team IS NULL AS n FROM s ORDER BY n",
        "VALUES ('b', 0), ('a', 0), (NULL, 1)",
        1.0,
    ),
    ("SELECT DISTINCT team FROM s ORDER BY team", "VALUES (NULL), ('b'), ('a')", 0.0),
    (
        "SELECT name, points FROM s UNION SELECT name, 0 FROM s WHERE id > 4"
        " ORDER BY points LIMIT 2",
        "VALUES ('Eve', NULL), ('eve', 0)",
        1.0,
    ),
    (
        "WITH c AS (SELECT * FROM s WHERE id < 5) SELECT name FROM c ORDER BY points DESC LIMIT 1",
        "SELECT 'Dee'",
        1.0,
    ),
    (
        "SELECT name, ROW_NUMBER() OVER (ORDER BY id) r FROM s WHERE id < 3 ORDER BY r DESC",
        "VALUES ('Bob', 2), ('Ann', 1)",
        1.0,
    ),
    ("SELECT name FROM s ORDER BY NULL", "SELECT name FROM s ORDER BY id DESC", 1.0),
    ("SELECT name FROM s ORDER BY 'points'", "SELECT name FROM s ORDER BY id DESC", 1.0),
    # Two sums that differ by rounding alone come in the order of the noise.
    (
        "SELECT 'x' n, 0.1 + 0.2 v UNION ALL SELECT 'y', 0.3 ORDER BY v",
        "VALUES ('x', 0.3), ('y', 0.3)",
        1.0,
    ),
    (
        "SELECT name FROM s ORDER BY points -- the best\n DESC LIMIT 1",
        "SELECT name FROM s WHERE id = 5",
        1.0,
    ),
    ("UPDATE s SET points = 1; SELECT name FROM s ORDER BY points LIMIT 1", "SELECT 'Ann'", 0.0),
    (
        "UPDATE s SET points = 1; SELECT name FROM s ORDER BY points LIMIT 1",
        "UPDATE s SET points = 1; SELECT 'Dee'",
        1.0,
    ),
    # Which of several rows DISTINCT takes the key from is not known.
    ("SELECT DISTINCT team FROM s ORDER BY points LIMIT 2", "VALUES ('b'), ('a')", None),
    ("SELECT DISTINCT team FROM s ORDER BY points LIMIT 2", "VALUES ('b'), ('c')", 0.0),
]

LIMITS: list[Pair] = [
    ("SELECT name FROM s LIMIT 1", "SELECT 'Dee'", 1.0),
    ("SELECT name FROM s LIMIT 1", "SELECT 'Zoe'", 0.0),
    ("SELECT name FROM s LIMIT 2", "VALUES ('Dee'), ('Ann')", 1.0),
    ("SELECT name FROM s LIMIT 2", "VALUES ('Dee'), ('Dee')", 0.0),
    ("SELECT name FROM s LIMIT 2", "SELECT 'Dee'", 0.0),
    ("SELECT name FROM s LIMIT 9", "SELECT name FROM s ORDER BY points", 1.0),
    ("SELECT name FROM s LIMIT 1 OFFSET 5", "SELECT 'Ann'", 1.0),
    ("SELECT name FROM s LIMIT 0", "SELECT name FROM s WHERE 0", 1.0),
    # Without its LIMIT it has no end: other rows may be as right.
    (
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c LIMIT 2",
        "VALUES (2), (1)",
        1.0,
    ),
    (
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c LIMIT 2",
        "VALUES (1), (3)",
        None,
    ),
]

CHOICES_WITHIN: list[Pair] = [
    (
        "SELECT name FROM s WHERE id = (SELECT id FROM s WHERE team = 'b' ORDER BY points LIMIT 1)",
        "SELECT 'Dee'",
        1.0,
    ),
    (
        "SELECT name FROM s WHERE id = (SELECT id FROM s WHERE team = 'b' ORDER BY points LIMIT 1)",
        "SELECT 'eve'",
        0.0,
    ),
    (
        "SELECT name FROM (SELECT name, ROW_NUMBER() OVER (ORDER BY points) r FROM s"
        " WHERE team = 'b') WHERE r = 1",
        "SELECT 'Dee'",
        1.0,
    ),
    # Rows that tie share a rank; that is no choice.
    (
        "SELECT name, RANK() OVER (ORDER BY points) FROM s WHERE id < 4",
        "SELECT name, ROW_NUMBER() OVER (ORDER BY points, id DESC) FROM s WHERE id < 4",
        0.0,
    ),
    (
        "SELECT team, GROUP_CONCAT(name) FROM s WHERE team = 'a' GROUP BY team",
        "SELECT 'a', 'Bob,Ann'",
        1.0,
    ),
    (
        "SELECT team, GROUP_CONCAT(name) FROM s WHERE team = 'a' GROUP BY team",
        "SELECT 'a', 'Bob,Cid'",
        0.0,
    ),
    (
        "CREATE TABLE x AS SELECT name FROM s WHERE team = 'b' ORDER BY points LIMIT 1",
        "CREATE TABLE x (name TEXT); INSERT INTO x VALUES ('Dee')",
        1.0,
    ),
    (
        "CREATE TABLE x AS SELECT name FROM s WHERE team = 'b' ORDER BY points LIMIT 1",
        "CREATE TABLE x (name TEXT); INSERT INTO x VALUES ('eve')",
        0.0,
    ),
    (
        "DELETE FROM s WHERE id IN (SELECT id FROM s WHERE team = 'b' ORDER BY points LIMIT 1)",
        "DELETE FROM s WHERE id = 4",
        1.0,
    ),
    (
        "DELETE FROM s WHERE id IN (SELECT id FROM s WHERE team = 'b' ORDER BY points LIMIT 1)",
        "DELETE FROM s WHERE id = 5",
        0.0,
    ),
]

# Of rows that tie, SQLite's plan takes one at an end; none of these is the first or the last.
MIDDLE = "SELECT name FROM s WHERE id = (SELECT id FROM s WHERE points = 7 {} LIMIT 1)"
MIDDLE_CHOICES: list[Pair] = [
    (MIDDLE.format("ORDER BY points"), "SELECT 'Cid'", 1.0),
    (MIDDLE.format("ORDER BY points"), "SELECT 'Ann'", 0.0),
    (MIDDLE.format("ORDER BY points, id"), "SELECT 'Cid'", 0.0),
    (MIDDLE.format(""), "SELECT 'Cid'", 1.0),
    (MIDDLE.format(""), "SELECT 'eve'", 0.0),
    (
        "WITH best AS (SELECT name, points FROM s ORDER BY points DESC LIMIT 2) SELECT * FROM best",
        "SELECT 'eve', 9 UNION ALL SELECT 'Cid', 7",
        1.0,
    ),
    (
        "WITH best AS (SELECT name, points FROM s ORDER BY points DESC LIMIT 2) SELECT * FROM best",
        "SELECT 'Dee', 7 UNION ALL SELECT 'Cid', 7",
        0.0,
    ),
    (
        "SELECT name, ROW_NUMBER() OVER (ORDER BY points) FROM s WHERE points = 7",
        "SELECT 'Cid', 1 UNION ALL SELECT 'Bob', 2 UNION ALL SELECT 'Dee', 3",
        1.0,
    ),
    (
        "SELECT name, ROW_NUMBER() OVER () FROM s WHERE points = 7",
        "SELECT 'Cid', 1 UNION ALL SELECT 'Bob', 2 UNION ALL SELECT 'Dee', 3",
        1.0,
    ),
    (
        "SELECT name, ROW_NUMBER() OVER (PARTITION BY team) FROM s WHERE team = 'b'",
        "SELECT 'Dee', 1 UNION ALL SELECT 'Cid', 2 UNION ALL SELECT 'eve', 3",
        1.0,
    ),
    (
        "SELECT name, ROW_NUMBER() OVER (PARTITION BY team) FROM s WHERE team = 'b'",
        "SELECT 'Dee', 1 UNION ALL SELECT 'Cid', 1 UNION ALL SELECT 'eve', 3",
        0.0,
    ),
    ("SELECT GROUP_CONCAT(name) FROM s WHERE team = 'b'", "SELECT 'Dee,Cid,eve'", 1.0),
    ("SELECT GROUP_CONCAT(name) FROM s WHERE team = 'b'", "SELECT 'Dee,Cid,Eve'", 0.0),
    (
        "INSERT INTO none (a) SELECT id FROM s WHERE points = 7 ORDER BY points LIMIT 1",
        "INSERT INTO none (a) VALUES (3)",
        1.0,
    ),
    (
        "INSERT INTO none (a) SELECT id FROM s WHERE points = 7 LIMIT 1",
        "INSERT INTO none (a) VALUES (3)",
        1.0,
    ),
    # A LIMIT over a subquery with an order takes its first rows; nothing promises that.
    ("SELECT name FROM (SELECT * FROM s ORDER BY points DESC, id) LIMIT 1", "SELECT 'eve'", 1.0),
    ("SELECT name FROM (SELECT * FROM s ORDER BY points DESC, id) LIMIT 1", "SELECT 'Ann'", None),
    ("SELECT name FROM (SELECT * FROM s ORDER BY points DESC, id) LIMIT 1", "SELECT 'Zed'", 0.0),
    # Of the orders of six rows not all are seen; but no order makes these names or numbers.
    ("SELECT name, ROW_NUMBER() OVER (ORDER BY 1) FROM s", "SELECT name, id + 1 FROM s", 0.0),
    ("SELECT name, ROW_NUMBER() OVER (ORDER BY 1) FROM s", "SELECT team, id FROM s", 0.0),
    (
        "SELECT name, ROW_NUMBER() OVER (ORDER BY 1) FROM s",
        "SELECT name, CASE id WHEN 3 THEN 5 WHEN 5 THEN 3 ELSE id END FROM s",
        None,
    ),
]

NUMBERS: list[Pair] = [
    ("SELECT julianday('2023-01-01')", "SELECT julianday('2023-01-03')", 0.0),
    ("SELECT julianday('2023-01-01 10:00')", "SELECT julianday('2023-01-01 11:00')", 0.0),
    ("SELECT julianday('2023-01-01 10:00')", "SELECT julianday('2023-01-01 10:00:01')", 0.0),
    ("SELECT 1000000.0", "SELECT 1000001.0", 0.0),
    ("SELECT 1700000000000.0", "SELECT 1700000000001.0", 0.0),
    ("SELECT 1000000", "SELECT 1000000.5", 0.0),
    ("SELECT 2147483648", "SELECT 2147483649", 0.0),
    ("SELECT 1e-10", "SELECT 0", 0.0),
    ("SELECT 1e-300", "SELECT 0", 0.0),
    ("SELECT 2e-10 * pay FROM s", "SELECT 1e-10 * pay FROM s", 0.0),
    ("SELECT 0.1 + 0.2", "SELECT 0.3", 1.0),
    ("SELECT 0.1 + 0.2 - 0.3", "SELECT 0", 1.0),
    ("SELECT SUM(pay) FROM s", "SELECT SUM(pay) FROM (SELECT pay FROM s ORDER BY pay)", 1.0),
    ("SELECT AVG(pay) FROM s", "SELECT SUM(pay / 6) FROM s", 1.0),
    ("SELECT AVG(points) FROM s", "SELECT SUM(points) * 1.0 / COUNT(points) FROM s", 1.0),
    ("SELECT 100.0 * points / 7 FROM s", "SELECT points / 7.0 * 100 FROM s", 1.0),
    ("SELECT ROUND(AVG(pay / 7), 2) FROM s", "SELECT ROUND(AVG(pay / 7), 1) FROM s", 0.0),
    ("SELECT 9e999", "SELECT 1e308", 0.0),
    ("SELECT 9e999", "SELECT 1e999", 1.0),
    ("SELECT -0.0", "SELECT 0", 1.0),
]

CHANCE_AND_TIME: list[Pair] = [
    ("SELECT name FROM s ORDER BY RANDOM()", "SELECT name FROM s ORDER BY RANDOM();", 1.0),
    (
        "SELECT name FROM s ORDER BY RANDOM() LIMIT 1",
        "select name  from s /* any */ order by random() limit 1 ;; -- of them",
        1.0,
    ),
    ("SELECT name FROM s ORDER BY RANDOM() LIMIT 1", "SELECT name FROM s LIMIT 1", None),
    ("SELECT name FROM s ORDER BY RANDOM()", "SELECT name FROM s", None),
    ("SELECT hex(randomblob(8))", "SELECT hex(randomblob(4))", None),
    ("SELECT 'RANDOM'", "SELECT 'random'", 0.0),
    ("SELECT name FROM s", "SELECT name FROM s ORDER BY RANDOM()", 1.0),
    ("SELECT name FROM s ORDER BY id", "SELECT name FROM s ORDER BY RANDOM()", 0.0),
    ("SELECT 'Ann'", "SELECT name FROM s WHERE id < 3 ORDER BY RANDOM() LIMIT 1", 0.0),
    ("SELECT 1", "SELECT length(randomblob(NULL))", 1.0),
    ("SELECT 1", "SELECT length(randomblob('abc'))", 1.0),
    ("SELECT 1", "SELECT length(randomblob(-5))", 1.0),
    ("SELECT 12", "SELECT length(randomblob(' 12.9 apples'))", 1.0),
    ("SELECT 2", "SELECT length(randomblob(2.9))", 1.0),
    ("SELECT 31", "SELECT length(randomblob(x'3331'))", 1.0),
    ("SELECT 1", "SELECT length(randomblob('1e3'))", 1.0),
    ("SELECT CURRENT_TIMESTAMP", "SELECT datetime('now')", 1.0),
    ("SELECT CURRENT_TIMESTAMP", "SELECT CURRENT_DATE", 0.0),
    ("SELECT date('now', '-1 day')", "SELECT date(CURRENT_DATE, '-1 day')", 1.0),
    ("SELECT strftime('%Y', 'now')", "SELECT strftime('%m', 'now')", 0.0),
    (
        "SELECT name FROM s WHERE day > date('now', '-1 year')",
        "SELECT name FROM s WHERE day >= date('now', '-12 months')",
        1.0,
    ),
    (
        "INSERT INTO none VALUES (1, CURRENT_TIMESTAMP)",
        "INSERT INTO none VALUES (1, datetime('now'))",
        1.0,
    ),
]

T = "CREATE TABLE x "
SCHEMA: list[Pair] = [
    (T + "(a INT, b INT AS (a*2))", T + "(a INT, b INT AS (a*3))", 0.0),
    (T + "(a INT, b INT AS (a*2))", T + "(A INT, B INT GENERATED ALWAYS AS (a * 2))", 1.0),
    (T + "(a INT, b INT AS (a))", T + "(a INT, b INT AS (a) STORED)", 0.0),
    (T + "(a INT, b INT AS (a))", T + "(a INT, b INT)", 0.0),
    ("CREATE INDEX i ON s (lower(name))", "CREATE INDEX i ON s (upper(name))", 0.0),
    ("CREATE INDEX i ON s (lower(name))", 'CREATE INDEX j ON s (LOWER("name"))', 1.0),
    ("CREATE INDEX i ON s (name) WHERE points>1", "CREATE INDEX i ON s (name) WHERE points<1", 0.0),
    (
        "CREATE INDEX i ON s (name) WHERE points>1",
        "CREATE INDEX i ON s(name) where points > 1",
        1.0,
    ),
    ("CREATE INDEX i ON s (name) WHERE points>1", "CREATE INDEX i ON s (name)", 0.0),
    ("CREATE INDEX i ON s (name DESC)", "CREATE INDEX i ON s (name ASC)", 0.0),
    ("CREATE INDEX i ON s (name)", "CREATE INDEX i ON s (name ASC)", 1.0),
    ("CREATE INDEX i ON s (name, team)", "CREATE INDEX i ON s (team, name)", 0.0),
    ("CREATE INDEX i ON s (name COLLATE NOCASE)", "CREATE INDEX i ON s (name)", 0.0),
    ("CREATE INDEX i ON s (name); CREATE INDEX j ON s (team)", "CREATE INDEX i ON s (name)", 0.0),
    (
        T + "(a INT REFERENCES s (id) ON DELETE CASCADE)",
        T + "(a INT REFERENCES s (id))",
        0.0,
    ),
    (
        T + "(a INT REFERENCES s (id) ON UPDATE CASCADE)",
        T + "(a INT REFERENCES s (id) ON UPDATE SET NULL)",
        0.0,
    ),
    (
        T + "(a INT REFERENCES s (id) ON DELETE CASCADE)",
        T + "(a INT, CONSTRAINT f FOREIGN KEY (A) REFERENCES S ON DELETE CASCADE)",
        1.0,
    ),
    (
        T + "(a INT REFERENCES s (id) ON DELETE NO ACTION)",
        T + "(a INT REFERENCES s (id))",
        1.0,
    ),
    (
        T + "(a INT REFERENCES s (id) DEFERRABLE INITIALLY DEFERRED)",
        T + "(a INT REFERENCES s (id))",
        0.0,
    ),
    (T + "(a INTEGER PRIMARY KEY AUTOINCREMENT)", T + "(a INTEGER PRIMARY KEY)", 0.0),
    (T + "(a INT PRIMARY KEY) WITHOUT ROWID", T + "(a INT PRIMARY KEY)", 0.0),
    (T + "(a INT) STRICT", T + "(a INT)", 0.0),
    (T + "(a INT) STRICT", T + "(a INTEGER) strict", 1.0),
    (T + "(a ANY) STRICT", T + "(a BLOB) STRICT", 0.0),
    (T + "(a INT CHECK (a > 0))", T + "(a INT)", 0.0),
    (T + "(a INT CHECK (a > 0))", T + "(a INT CHECK (a > 1))", 0.0),
    (T + "(a INT CHECK (a > 0))", T + "(a INT, CONSTRAINT c CHECK ((x.a>0)))", 1.0),
    (T + "(a TEXT CHECK (a <> 'N'))", T + "(a TEXT CHECK (a <> 'n'))", 0.0),
    (T + "(a TEXT COLLATE NOCASE)", T + "(a TEXT)", 0.0),
    (T + "(a TEXT COLLATE NOCASE)", T + "(a TEXT collate nocase)", 1.0),
    (T + "(a TEXT COLLATE BINARY)", T + "(a TEXT)", 1.0),
    (T + "(a INT DEFAULT 5)", T + "(a INT DEFAULT (5))", 1.0),
    (T + "(a INT DEFAULT 5)", T + "(a INT DEFAULT 6)", 0.0),
    (T + "(a INT DEFAULT 5)", T + "(a INT)", 0.0),
    (T + "(a INT DEFAULT NULL)", T + "(a INT)", 1.0),
    (T + "(a INT DEFAULT TRUE)", T + "(a INT DEFAULT 1)", 1.0),
    (T + "(a TEXT DEFAULT 'n')", T + "(a TEXT DEFAULT 'N')", 0.0),
    (T + "(a TEXT DEFAULT (datetime('now')))", T + "(a TEXT DEFAULT CURRENT_TIMESTAMP)", 1.0),
    (T + "(a INT DEFAULT (2 + 3))", T + "(a INT DEFAULT 5)", 1.0),
    (T + "(a INT DEFAULT (random()))", T + "(a INT DEFAULT (abs(random())))", 0.0),
    (T + "(a INT DEFAULT (nope(1)))", T + "(a INT DEFAULT (nope(2)))", 0.0),
    (T + "(a TEXT DEFAULT CURRENT_DATE)", T + "(a TEXT DEFAULT CURRENT_TIMESTAMP)", 0.0),
    (T + "(a INT, b INT, PRIMARY KEY (a, b))", T + "(a INT, b INT, PRIMARY KEY (b, a))", 0.0),
    (T + "(a INT, b INT, PRIMARY KEY (a))", T + "(a INT PRIMARY KEY, b INT)", 1.0),
    (T + "(a INT, b INT, UNIQUE (a, b))", T + "(a INT, b INT, UNIQUE (b, a))", 0.0),
    (T + "(a INT UNIQUE ON CONFLICT REPLACE)", T + "(a INT UNIQUE)", 0.0),
    (T + "(a INT UNIQUE ON CONFLICT ABORT)", T + "(a INT UNIQUE)", 1.0),
    (T + "(a INT NOT NULL)", T + "(a INT NULL)", 0.0),
    (T + "(a VARCHAR(9), b INT)", T + "(a TEXT, b BIGINT)", 1.0),
    ("ALTER TABLE none ADD COLUMN c INT DEFAULT 1", "ALTER TABLE none ADD c INT DEFAULT 2", 0.0),
    ("ALTER TABLE none RENAME COLUMN a TO c", 'ALTER TABLE none RENAME "a" TO c', 1.0),
    ("ALTER TABLE none DROP COLUMN a", "ALTER TABLE none DROP COLUMN b", 0.0),
    ("CREATE TEMP TABLE x (a INT)", "CREATE TABLE x (a INT)", 0.0),
    ("CREATE TEMP TABLE x (a INT)", "CREATE TEMP TABLE y (b INT)", 0.0),
    (
        "SELECT name FROM s WHERE id > 3",
        "CREATE TEMP TABLE q AS SELECT * FROM s; SELECT name FROM q WHERE id > 3",
        1.0,
    ),
    (
        "SELECT name FROM s WHERE id > 3",
        "CREATE TABLE q AS SELECT * FROM s; SELECT name FROM q WHERE id > 3",
        0.0,
    ),
    (
        "SELECT name FROM s WHERE id > 3",
        "CREATE TABLE q AS SELECT * FROM s; SELECT name FROM q WHERE id > 3; DROP TABLE q",
        1.0,
    ),
]

V, G = "CREATE VIEW v AS SELECT ", "CREATE TRIGGER g AFTER INSERT ON s BEGIN "
VIEWS_AND_TRIGGERS: list[Pair] = [
    (V + "name FROM s WHERE points > 100", V + "name FROM s WHERE points > 200", 0.0),
    (V + "name FROM s WHERE points > 100", V + "name from S where (points > 100)", 0.0),
    (V + "name FROM s WHERE points > 100", V + 'name from S -- all\n where "points">100', 1.0),
    (V + "name FROM s WHERE team = 'a'", V + "name FROM s WHERE id < 3", 1.0),
    (V + "name FROM s WHERE team = 'a'", V + "name FROM s WHERE id = 3", 0.0),
    (V + "name FROM s", V + "name AS who FROM s", 0.0),
    (V + "name FROM s", "CREATE VIEW IF NOT EXISTS main.v (name) AS SELECT name FROM s", 1.0),
    (V + "nope FROM s", V + "nope FROM s", 1.0),
    (V + "nope FROM s", V + "name FROM s", 0.0),
    (G + "UPDATE s SET points=1; END", G + "UPDATE s SET points = 1; END", 1.0),
    (G + "UPDATE s SET points=1; END", G + "UPDATE s SET points = 2; END", 0.0),
    (G + "UPDATE s SET name='N'; END", G + "UPDATE s SET name='n'; END", 0.0),
    (
        "CREATE TRIGGER g AFTER INSERT ON s BEGIN DELETE FROM none; END",
        "CREATE TRIGGER IF NOT EXISTS g AFTER INSERT ON s FOR EACH ROW BEGIN DELETE FROM none; END",
        1.0,
    ),
    (
        "CREATE TRIGGER g AFTER INSERT ON s BEGIN DELETE FROM none; END",
        "CREATE TRIGGER g INSERT ON s BEGIN DELETE FROM none; END",
        0.0,
    ),
    (
        "CREATE TRIGGER g BEFORE INSERT ON s BEGIN DELETE FROM none; END",
        "CREATE TRIGGER g INSERT ON s BEGIN DELETE FROM none; END",
        1.0,
    ),
]


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


@pytest.mark.parametrize(
    ("reference", "prediction", "right"),
    TIES
    + LIMITS
    + CHOICES_WITHIN
    + MIDDLE_CHOICES
    + NUMBERS
    + CHANCE_AND_TIME
    + SCHEMA
    + VIEWS_AND_TRIGGERS,
)
def test_right_value(
    executor: SqlExecutor, reference: str, prediction: str, right: float | None
) -> None:
    [row] = executor.execute([SCORES], [reference], [prediction])
    assert row == {"execution_accuracy": right, "valid_sql": 1.0}
    # Whatever its ties, a reference may do what it does.
    [row] = executor.execute([SCORES], [reference], [reference])
    assert row == {"execution_accuracy": 1.0, "valid_sql": 1.0}


@pytest.mark.parametrize("reference", ["SELECT a FROM t", "SELECT a FROM t ORDER BY a"])
def test_a_context_of_chance_gives_no_value_but_to_the_same_text(
    executor: SqlExecutor, reference: str
) -> None:
    context = "CREATE TABLE t (a INT); INSERT INTO t VALUES (random()), (random())"
    rows = executor.execute(
        [context] * 2, [reference] * 2, [reference + ";", "SELECT a + 0 FROM t"]
    )
    assert [row["execution_accuracy"] for row in rows] == [1.0, None]


def test_what_does_not_run_is_wrong_even_beside_a_reference_of_chance(
    executor: SqlExecutor,
) -> None:
    [row] = executor.execute([SCORES], ["SELECT RANDOM()"], ["SELECT nope"])
    assert row == {"execution_accuracy": 0.0, "valid_sql": 0.0}


def test_a_prediction_of_chance_scores_alike_each_time(executor: SqlExecutor) -> None:
    reference = "SELECT 1"
    prediction = "SELECT ABS(RANDOM()) % 2"
    rows = executor.execute([SCORES] * 20, [reference] * 20, [prediction] * 20)
    assert len({row["execution_accuracy"] for row in rows}) == 1
