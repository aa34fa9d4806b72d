"""The built-in text-to-SQL corpus, from a seed: 8,000 rows to train on and 1,000 to test on.

Its columns and its mix of tasks are those of `gretelai/synthetic_text_to_sql`. Every statement runs
in SQLite against its context, and queries are built around rows that are there, so that few results
are empty and a right result means something. Contexts are short, which is what makes a sweep on one
CPU thread a matter of minutes.

Its split is part of it, and no `split_by` changes it: every row has a context of its own, rows of
its tables included, so that none is on two sides, and figures on it stay comparable.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Iterator
from typing import Literal

from trainables.embedded.statements import KINDS, Kind
from trainables.embedded.task import Task, draw

TRAIN_ROWS = 8_000
TEST_ROWS = 1_000
SEED = 0
"""Seeds the rows of both splits; the documents of pretraining come from other seeds."""

FINGERPRINT = "fd1af3de5e647ced"
"""Of all rows, as `trainables.data.splits.Splits.fingerprint`: known without generating them."""

LONGEST_PROMPT = 460
LONGEST_STATEMENT = 200
"""No row has more characters than these in its prompt or its statement."""

PHRASINGS = 12
"""A multiple of the number of phrasings of every kind, so that they are equally likely."""


def tasks(seed: int, kinds: Iterable[Kind]) -> Iterator[tuple[Task, int]]:
    """Yields tasks, each with the number of a phrasing, without end: the same ones for a seed.

    Args:
        seed: Decides everything that is drawn.
        kinds: Kinds of statement, drawn as often as their weights say.
    """
    rng = random.Random(seed)
    weighted = [kind for kind in kinds for _ in range(kind.weight)]
    while True:
        yield draw(weighted, rng), rng.randrange(PHRASINGS)


def rows(split: Literal["train", "test"]) -> list[dict[str, str]]:
    """Returns the rows of a split, in a random but fixed order.

    No question occurs twice with the same context, neither within a split nor across the two.

    Args:
        split: "train" (`TRAIN_ROWS` rows) or "test" (`TEST_ROWS` rows).

    Returns:
        Dictionaries with the keys `id`, `sql_prompt`, `sql_context`, `sql`, `domain`,
        `sql_complexity` and `sql_task_type`.

    Raises:
        ValueError: The split has another name.
    """
    if split not in ("train", "test"):
        raise ValueError(f"The split is {split!r}, but must be 'train' or 'test'.")
    everything = _splits()
    part = everything[:TRAIN_ROWS] if split == "train" else everything[TRAIN_ROWS:]
    return [{"id": f"{split}-{number:05d}", **row} for number, row in enumerate(part)]


@functools.cache
def _splits() -> tuple[dict[str, str], ...]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for task, phrasing in tasks(SEED, KINDS):
        question = task.question(phrasing)
        found.setdefault(
            (question, task.context),
            {
                "sql_prompt": question,
                "sql_context": task.context,
                "sql": task.sql,
                "domain": task.domain.name,
                "sql_complexity": task.kind.complexity,
                "sql_task_type": task.kind.task,
            },
        )
        if len(found) == TRAIN_ROWS + TEST_ROWS:
            break
    return tuple(found.values())
