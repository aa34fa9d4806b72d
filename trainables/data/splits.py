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

from trainables.data.errors import DatasetError
from trainables.data.locations import split_files
from trainables.data.spelling import collapse_white_space
from trainables.data.tables import Example, read

NOTEBOOK_ROWS = 50
"""Test rows that the study evaluated on, the first ones."""
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
    files = [file for part in (split_files(dataset) or {}).values() for file in part]
    opened = [(str(file), file.stat()) for file in files]
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
    return divide(read(dataset, revision), dataset, data_seed, validation_rows, test_rows)


def divide(
    rows: dict[str, list[Example]],
    dataset: str,
    data_seed: int,
    validation_rows: int,
    test_rows: int | None,
) -> Splits:
    """Divides rows that have been read; `load_splits` says how.

    Args:
        rows: By split, as `data.tables.read` returns them.
        dataset: Name of the data set, for messages.
        data_seed: As in `load_splits`.
        validation_rows: As in `load_splits`.
        test_rows: As in `load_splits`.
    """
    shuffled = _permutation(rows["train"], data_seed)
    if "test" in rows:
        whole_test = rows["test"]
        test = _first(whole_test, test_rows, "test", dataset)
        held_out = {_question(example) for example in whole_test}
    else:
        wanted = max(1, int(len(shuffled) * TEST_SHARE)) if test_rows is None else test_rows
        test = _first(shuffled, wanted, "test", dataset)
        held_out = {_question(example) for example in test}
    if "validation" in rows:
        candidates = _permutation(rows["validation"], data_seed)
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
    return Splits(tuple(train), tuple(validation), tuple(test), _fingerprint(rows))


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


def _fingerprint(rows: dict[str, list[Example]]) -> str:
    digest = hashlib.sha256()
    for split in sorted(rows):
        digest.update(f"{split}\0{len(rows[split])}\0".encode())
        for row in rows[split]:
            digest.update(f"{row.sql_prompt}\0{row.sql_context}\0{row.sql}\0".encode())
    return digest.hexdigest()[:16]
