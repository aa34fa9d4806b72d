"""The rows of one sweep: which are trained on, which are validated on, which are kept for the test.

No row of one split is in another, nor is the same question about the same schema in other words of
SQL: such a row is dropped from training in favour of validation, and from both in favour of the
test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainables.data import tables as source
from trainables.data.spelling import collapse_white_space
from trainables.data.tables import DatasetError, Example

__all__ = ["DatasetError", "Example", "Splits", "load_splits", "prompt"]

NOTEBOOK_ROWS = 50
"""Test rows that the study evaluated on, the first ones."""
NOTEBOOK_SUFFIX = (
    ", IMPORTANT: With or without the context, your answer must always be a SQL statement"
)
TEST_SHARE = 0.1
"""Kept for the test, of a data set that is one table, when no number of rows is asked for."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The rows of one sweep.

    Attributes:
        train: A seeded permutation, so that a trial of size n takes `train[:n]` and smaller sizes
            are nested in larger ones.
        validation: Scored at every rung of every trial.
        test: Scored once, by trials that complete.
        fingerprint: 16 hexadecimal digits of SHA-256 over all rows of the data set, whatever the
            seed.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    fingerprint: str

    def training_rows(self, data_size: int) -> tuple[Example, ...]:
        """Returns the first `data_size` rows of the permutation.

        Raises:
            DatasetError: There are fewer.
        """
        if data_size > len(self.train):
            raise DatasetError(
                f"The data_size is {data_size:,}, but there are {len(self.train):,} distinct "
                "training rows beside validation and test; give a data_size of at most "
                f"{len(self.train):,}."
            )
        return self.train[:data_size]


def prompt(example: Example, protocol: str = "standard") -> str:
    """Returns what the model is asked, the same in training, evaluation and prediction.

    Args:
        example: The question and its schema.
        protocol: "notebook" appends the study's sentence, which it used in evaluation only.
    """
    question = f"Question: {example.sql_prompt} Context: {example.sql_context}"
    return question + NOTEBOOK_SUFFIX if protocol == "notebook" else question


def load_splits(
    dataset: str,
    revision: str | None,
    data_seed: int,
    validation_rows: int,
    test_rows: int | None,
) -> Splits:
    """Reads a data set and divides it.

    Test rows are the first `test_rows` of the test table, in its order. Without a test table they
    are drawn from the training rows (a tenth of them where no number is asked for). Validation rows
    are drawn from the validation table, else from the training rows. What is drawn depends on
    `data_seed` alone.

    Args:
        dataset: "embedded", a table, a folder of tables, or an identifier of the hub.
        revision: Git revision on the hub.
        data_seed: Seeds the permutation of the training rows.
        validation_rows: Number of validation rows.
        test_rows: Number of test rows; None for all.

    Raises:
        DatasetError: The data set is not there, lacks a column, or has too few rows.
    """
    opened = [(str(file), file.stat()) for file in source.files(dataset)]
    stamp = tuple((name, status.st_size, status.st_mtime_ns) for name, status in opened)
    return _load(dataset, revision, data_seed, validation_rows, test_rows, stamp)


@lru_cache(maxsize=2)  # the trials of a sweep that share a process ask for the same immutable rows
def _load(
    dataset: str,
    revision: str | None,
    data_seed: int,
    validation_rows: int,
    test_rows: int | None,
    stamp: tuple[tuple[str, int, int], ...],
) -> Splits:
    return divide(source.read(dataset, revision), dataset, data_seed, validation_rows, test_rows)


def divide(
    tables: dict[str, list[Example]],
    dataset: str,
    data_seed: int,
    validation_rows: int,
    test_rows: int | None,
) -> Splits:
    """Divides rows that have been read; `load_splits` says how.

    Args:
        tables: Rows by split, as `data.tables.read` returns them.
        dataset: Name of the data set, for messages.
        data_seed: As in `load_splits`.
        validation_rows: As in `load_splits`.
        test_rows: As in `load_splits`.
    """
    shuffled = _permutation(tables["train"], data_seed)
    if "test" in tables:
        whole_test = tables["test"]
        test = _first(whole_test, test_rows, "test", dataset)
        held_out = {_question(example) for example in whole_test}
    else:
        wanted = max(1, int(len(shuffled) * TEST_SHARE)) if test_rows is None else test_rows
        test = _first(shuffled, wanted, "test", dataset)
        held_out = {_question(example) for example in test}
    if "validation" in tables:
        candidates = _permutation(tables["validation"], data_seed)
        whole_validation = [e for e in candidates if _question(e) not in held_out]
    else:
        shuffled = [e for e in shuffled if _question(e) not in held_out]
        whole_validation = shuffled[:validation_rows]
    validation = _first(whole_validation, validation_rows, "validation", dataset)
    held_out |= {_question(example) for example in whole_validation}
    train = [e for e in shuffled if _question(e) not in held_out]
    if not train:
        raise DatasetError(
            f"The data set {dataset!r} leaves no training rows beside {len(validation):,} for "
            f"validation and {len(test):,} for the test; ask for fewer of these."
        )
    return Splits(tuple(train), tuple(validation), tuple(test), _fingerprint(tables))


def _first(
    examples: Sequence[Example], wanted: int | None, split: str, dataset: str
) -> Sequence[Example]:
    if wanted is None:
        return examples
    if wanted > len(examples):
        raise DatasetError(
            f"{wanted:,} {split} rows are asked for, but the data set {dataset!r} has "
            f"{len(examples):,}; set evaluation.{split}_rows to at most that."
        )
    return examples[:wanted]


def _permutation(examples: Sequence[Example], seed: int) -> list[Example]:
    order = np.random.default_rng(seed).permutation(len(examples))
    return [examples[i] for i in order]


def _question(example: Example) -> tuple[str, str]:
    """What makes two rows the same question: neither white space nor case."""
    return (
        collapse_white_space(example.sql_prompt).casefold(),
        collapse_white_space(example.sql_context).casefold(),
    )


def _fingerprint(tables: dict[str, list[Example]]) -> str:
    digest = hashlib.sha256()
    for split in sorted(tables):
        digest.update(f"{split}\0{len(tables[split])}\0".encode())
        for row in tables[split]:
            digest.update(f"{row.sql_prompt}\0{row.sql_context}\0{row.sql}\0".encode())
    return digest.hexdigest()[:16]
