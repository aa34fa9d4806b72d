"""What a table allows: how its rows can be split, how many there are, what can be measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from orchestrator.errors import UserError
from orchestrator.search_space import Sweep
from orchestrator.sweep.preflight import check_sources
from orchestrator.sweep.rows import reading, surveyed
from orchestrator.terminal.values import counted
from trainables.contract.splits import BY_ROW, BY_SCHEMA
from trainables.data.availability import check_dataset
from trainables.data.bad_rows import ERROR, SKIP
from trainables.data.locations import is_on_hub
from trainables.data.overlap import question
from trainables.data.splits import load_splits
from trainables.data.survey import Survey
from trainables.data.tables import read_data_set

_EVALUATED = ((100, 500), (100, 200), (50, 100), (30, 50), (20, 20), (10, 10), (5, 5))
"""Rows to validate and to test on, the first that the table has enough schemas and rows for: fewer
give wider intervals."""

_TRAINED = 0.5
"""Rows to train on for each that is validated or tested on, at least."""

_INSERT = re.compile(r"\binsert\b", re.IGNORECASE)
_ENOUGH = 0.5
"""Share of validation rows that must be measurable, and have rows to query, for the objective."""


@dataclass(frozen=True)
class Division:
    """How rows are divided.

    Attributes:
        split_by: "schema" or "row".
        validation_rows: How many are validated on.
        test_rows: How many are tested on.
        bad_rows: "skip" where some rows are of no use and are left out, else "error".
    """

    split_by: str
    validation_rows: int
    test_rows: int
    bad_rows: str = ERROR


DEFAULT = Division(BY_SCHEMA, *_EVALUATED[0])
"""Of rows that are not on this machine, and of the built-in corpus."""


@dataclass(frozen=True)
class Findings:
    """What is known of a table's rows.

    Attributes:
        division: How they are divided.
        rows: What that gives; None for the built-in corpus, and for rows that are not here.
        measured: On how many validation rows execution accuracy can be measured, in words; None
            where that is not known.
        by_execution: Whether enough of them can be measured, and have rows to query.
    """

    division: Division
    rows: Survey | None = None
    measured: str | None = None
    by_execution: bool = False


def find(candidate: Callable[[Division], Sweep]) -> Findings:
    """Reads the rows of a data set and returns what they allow.

    Args:
        candidate: Returns a sweep over the data set whose rows are divided so; of its other keys
            nothing is used.

    Raises:
        UserError: The table cannot be read, lacks a column, or has too few rows for anything.
    """
    try:
        _check(candidate(DEFAULT))
        bad_rows = ERROR
    except UserError:
        try:
            _check(candidate(replace(DEFAULT, bad_rows=SKIP)))
        except UserError:
            _check(candidate(DEFAULT))  # it is not for its bad rows: says what it is
        bad_rows = SKIP
    division = replace(DEFAULT, bad_rows=bad_rows)
    try:
        rows = surveyed(candidate(division))
    except UserError:
        division, rows = _divided(candidate, bad_rows)
    sweep = candidate(division)
    if rows is None or is_on_hub(sweep.dataset):
        return Findings(division, rows)
    return _measured(sweep, division, rows)


def _check(sweep: Sweep) -> None:
    check_dataset(sweep.dataset, sweep.dataset_revision, reading=reading(sweep), ask_hub=False)


def _divided(
    candidate: Callable[[Division], Sweep], bad_rows: str
) -> tuple[Division, Survey | None]:
    """Returns the best division that the rows allow.

    Raises:
        UserError: The rows cannot be had at all.
    """
    least = Division(BY_ROW, *_EVALUATED[-1], bad_rows)
    try:
        fewest = least, surveyed(candidate(least))
    except UserError as error:
        raise _too_few(candidate(least), least) from error
    for split_by in (BY_SCHEMA, BY_ROW):
        for counts in _EVALUATED:
            division = Division(split_by, *counts, bad_rows)
            try:
                rows = surveyed(candidate(division))
            except UserError:
                continue
            if rows is None:
                return division, rows
            if rows.train.rows >= _TRAINED * (rows.validation.rows + rows.test.rows):
                return division, rows
    return fewest


def _too_few(sweep: Sweep, least: Division) -> UserError:
    """Returns the error for rows that the least division leaves none to train on."""
    read = read_data_set(sweep.dataset, sweep.dataset_revision, reading=reading(sweep))
    rows = [row for part in read.rows.values() for row in part]
    repeated = sum(read.repeated.values())
    there = counted(len(rows), "row")
    if repeated:
        there += f" (and {repeated:,} that repeat them)"
    questions = len({question(row) for row in rows})
    if questions < len(rows):
        there += f" of {counted(questions, 'question')}"
    return UserError(
        f"The data set {sweep.dataset!r} has {there}, too few for a sweep: init proposes"
        f" {least.validation_rows} rows to validate on and {least.test_rows} to test on at the"
        " least, and others to train on, none of which share a question."
    )


def _measured(sweep: Sweep, division: Division, rows: Survey) -> Findings:
    # Imports sqlglot.
    from orchestrator.sweep.measurable import measurable
    from trainables.sql.sandbox.process import SandboxUnavailable

    splits = load_splits(
        sweep.dataset,
        sweep.dataset_revision,
        sweep.seed,
        division.validation_rows,
        division.test_rows,
        division.split_by,
        reading(sweep),
    )
    filled = sum(
        sweep.databases is not None or bool(_INSERT.search(row.sql_context))
        for row in splits.validation
    )
    try:
        found = measurable(sweep)
    except SandboxUnavailable as error:
        return Findings(division, rows, f"execution_accuracy cannot be measured here: {error}")
    assert found is not None  # the rows are on this machine
    enough = _ENOUGH * len(splits.validation)
    words = f"{found.sentence()}; {filled:,} of their contexts have rows"
    return Findings(division, rows, words, found.measured >= enough and filled >= enough)


def check(sweep: Sweep) -> None:
    """Checks base model, data set and sizes of the sweep that is proposed, without the hub.

    Raises:
        UserError: One cannot be had here, or a size is beyond the rows.
    """
    check_sources(sweep, ask_hub=False)
