"""Statements of MySQL, PostgreSQL, T-SQL and Oracle, with what their documentation says they do.

`tests/data/dialect_statements.json`: each has its dialect, the name of its context, the statement,
a statement of SQLite that does the same by the documentation, and the place there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from trainables.sql.execution import SqlExecutor

FILE = Path(__file__).parents[2] / "data" / "dialect_statements.json"
CORPUS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
STATEMENTS: list[dict[str, str]] = CORPUS["statements"]


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


@pytest.mark.parametrize("dialect", ["mysql", "postgres", "tsql", "oracle"])
def test_no_value_is_wrong_and_most_are_measured(executor: SqlExecutor, dialect: str) -> None:
    statements = [one for one in STATEMENTS if one["dialect"] == dialect]
    contexts = [CORPUS["contexts"][one["context"]] for one in statements]
    texts, wanted = [one["sql"] for one in statements], [one["returns"] for one in statements]
    found = executor.execute(contexts, texts, wanted)
    scores = [row["execution_accuracy"] for row in found]
    wrong = [text for text, score in zip(texts, scores, strict=True) if score == 0.0]
    assert not wrong
    assert scores.count(1.0) >= 0.8 * len(statements) > 30


def test_what_is_not_documented_is_never_right(executor: SqlExecutor) -> None:
    # Each statement against what another one of its dialect returns.
    pairs = [
        (CORPUS["contexts"][one["context"]], one["sql"], other["returns"])
        for one, other in pairwise(STATEMENTS)
        if one["returns"] != other["returns"]
    ]
    contexts, references, predictions = zip(*pairs, strict=True)
    found = executor.execute(contexts, references, predictions)
    right = [
        pair
        for pair, row in zip(pairs, found, strict=True)
        if row["execution_accuracy"] == 1.0 and not same(executor, *pair)
    ]
    assert not right


def same(executor: SqlExecutor, context: str, statement: str, returns: str) -> bool:
    """Tells whether the documented results of two statements are the same after all."""
    own = next(one["returns"] for one in STATEMENTS if one["sql"] == statement)
    return executor.execute([context], [own], [returns])[0]["execution_accuracy"] == 1.0


@pytest.mark.parametrize("one", STATEMENTS, ids=lambda one: one["sql"][:60])
def test_a_statement_does_what_it_does(executor: SqlExecutor, one: dict[str, str]) -> None:
    context = CORPUS["contexts"][one["context"]]
    judgement = executor.judge([context], [one["sql"]], [one["sql"]])[0]
    measured = executor.measurable(context, one["sql"]).is_measured
    assert judgement.execution_accuracy == (1.0 if measured else None)
    assert judgement.reason is None or judgement.reason.detail != "a construct of an unknown shape"
