from __future__ import annotations

import re
import sqlite3

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from trainables.sql.pieces.lexical import lower, pieces
from trainables.sql.sandbox.tokens import SPACE


def texts(sql: str) -> list[str]:
    return [piece.text for piece in pieces(sql)]


def test_a_text_is_cut_as_sqlite_does() -> None:
    assert texts("SELECT a.b, x'4A', 1.5e+3 FROM [my t] WHERE \"b\"\"\"<>'it''s' --- c\n;") == [
        *("SELECT", "a", ".", "b", ",", "x'4A'", ",", "1.5e+3", "FROM", "[my t]", "WHERE"),
        *('"b"""', "<>", "'it''s'"),
    ]
    assert texts("a->>'$.b'||c::int>=:p") == [
        *("a", "->>", "'$.b'", "||", "c", "::", "int", ">=", ":p")
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'it\\'s'",  # an escape in MySQL
        "SELECT 1 # one",  # a comment in MySQL
        "SELECT 5--1",  # a sum in MySQL
        "SELECT /*! 1 */ 2",  # runs in MySQL
        "SELECT /* /* */ 1",  # goes on in PostgreSQL
        "SELECT $$a$$",  # a string in PostgreSQL
        "SELECT a FROM t ORDER /* */ BY a",  # not read by sqlglot
    ],
)
def test_where_dialects_differ_a_text_is_whole(sql: str) -> None:
    assert [piece.kind for piece in pieces(sql)] == ["text"]


@given(st.text(max_size=100))
def test_nothing_is_lost(sql: str) -> None:
    end = 0
    for piece in pieces(sql):
        if piece.kind != "text":
            assert sql.startswith(piece.text, piece.start)
            assert piece.start >= end
            end = piece.start + len(piece.text)


_AROUND = re.compile(rf"\A(?:;|{SPACE})*;|(?:;|{SPACE})*\Z")
"""Semicolons at the beginning and the end."""


@example("E\x0b")
@example("E \x0b1")
@example("\x0bE")
@example(" \x0bE")
@example("E; \x0b")
@given(st.text("a1.'\"`[]-/* \n\t\x0b\xa0;=<>|e+xE(", max_size=12))
def test_equal_pieces_are_equal_to_sqlite(tail: str) -> None:
    # Python takes an unclosed comment of nothing, behind a semicolon, for no second statement; to
    # SQLite it is two signs.
    assume(not (";" in tail and tail.rstrip().endswith("/*")))
    # Not by a space, behind which a vertical tab is one more; nor is there one before.
    spaced = "SELECT 1 AS" + "".join(f"/**/{text}" for text in texts(tail))
    if [piece.kind for piece in pieces(tail)] != ["text"]:
        assert runs("SELECT 1 AS/**/" + _AROUND.sub("", tail)) == runs(spaced)


def runs(sql: str) -> str:
    with sqlite3.connect(":memory:") as connection:
        try:
            cursor = connection.execute(sql)
            return f"{cursor.fetchall()} {cursor.description}"
        except (sqlite3.Error, sqlite3.Warning) as error:
            return type(error).__name__


@given(st.text(max_size=50))
def test_only_letters_of_ascii_have_two_cases(text: str) -> None:
    assert [c for c in lower(text) if c >= "\x80"] == [c for c in text if c >= "\x80"]


@pytest.mark.parametrize("piece", ["'", '"', "/*", "(", "1e+", "_", "$", "-", "a'", "\u00e9 "])
def test_a_long_text_takes_no_long(piece: str) -> None:
    pieces(piece * (200_000 // len(piece)))
