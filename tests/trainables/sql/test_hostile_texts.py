"""What an undertrained model writes is scored in bounded time, with signs of life."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise

import psutil
import pytest

from tests.trainables.sql.hostile_texts import hostile_text
from trainables.evaluation.text_scores import score
from trainables.sql.execution import SqlExecutor
from trainables.sql.query import QueryFailed, query
from trainables.sql.sandbox.database import Limits

CONTEXT = "CREATE TABLE employees (name TEXT, salary INT); INSERT INTO employees VALUES ('Ann', 3);"
REFERENCE = "SELECT name FROM employees WHERE salary > 2"
JOINS = "SELECT name FROM employees" + " JOIN employees" * 40


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


def scored(
    executor: SqlExecutor, predictions: list[str], heartbeat: Callable[[], None] | None = None
) -> list[dict[str, float | None]]:
    rows = len(predictions)
    texts = score(predictions, [REFERENCE] * rows, synonyms=False, heartbeat=heartbeat)
    runs = executor.execute([CONTEXT] * rows, [REFERENCE] * rows, predictions, heartbeat)
    return [{**text, **run} for text, run in zip(texts, runs, strict=True)]


def test_a_model_that_repeats_itself_is_scored(executor: SqlExecutor) -> None:
    [row] = scored(executor, [JOINS])
    # SQLite reads it at once, and refuses the ambiguous name.
    assert (row["exact_match"], row["execution_accuracy"], row["valid_sql"]) == (0.0, 0.0, 0.0)


def test_what_sqlite_runs_is_judged_by_running_it(executor: SqlExecutor) -> None:
    # Too many readings for sqlglot, and a statement of SQLite's all the same.
    many = "SELECT e.name FROM employees e" + " JOIN employees" * 30 + " WHERE e.salary > 2"
    [row] = scored(executor, [many])
    assert (row["exact_match"], row["execution_accuracy"]) == (0.0, 1.0)


def test_a_person_s_question_does_not_hang() -> None:
    with pytest.raises(QueryFailed):
        query(JOINS, context=CONTEXT)


def test_hostile_texts_score(executor: SqlExecutor) -> None:
    generator = random.Random(0)
    rows = scored(executor, [hostile_text(generator) for _ in range(60)])
    assert all(None not in row.values() for row in rows)


def processor_seconds() -> float:
    """Returns what this process and its children have used, those that have ended included."""
    used = list(psutil.Process().cpu_times()[:4])
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            used += child.cpu_times()[:2]
    return sum(used)


@pytest.mark.slow
def test_no_hostile_text_passes_its_limit_or_stops_the_heart(executor: SqlExecutor) -> None:
    generator = random.Random(1)
    beats = [processor_seconds()]
    for _ in range(250):
        started = processor_seconds()
        [row] = scored(
            executor, [hostile_text(generator)], lambda: beats.append(processor_seconds())
        )
        assert None not in row.values()
        assert processor_seconds() - started < Limits().cpu_seconds + 1
    assert max(later - earlier for earlier, later in pairwise(beats)) < 5
