from __future__ import annotations

import random
import subprocess
import sys
from contextlib import suppress

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.sql.hostile_texts import hostile_text
from trainables.sql.parsing import bounded_parser
from trainables.sql.parsing.bounded_parser import LONGEST_STATEMENT, NotParsed, parse

DIALECTS = ["sqlite", "mysql", "postgres", "tsql", "oracle", "duckdb"]

EXPONENTIAL = {
    "joins without conditions": "SELECT name FROM employees" + " JOIN employees" * 200,
    "a list of joins": "SELECT a FROM t" + " JOIN t JOIN u," * 100,
    "STRUCT(": "SELECT " + "STRUCT(" * 60 + "1" + ")" * 60,
    "JOIN NULL": "SELECT a FROM t" + " JOIN NULL" * 60,
    "JOIN IN": "SELECT a FROM t" + " JOIN IN" * 60,
    "ARRAY[ JOIN": "SELECT " + "ARRAY[ JOIN SUBSTRING( " * 60,
}
READABLE = {
    "a long list": "SELECT " + "1," * 4_900 + "1",
    "a long condition": "SELECT a FROM t WHERE " + " OR ".join(["b = 1"] * 900),
    "many rows": "INSERT INTO t VALUES " + ", ".join(["(1, 'abc')"] * 700),
    "many columns": "CREATE TABLE t (" + ", ".join(f"c{n} INT NOT NULL" for n in range(500)) + ")",
    "many joins": "SELECT a FROM t" + "".join(f" JOIN u{n} ON t.a = u{n}.a" for n in range(200)),
    "many statements": "SELECT 1;" * 1_000,
    "unions": " UNION ".join(["SELECT a FROM t"] * 400),
    "subqueries": "SELECT a FROM " + "(SELECT a FROM " * 8 + "t" + ") AS s" * 8,
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", EXPONENTIAL)
def test_a_text_of_too_many_readings_is_given_up(name: str, dialect: str) -> None:
    moves = moves_of(EXPONENTIAL[name], dialect)
    assert moves is None or moves < 10_000


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("dialect", ["sqlite", "mysql", "postgres"])
def test_a_long_text_is_parsed(name: str, dialect: str) -> None:
    text = READABLE[name]
    assert len(text) <= LONGEST_STATEMENT
    moves = moves_of(text, dialect)
    # Far from the bound, so that no statement that people write comes near it.
    assert moves is not None
    assert moves < (bounded_parser.MOVES + bounded_parser.MOVES_PER_CHARACTER * len(text)) / 2


def moves_of(text: str, dialect: str) -> int | None:
    """Returns how many moves a text took; None where it was given up for their number."""
    counts: list[int] = []
    parser = bounded_parser._counting

    def noting(kind: type) -> type:
        class Noting(parser(kind)):  # type: ignore[misc]
            def _advance(self, times: int = 1) -> None:
                counts.append(times)
                super()._advance(times)

        return Noting

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded_parser, "_counting", noting)
        try:
            parse(text, dialect)
        except NotParsed as failure:
            if "too many ways" in str(failure):
                return None
    return len(counts)


def test_the_bound_is_the_same_on_a_busy_machine() -> None:
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"], stdin=subprocess.DEVNULL)
        for _ in range(2)
    ]
    try:
        texts = [hostile_text(random.Random(seed)) for seed in range(60)]
        under_load = [outcome(text) for text in texts]
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert under_load == [outcome(text) for text in texts]


def outcome(text: str) -> str:
    try:
        return " ".join(type(tree).__name__ for tree in parse(text, "sqlite"))
    except NotParsed as failure:
        return str(failure)


@given(st.text(max_size=300), st.sampled_from(DIALECTS))
def test_any_text_is_parsed_or_not(text: str, dialect: str) -> None:
    with suppress(NotParsed):
        assert parse(text, dialect)


def test_a_text_that_is_too_long_is_not_parsed() -> None:
    with pytest.raises(NotParsed, match="more than 10,000 characters"):
        parse("SELECT 1" + " " * LONGEST_STATEMENT, "sqlite")


def test_other_users_of_the_library_are_not_counted() -> None:
    text = "SELECT a FROM t" + " JOIN t" * 11
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded_parser, "MOVES", 1)
        with pytest.raises(NotParsed, match="too many ways"):
            parse(text, "sqlite")
        assert sqlglot.parse_one(text, read="sqlite")
