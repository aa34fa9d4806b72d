from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.sql.sandbox.tokens import normal_form, same_text, split_at_commas, tokens


def test_tokens_have_a_kind_and_a_depth() -> None:
    found = [(t.kind, t.text, t.depth) for t in tokens("Select F(\"A b\", 'C')>=1.5E-3 -- all")]
    assert found == [
        ("word", "select", 0),
        ("word", "f", 0),
        ("symbol", "(", 0),
        ("name", '"A b"', 1),
        ("symbol", ",", 1),
        ("text", "'C'", 1),
        ("symbol", ")", 0),
        ("symbol", ">=", 0),
        ("number", "1.5e-3", 0),
    ]


@given(st.text(alphabet="a1'\"`[]()-/*;., \n", max_size=30))
def test_tokens_lie_in_the_text_in_order(text: str) -> None:
    end = 0
    for token in tokens(text):
        assert token.start >= end
        assert text[token.start : token.end].lower() == token.text.lower()
        end = token.end


def test_commas_in_parentheses_split_nothing() -> None:
    parts = split_at_commas(tokens("a, f(b, c), (d, e)"))
    assert [normal_form(part) for part in parts] == ["a", "f ( b , c )", "d , e"]
    assert split_at_commas([]) == [[]]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("a*2", 'A * "a"', False),
        ("a*2", '("A" * 2)', True),
        ("[a b] <> 'X'", "`A B` != 'X'", True),
        ("a = 'X'", "a = 'x'", False),
        ("t.a > 1", "a > 1", True),
        ("u.a > 1", "a > 1", False),
        ("(a) + (b)", "a) + (b", False),
        ("a == 1", "a=1 /* one */", True),
        ("a < = 1", "a <= 1", False),
    ],
)
def test_normal_form(first: str, second: str, same: bool) -> None:
    forms = [normal_form(tokens(text), "t") for text in (first, second)]
    assert (forms[0] == forms[1]) is same


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("SELECT RANDOM()", "select random ( ) ;", True),
        ("SELECT RANDOM();", ";;SELECT RANDOM() -- all\n;/* end */;", True),
        ("SELECT 1; SELECT 2", "SELECT 1;; SELECT 2;", True),
        ("SELECT 1; SELECT 2", "SELECT 1 SELECT 2", False),
        ("SELECT 'a'", "SELECT 'A'", False),
        ('SELECT "a"', 'SELECT "A"', False),
        ("SELECT '-- a'", "SELECT '-- b'", False),
        ("SELECT 1", "SELECT 1.0", False),
        ("", " ;; -- nothing", True),
    ],
)
def test_same_text(first: str, second: str, same: bool) -> None:
    assert same_text(first, second) is same
    assert same_text(second, first) is same
