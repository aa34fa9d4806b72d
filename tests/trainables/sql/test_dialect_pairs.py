"""Statements of four dialects, each with what it does by its documentation and what it does not.

`tests/data/dialect_pairs.json`: each pair has its dialect, the name of its context, the reference,
a prediction that does the same, one that does what the statement does by another dialect's rules or
by none, and the place in the documentation. "plain" is a context that shows no dialect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainables.sql.execution import SqlExecutor

FILE = Path(__file__).parents[2] / "data" / "dialect_pairs.json"
CORPUS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PAIRS: list[dict[str, str]] = CORPUS["pairs"]


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair['dialect']}-{pair['sql'][:60]}")
def test_no_value_is_wrong(executor: SqlExecutor, pair: dict[str, str]) -> None:
    context = CORPUS["contexts"][pair["context"]]
    right, wrong, itself = executor.judge(
        [context] * 3, [pair["sql"]] * 3, [pair["right"], pair["wrong"], pair["sql"]]
    )
    assert right.execution_accuracy in (1.0, None)
    assert wrong.execution_accuracy in (0.0, None)
    measured = executor.measurable(context, pair["sql"]).is_measured
    assert itself.execution_accuracy == (1.0 if measured else None)
    for judgement in (right, wrong, itself):
        assert "an unknown shape" not in (judgement.reason.detail if judgement.reason else "")


def test_most_are_measured(executor: SqlExecutor) -> None:
    contexts = [CORPUS["contexts"][pair["context"]] for pair in PAIRS]
    references = [pair["sql"] for pair in PAIRS]
    found = executor.execute(contexts, references, [pair["right"] for pair in PAIRS])
    measured = [row["execution_accuracy"] for row in found].count(1.0)
    assert measured >= 0.8 * len(PAIRS) > 100
