"""The rows of one sweep: which are trained on, which are validated on, which are kept for the test.

By default no schema of a row that is trained on is one of validation or of the test, where these
are taken from one table: a paraphrased question about a known schema has its very statement in
training. A data set's own test rows stay what they are, since others publish figures on them; what
they have in common with training is counted (`trainables.data.overlap`).

The built-in corpus keeps the split that it came with: it is generated so that no schema, rows
included, occurs twice.

However rows are split, no row of one split is in another, nor is the same question about the same
schema in other words of SQL: such a row is dropped from training in favour of validation, and from
both in favour of the test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainables.contract.configuration import EMBEDDED, TrialConfiguration
from trainables.contract.splits import BY_ROW, BY_SCHEMA
from trainables.data.errors import DatasetError
from trainables.data.overlap import question
from trainables.data.reading import Reading
from trainables.data.schema_groups import group_of
from trainables.data.sides import check_groups, in_random_order, side_of
from trainables.data.tables import DataSet, Example, read_data_set

NOTEBOOK_ROWS = 50
"""Test rows that the study evaluated on, the first ones."""
TEST_SHARE = 0.1
"""Rows of the test, of a data set that is one table, when no number of rows is asked for."""

_Parts = Mapping[str, Sequence[Example]]
"""Rows by split: each row of "train" may be trained on, unless its question is in another one."""


@dataclass(frozen=True, slots=True)
class Splits:
    """The rows of one sweep.

    Attributes:
        train: In a random order, so that a trial of size n takes `train[:n]` and smaller sizes are
            nested in larger ones.
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
        """Returns the first `data_size` training rows.

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
    split_by: str,
    reading: Reading | None = None,
) -> Splits:
    """Reads a data set and divides it.

    Test rows are the first `test_rows` of the test table, in its order; validation rows are drawn
    from the validation table. What has no table of its own is taken from the training rows: by
    schema, or by the values of a column, a fifth of the groups is kept for it, and rows of these
    are drawn (`trainables.data.sides`); by row, as many are drawn as are asked for. What is drawn
    depends on the rows, `data_seed` and `split_by` alone.

    Args:
        dataset: "embedded", a table, a folder of tables, or an identifier of the hub.
        revision: Git revision on the hub.
        data_seed: Seeds what is drawn, and the order of the training rows.
        validation_rows: Number of validation rows.
        test_rows: Number of test rows; None for all of the test table, or a tenth of the rows.
        split_by: "schema", "row", or the name of a column; the built-in corpus keeps its split.
        reading: How rows are taken from the tables.

    Raises:
        DatasetError: The data set is not there, lacks a column, or has too few rows or groups.
    """
    read = read_data_set(dataset, revision, group_column(dataset, split_by), reading)
    return _divide(read, dataset, data_seed, validation_rows, test_rows, split_by)


def splits_of(configuration: TrialConfiguration) -> Splits:
    """Reads and divides the data set of a trial; see `load_splits`.

    Raises:
        DatasetError: The data set is not there, lacks a column, or has too few rows or groups.
    """
    return load_splits(
        configuration.dataset,
        configuration.dataset_revision,
        configuration.data_seed,
        configuration.validation_rows,
        configuration.test_rows,
        configuration.split_by,
        Reading.of(configuration),
    )


@lru_cache(maxsize=2)  # the trials of a sweep that share a process ask for the same immutable rows
def _divide(
    read: DataSet,
    dataset: str,
    data_seed: int,
    validation_rows: int,
    test_rows: int | None,
    split_by: str,
) -> Splits:
    return divide(read.rows, dataset, data_seed, validation_rows, test_rows, split_by)


def group_column(dataset: str, split_by: str) -> str | None:
    """Returns the column whose values keep rows together, None where there is none."""
    return None if dataset == EMBEDDED or split_by in (BY_SCHEMA, BY_ROW) else split_by


def divide(
    rows: Mapping[str, list[Example]],
    dataset: str,
    data_seed: int,
    validation_rows: int,
    test_rows: int | None,
    split_by: str,
) -> Splits:
    """Divides rows that have been read; `load_splits` says how.

    Args:
        rows: By split, as `data.tables.read` returns them.
        dataset: Name of the data set, for messages.
        data_seed: As in `load_splits`.
        validation_rows: As in `load_splits`.
        test_rows: As in `load_splits`.
        split_by: As in `load_splits`.
    """
    tested = max(1, int(len(rows["train"]) * TEST_SHARE)) if test_rows is None else test_rows
    in_groups = dataset != EMBEDDED and split_by != BY_ROW
    if in_groups:
        named = "its schemas" if split_by == BY_SCHEMA else f"the values of {split_by!r}"
        shortage = f" in the fifth of {named} that is kept for them"
        parts = _by_group(rows, dataset, data_seed, split_by)
        if test_rows is None:
            tested = max(1, min(tested, len(parts["test"])))
    else:
        shortage = ""
        parts = _by_row(rows, data_seed, validation_rows, tested)

    def first(examples: Sequence[Example], wanted: int | None, split: str) -> Sequence[Example]:
        return _first(examples, wanted, split, dataset, "" if split in rows else shortage)

    test = first(parts["test"], test_rows if "test" in rows else tested, "test")
    held_out = {question(example) for example in parts["test"]}
    whole_validation = [row for row in parts["validation"] if question(row) not in held_out]
    if parts["validation"] and not whole_validation and validation_rows:
        raise DatasetError(
            f"The data set {dataset!r} has no validation rows: the questions of all"
            f" {len(parts['validation']):,} that may be are among the test rows'."
        )
    validation = first(whole_validation, validation_rows, "validation")
    held_out |= {question(example) for example in whole_validation}
    train = [row for row in parts["train"] if question(row) not in held_out]
    if not train:
        raise DatasetError(
            f"The data set {dataset!r} leaves no training rows beside {len(validation):,} for "
            f"validation and {len(test):,} for the test; ask for fewer of these."
        )
    return Splits(tuple(train), tuple(validation), tuple(test), _fingerprint(rows))


def _by_row(
    rows: Mapping[str, Sequence[Example]], seed: int, validation_rows: int, test_rows: int
) -> _Parts:
    """Draws single rows; those that were drawn stay among the training rows, to be left out."""
    shuffled = _permutation(rows["train"], seed)
    test = rows["test"] if "test" in rows else shuffled[:test_rows]
    held_out = {question(example) for example in test}
    if "validation" in rows:
        validation = _permutation(rows["validation"], seed)
    else:
        others = [row for row in shuffled if question(row) not in held_out]
        validation = (others or shuffled)[:validation_rows]
    return {"train": shuffled, "validation": validation, "test": test}


def _by_group(
    rows: Mapping[str, Sequence[Example]], dataset: str, seed: int, split_by: str
) -> _Parts:
    groups = [group_of(example) for example in rows["train"]]
    if not {"validation", "test"} <= rows.keys():
        check_groups(groups, dataset, split_by)
    taken: dict[str, list[Example]] = {"train": [], "validation": [], "test": []}
    for example, group in zip(rows["train"], groups, strict=True):
        side = side_of(group, seed)
        taken["train" if side in rows else side].append(example)
    return {
        "train": in_random_order(taken["train"], seed),
        "validation": in_random_order(rows.get("validation", taken["validation"]), seed),
        # The order of a test table is its own: the study took the first rows of one.
        "test": rows["test"] if "test" in rows else in_random_order(taken["test"], seed),
    }


def _first(
    examples: Sequence[Example], wanted: int | None, split: str, dataset: str, shortage: str
) -> Sequence[Example]:
    """Returns the first rows, as many as are asked for.

    Raises:
        DatasetError: There are fewer.
    """
    if wanted is None:
        return examples
    if wanted > len(examples):
        remedy = f"set evaluation.{split}_rows to at most that"
        if shortage:
            by_row = f"split by row with `--set split_by={BY_ROW}`"
            remedy = f"{remedy}, or {by_row}" if examples else f"{by_row}, or take another seed"
        raise DatasetError(
            f"{wanted:,} {split} rows are asked for, but the data set {dataset!r} has "
            f"{len(examples):,}{shortage}; {remedy}."
        )
    return examples[:wanted]


def _permutation(examples: Sequence[Example], seed: int) -> list[Example]:
    order = np.random.default_rng(seed).permutation(len(examples))
    return [examples[i] for i in order]


def _fingerprint(rows: Mapping[str, list[Example]]) -> str:
    digest = hashlib.sha256()
    for split in sorted(rows):
        digest.update(f"{split}\0{len(rows[split])}\0".encode())
        for row in rows[split]:
            digest.update(f"{row.sql_prompt}\0{row.sql_context}\0{row.sql}\0".encode())
            if row.group is not None:
                digest.update(f"{row.group}\0".encode())
            if row.database is not None:
                digest.update(f"{row.database.digest}\0".encode())
    return digest.hexdigest()[:16]
