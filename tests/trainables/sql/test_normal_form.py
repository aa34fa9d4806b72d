from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.sql.normal_form import LONGEST_STATEMENT, same_statement

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
]


@pytest.mark.parametrize(("reference", "prediction"), SAME)
def test_same_statement(reference: str, prediction: str) -> None:
    assert same_statement(reference, prediction)
    assert same_statement(prediction, reference)


@pytest.mark.parametrize(("reference", "prediction"), DIFFERENT)
def test_different_statement(reference: str, prediction: str) -> None:
    assert not same_statement(reference, prediction)
    assert not same_statement(prediction, reference)


@given(st.text(), st.text())
def test_any_text_compares(first: str, second: str) -> None:
    assert same_statement(first, first)
    assert same_statement(first, second) in (True, False)


@pytest.mark.parametrize("piece", ["(", "NOT ", "SELECT (", "CASE WHEN ", "a IN (", "'", "/*"])
def test_deep_nesting_is_compared_as_text(piece: str) -> None:
    deep = "SELECT " + piece * (LONGEST_STATEMENT // len(piece) - 10)
    assert same_statement(deep, deep.replace("SELECT", "select", 1) + " ")
    assert not same_statement(deep, "SELECT 1")
