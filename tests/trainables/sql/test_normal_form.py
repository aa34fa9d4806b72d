from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.sql.hostile_texts import WORDS
from trainables.sql.normal_form import LONGEST_STATEMENT, same_statement

PAIRS = Path(__file__).parents[2] / "data" / "dialect_pairs.json"

SAME = [
    ("SELECT a FROM t", "select  A\nfrom T ;"),
    ("SELECT a FROM t", "SELECT a -- the only column\nFROM t /* here */;;"),
    ("SELECT `a` FROM [t]", 'SELECT "A" FROM t'),
    ('SELECT a FROM t WHERE b = "Bob"', "SELECT a FROM t WHERE b = 'Bob'"),
    ("SELECT a FROM t WHERE b != 1", "SELECT a FROM t WHERE b <> 1"),
    ("SELECT a x FROM t", "SELECT a AS x FROM t"),
    ("SELECT COUNT(*) AS total FROM t", "SELECT count(*) FROM t"),
    ("SELECT a AS x FROM t ORDER BY x", "SELECT a FROM t ORDER BY a ASC"),
    (
        "SELECT a, COUNT(*) n FROM t GROUP BY a HAVING n > 2",
        "SELECT a, COUNT(*) FROM t GROUP BY a HAVING COUNT(*) > 2",
    ),
    ("SELECT e.a FROM emp e WHERE e.id = 3", "SELECT a FROM emp WHERE id = 3"),
    ("SELECT e.* FROM emp AS e", "SELECT * FROM emp"),
    (
        "SELECT x.a, y.b FROM u x INNER JOIN v AS y ON x.i = y.i",
        "SELECT u.a, v.b FROM u JOIN v ON u.i = v.i",
    ),
    ("SELECT a FROM u LEFT OUTER JOIN v USING (i)", "SELECT a FROM u LEFT JOIN v USING (i)"),
    (
        "SELECT e.a FROM m e WHERE e.s > (SELECT AVG(f.s) FROM m f WHERE f.d = e.d)",
        "SELECT a FROM m AS q WHERE s > (SELECT AVG(z.s) FROM m z WHERE z.d = q.d)",
    ),
    ("SELECT x FROM (SELECT a AS x FROM t) AS s", "SELECT q.x FROM (SELECT a AS x FROM t) q"),
    (
        "WITH c AS (SELECT a FROM t) SELECT c.a FROM c",
        "with C as (select t.a from t) select a from c",
    ),
    ("DELETE FROM t WHERE t.a = 1", "delete from t where a=1"),
    ("UPDATE t SET a = 1 WHERE t.b = 2", "UPDATE t SET a=1 WHERE b=2;"),
    ("INSERT INTO t (a, b) VALUES (1, 'X')", "insert into t(a,b) values(1,'X')"),
    ("CREATE TABLE t (a INT)", "create table T (A INTEGER)"),
    ("SELECT DATE_SUB(NOW(), INTERVAL 1 DAY)", "select date_sub( now(), interval 1 day )"),
    ("SELECT a FROM t", ";;SELECT a FROM t;"),
    ('SELECT "a" FROM t WHERE "b" = 1 ORDER BY "c"', "SELECT a FROM t WHERE b = 1 ORDER BY c"),
    ('INSERT INTO "t" ("a") VALUES (1)', "INSERT INTO t (a) VALUES (1)"),
    (
        "SELECT a AS x, COUNT(*) AS n FROM t ORDER BY n, x",
        "SELECT a, COUNT(*) FROM t ORDER BY COUNT(*), a",
    ),
    ("SELECT TO_CHAR(d, 'YYYY') AS y FROM t", "select to_char(d,'YYYY') from t"),
    ("this is not SQL", "This is  NOT sql;"),
    ("", " ; "),
]

DIFFERENT = [
    ("SELECT a FROM t", "SELECT b FROM t"),
    ("SELECT a, b FROM t", "SELECT b, a FROM t"),
    ("SELECT a b FROM t", "SELECT a, b FROM t"),
    ("SELECT a FROM t", "SELECT DISTINCT a FROM t"),
    ("SELECT a FROM t WHERE b = 'X'", "SELECT a FROM t WHERE b = 'x'"),
    ('SELECT a FROM t WHERE b = "X"', 'SELECT a FROM t WHERE b = "x"'),
    # "b" is a string in MySQL, which alone has an order in GROUP_CONCAT, or a SEPARATOR.
    ("SELECT GROUP_CONCAT(a ORDER BY b) FROM t", 'SELECT GROUP_CONCAT(a ORDER BY "b") FROM t'),
    ("SELECT GROUP_CONCAT(a SEPARATOR 'x')", "SELECT GROUP_CONCAT(\"a\" SEPARATOR 'x')"),
    ("SELECT TRIM(BOTH 'x' FROM 'A B')", "SELECT TRIM(BOTH 'x' FROM \"A B\")"),
    ("SELECT a FROM t WHERE b < 3", "SELECT a FROM t WHERE b <= 3"),
    ("SELECT a FROM u JOIN v ON u.i = v.i", "SELECT a FROM u LEFT JOIN v ON u.i = v.i"),
    ("SELECT x.a FROM t x JOIN u y ON x.i = y.i", "SELECT y.a FROM t x JOIN u y ON x.i = y.i"),
    (
        "SELECT a FROM m e WHERE EXISTS (SELECT 1 FROM m f WHERE f.i = e.i)",
        "SELECT a FROM m e WHERE EXISTS (SELECT 1 FROM m f WHERE f.i = f.i)",
    ),
    ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a DESC"),
    ("SELECT a FROM t", "SELECT a FROM t LIMIT 1"),
    ("CREATE VIEW v AS SELECT a AS x FROM t", "CREATE VIEW v AS SELECT a AS y FROM t"),
    ("SELECT a FROM t", ""),
    ("", "SELECT a FROM t"),
    ("not SQL at all", "nor is this one"),
    ("SELECT 1; SELECT 2", "SELECT 2; SELECT 1"),
    # Quotes: `a` is never a string, "a" may be either, 'a' always is one.
    ("SELECT n FROM g WHERE n='Smith'", "SELECT n FROM g WHERE n=`Smith`"),
    ("SELECT n FROM g WHERE n='Smith'", "SELECT n FROM g WHERE n=[Smith]"),
    ("SELECT n FROM g WHERE n = 'm'", 'SELECT n FROM g WHERE n = "m"'),
    ("SELECT N, 'n' FROM g WHERE m = 'N'", "SELECT N, 'n' FROM g WHERE m = \"N\""),
    ('SELECT IFNULL(n, "None") FROM g', 'SELECT IFNULL(n, "none") FROM g'),
    ('SELECT n, "High" FROM g', 'SELECT n, "HIGH" FROM g'),
    ('SELECT n, "High" FROM g', "SELECT n, high FROM g"),
    ('SELECT "order" FROM g', "SELECT order FROM g"),
    ("SELECT a FRM `select`", "SELECT a FRM select"),
    ('SELECT "name", YEAR(d) FROM g', "SELECT name, YEAR(d) FROM g"),
    # What a tree by sqlglot does not hold.
    ("SELECT TO_CHAR(d, 'YYYY') FROM t", "SELECT TO_CHAR(d, 'MM') FROM t"),
    ("SELECT DATE_FORMAT(d, '%Y') FROM t", "SELECT DATE_FORMAT(d, '%m') FROM t"),
    ("SELECT MOD(a, 2) FROM t", "SELECT a % 2 FROM t"),
    ("SELECT a FROM t TABLESAMPLE (1 PERCENT)", "SELECT a FROM t"),
    (
        "SELECT * FROM (SELECT a, b FROM t) s PIVOT (SUM(b) FOR a IN ([x])) p",
        "SELECT * FROM (SELECT a, b FROM t) s",
    ),
    ("SELECT FIRST_VALUE(a) IGNORE NULLS OVER () FROM t", "SELECT FIRST_VALUE(a) OVER () FROM t"),
    ("CREATE TABLE t (a INT PRIMARY KEY)", "CREATE TABLE t (a INTEGER PRIMARY KEY)"),
    ("CREATE TABLE t (a VARCHAR(10))", "CREATE TABLE t (a TEXT)"),
    ("SELECT DISTINCTROW a FROM t", "SELECT DISTINCTROW b FROM t"),
    ("SELECT a FROM t FINAL", "SELECT a FROM t"),
    # Names that only look as if they did not count.
    ("SELECT a AS x FROM t WHERE x > 1", "SELECT a FROM t WHERE x > 1"),
    ("SELECT -a AS a FROM t e ORDER BY e.a", "SELECT -a AS a FROM t ORDER BY a"),
    ("SELECT a AS b, b AS a FROM t ORDER BY b", "SELECT a, b FROM t ORDER BY b"),
    ("SELECT 2 AS x, a FROM t ORDER BY x", "SELECT 2, a FROM t ORDER BY 2"),
    (
        "SELECT a FROM m WHERE i IN (SELECT i FROM n WHERE b > c)",
        "SELECT a FROM m WHERE i IN (SELECT i FROM n WHERE n.b > n.c)",
    ),
    ("UPDATE t SET a = u.b FROM u WHERE u.i = t.i", "UPDATE t SET a = b FROM u WHERE i = t.i"),
    ("SELECT a FROM t JOIN u ON u.i = t.i", "SELECT a FROM t JOIN u x ON u.i = t.i"),
    ("SELECT a INTO z FROM t", "SELECT a AS b INTO z FROM t"),
    ("SELECT t.* FROM t", "SELECT t.* x FROM t"),
    ("SELECT a FROM t LEFT JOIN u USING (i)", "SELECT a FROM t LEFT INNER JOIN u USING (i)"),
    ("SELECT DATEADD(day, 1, d) FROM t", "SELECT DATEADD(t.day, 1, d) FROM t"),
    ("SELECT a FROM t ORDER BY a COLLATE NOCASE", "SELECT a FROM t ORDER BY a COLLATE t.NOCASE"),
    ("SELECT a FROM t", "SELECT a FROM t AS select"),
    # Pieces that white space or a comment make.
    ("SELECT 1 abc", "SELECT 1abc"),
    ("SELECT a FROM t", "SELECT a\u00a0FROM t"),
    ("SELECT a FROM t", "SELECT a FROM t /*"),
    ("SELECT a /* b */ FROM t", "SELECT a /*! b */ FROM t"),
    ("SELECT 'it\\'s A'", "SELECT 'it\\'s a'"),
    ("SELECT É FROM t", "SELECT é FROM t"),
]


MERGE = "MERGE INTO t USING u ON t.i = u.i WHEN MATCHED THEN UPDATE SET a = "
SAME.append((MERGE + "u.b", MERGE.lower() + "U.B;"))
DIFFERENT.append((MERGE + "u.b", MERGE + "u.c"))


@pytest.mark.parametrize(("reference", "prediction"), SAME)
def test_same_statement(reference: str, prediction: str) -> None:
    assert same_statement(reference, prediction)
    assert same_statement(prediction, reference)


@pytest.mark.parametrize(("reference", "prediction"), DIFFERENT)
def test_different_statement(reference: str, prediction: str) -> None:
    assert not same_statement(reference, prediction)
    assert not same_statement(prediction, reference)


SCHEMA = "CREATE TABLE t (b TEXT, bob TEXT, n INT)"


@pytest.mark.parametrize(
    ("reference", "prediction", "same"),
    [
        ('SELECT b FROM t WHERE b = "ann"', "SELECT b FROM t WHERE b = 'ann'", True),
        ('SELECT b FROM t WHERE b = "Bob"', "SELECT b FROM t WHERE b = 'Bob'", False),
        ('SELECT IFNULL(b, "none") FROM t', "SELECT IFNULL(b, 'none') FROM t", True),
        ('SELECT "B" FROM t', "SELECT b FROM t", True),
        ('SELECT "total" FROM t', "SELECT total FROM t", False),
        ('SELECT "total" FROM t', "SELECT 'total' FROM t", True),
        (
            "SELECT b, COUNT(*) AS n FROM t GROUP BY b HAVING n > 2",
            "SELECT b, COUNT(*) FROM t GROUP BY b HAVING COUNT(*) > 2",
            False,
        ),
    ],
)
def test_the_schema_tells_names_from_strings(reference: str, prediction: str, same: bool) -> None:
    assert same_statement(reference, prediction, SCHEMA) is same
    assert same_statement(prediction, reference, SCHEMA) is same


@given(st.text(), st.text())
def test_any_text_compares(first: str, second: str) -> None:
    assert same_statement(first, first)
    assert same_statement(first, second) in (True, False)


def test_any_edit_of_a_dialects_statement_compares() -> None:
    generator = random.Random(0)
    statements = json.loads(PAIRS.read_text(encoding="utf-8"))["pairs"]
    for statement in statements:
        words = re.findall(r"\w+|[^\w\s]", statement["sql"])
        for _ in range(4):
            place = generator.randrange(len(words))
            words[place : place + 1] = [generator.choice(words), generator.choice([*WORDS, ""])]
            assert same_statement(statement["sql"], " ".join(words)) in (True, False)


@pytest.mark.parametrize("piece", ["(", "NOT ", "SELECT (", "CASE WHEN ", "a IN (", "'", "/*"])
def test_deep_nesting_is_compared_as_text(piece: str) -> None:
    deep = "SELECT " + piece * (LONGEST_STATEMENT // len(piece) - 10)
    assert same_statement(deep, deep.replace("SELECT", "select", 1) + " ")
    assert not same_statement(deep, "SELECT 1")
