"""Counts a sweep's rows and their schemas before anything is trained.

Also counts what the test has in common with training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trainables.contract.configuration import TrialConfiguration
from trainables.data.bad_rows import said
from trainables.data.overlap import Overlap, overlap
from trainables.data.prompt import prompt
from trainables.data.reading import Reading
from trainables.data.schema_groups import group_of
from trainables.data.spelling import collapse_white_space
from trainables.data.splits import Splits, group_column, load_splits
from trainables.data.tables import Example, read_data_set


@dataclass(frozen=True)
class Part:
    """The rows of one split.

    Attributes:
        rows: How many.
        groups: How many schemas they have, or values of the column that they are split by.
    """

    rows: int
    groups: int


SHOWN = 3
"""Training rows that are shown to a person."""
LONGEST_SHOWN = 1_000
"""Characters of a text that are."""


@dataclass(frozen=True)
class SeenExample:
    """A training row as the model sees it.

    Attributes:
        prompt: What it is asked.
        sql: What it is to write.
    """

    prompt: str
    sql: str


def seen_examples(splits: Splits) -> list[SeenExample]:
    """Returns the first training rows as they are before they are tokenised."""
    return [
        SeenExample(collapse_white_space(prompt(row))[:LONGEST_SHOWN], row.sql[:LONGEST_SHOWN])
        for row in splits.train[:SHOWN]
    ]


@dataclass(frozen=True)
class Survey:
    """The rows of a sweep.

    Attributes:
        train: What trials can train on.
        validation: What they are scored on at every rung.
        test: What they are scored on at the end.
        has_test: Whether the data set came with test rows of its own.
        overlap: What its test rows have in common with its training rows; of a data set with test
            rows of its own, all of both.
        fingerprint: Of all rows of the data set, see `trainables.data.splits.Splits`.
        columns: The project's columns that have another name there, one in all tables, and which.
        bad_rows: Rows that were left out.
        bad_rows_said: The first of them, with what is wrong.
        repeated: Rows that were dropped since they are there before.
        rows: All that are distinct, whatever they are used for.
        databases: Files that the rows are about.
        unused: Columns of the tables that nothing is taken from.
        without_schema: Rows whose prompt has none.
        mixed_columns: Those that tables call differently: each name, and the first table of it.
    """

    train: Part
    validation: Part
    test: Part
    has_test: bool
    overlap: Overlap
    fingerprint: str
    columns: Mapping[str, str] = field(default_factory=dict)
    bad_rows: int = 0
    bad_rows_said: str = ""
    repeated: int = 0
    rows: int = 0
    databases: int = 0
    unused: Sequence[str] = field(default_factory=list)
    without_schema: int = 0
    mixed_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def survey(configuration: TrialConfiguration) -> tuple[Survey, Splits]:
    """Reads and divides the rows of a sweep, and counts them.

    Args:
        configuration: Of any trial of it.

    Raises:
        DatasetError: As `trainables.data.splits.load_splits`.
    """
    dataset, split_by = configuration.dataset, configuration.split_by
    reading = Reading.of(configuration)
    revision = configuration.dataset_revision
    read = read_data_set(dataset, revision, group_column(dataset, split_by), reading)
    rows = read.rows
    splits = load_splits(
        dataset,
        revision,
        configuration.data_seed,
        configuration.validation_rows,
        configuration.test_rows,
        split_by,
        reading,
    )
    has_test = "test" in rows
    common = (rows["train"], rows["test"]) if has_test else (splits.train, splits.test)
    found = Survey(
        train=_part(splits.train),
        validation=_part(splits.validation),
        test=_part(splits.test),
        has_test=has_test,
        overlap=overlap(*common),
        fingerprint=splits.fingerprint,
        columns=dict(read.columns),
        mixed_columns=dict(read.mixed_columns),
        bad_rows=len(read.bad_rows),
        bad_rows_said=said(read.bad_rows) if read.bad_rows else "",
        repeated=sum(read.repeated.values()),
        rows=sum(map(len, rows.values())),
        databases=len({row.database for part in rows.values() for row in part if row.database}),
        unused=list(read.unused),
        without_schema=sum(not row.sql_context.strip() for part in rows.values() for row in part),
    )
    return found, splits


def _part(rows: tuple[Example, ...]) -> Part:
    return Part(len(rows), len({group_of(row) for row in rows}))
