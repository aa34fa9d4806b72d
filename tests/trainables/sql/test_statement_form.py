from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.embedded.corpus import rows
from trainables.sql.statement_form import statement_form


@pytest.mark.parametrize(
    ("sql", "form"),
    [
        ("SELECT a FROM b WHERE c = 'join'", "plain query"),
        ("SELECT a FROM b -- GROUP BY a\n ORDER BY a;", "ORDER BY"),
        ('SELECT "union" FROM b', "plain query"),
        ("SELECT MAX(a) FROM b ORDER BY 1", "aggregate"),
        ("select a, count(*) from b group by a", "GROUP BY"),
        ("SELECT a FROM b JOIN c ON b.d = c.d GROUP BY a", "join"),
        ("SELECT a FROM b WHERE c IN (SELECT c FROM d JOIN e)", "subquery"),
        ("WITH f AS (SELECT 1) SELECT * FROM f", "subquery"),
        ("SELECT RANK() OVER (ORDER BY a) FROM (SELECT 1)", "window"),
        ("SELECT a FROM b UNION SELECT a FROM c", "set operation"),
        ("INSERT INTO a SELECT * FROM b", "INSERT"),
        ("create table a (b INT)", "CREATE"),
        ("no statement", "other"),
        ("", "other"),
    ],
)
def test_a_statement_has_the_form_of_the_hardest_thing_in_it(sql: str, form: str) -> None:
    assert statement_form(sql) == form


def test_every_statement_of_the_corpus_has_a_form() -> None:
    assert "other" not in {statement_form(row["sql"]) for row in rows("test")}


@given(st.text())
def test_any_text_has_one(text: str) -> None:
    assert statement_form(text)
