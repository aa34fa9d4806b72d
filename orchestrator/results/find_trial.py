"""Which single trial a person means: "best", a trial's number, its id, or how that begins."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.results.errors import ResultsError
from orchestrator.results.leaderboard import Ranking
from orchestrator.results.selection import (
    final_rows,
    final_table,
    find_trial,
    latest_sweep,
    select_sweeps,
)
from orchestrator.search.tries import run_number
from orchestrator.store.arrays import having
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.terminal.commands import command

BEST = "best"

_LONGEST_NUMBER = 18
"""Digits; what is longer than any trial's number is taken for the beginning of an id."""


def named_trial(root: Root, patterns: Sequence[str], given: str) -> Row:
    """Returns the whole final row of the trial that a text names.

    Args:
        root: Of the store.
        patterns: Names, ids or globs of sweeps. None given means the sweep written to last, or for
            an id any.
        given: As in `pick`.

    Raises:
        ResultsError: There is no such sweep or trial, or several fit.
        StoreError: The store cannot be read.
    """
    if not patterns and _is_of_one_sweep(given):
        sweep_ids = [latest_sweep(root)]
    else:
        sweep_ids = select_sweeps(root, patterns)
    content = final_table(root, sweep_ids, every_try=True)
    rows = content.select(["sweep_id", "trial_id", "trial_number"]).to_pylist()
    found = pick(root, rows, given)
    for name in ("sweep_id", "trial_id"):
        content = having(content, name, [found[name]])
    row: Row = content.to_pylist()[0]
    return row


def pick(root: Root, rows: Sequence[Row], given: str) -> Row:
    """Returns the trial that a text names.

    Args:
        root: Of the store.
        rows: Final rows to choose from, with sweep, id and number.
        given: "best" (the first confirming run of what tuning found best; before there is one, the
            completed trial that leads its sweep's leaderboard), a trial's number, its id, or how
            that begins.

    Raises:
        ResultsError: There is none or several, or trials of several sweeps have numbers.
        StoreError: The store cannot be read.
    """
    if not _is_of_one_sweep(given):
        return find_trial(rows, given)
    sweep_ids = list(dict.fromkeys(row["sweep_id"] for row in rows))
    if len(sweep_ids) > 1:
        raise ResultsError(
            f"{given!r} is a trial of one sweep, but there are {len(sweep_ids)} to choose from"
            f" ({', '.join(sweep_ids)}); give the id of one with --sweep, or the id of a trial."
        )
    (sweep_id,) = sweep_ids
    if given == BEST:
        return _best(root, sweep_id, rows)
    return _numbered(root, sweep_id, rows, int(given))


def _is_of_one_sweep(given: str) -> bool:
    """Returns whether a text means another trial in each sweep."""
    return given == BEST or (given.isdecimal() and len(given) <= _LONGEST_NUMBER)


def _best(root: Root, sweep_id: str, rows: Sequence[Row]) -> Row:
    # Imports optuna, which only this question has to wait for.
    from orchestrator.results.confirmed import confirmed_sweep

    confirmed = confirmed_sweep(root, sweep_id, final_rows(root, [sweep_id]))
    if confirmed is not None and confirmed.best is not None:
        return find_trial(rows, confirmed.best.rows[0]["trial_id"])
    for entry in Ranking(root, [sweep_id], None, ()).entries(1):  # those that completed come first
        if entry["place"] is not None and entry["outcome"] == "completed":
            return find_trial(rows, entry["trial_id"])
    raise ResultsError(
        f"No trial of {sweep_id} has completed with a score, so none is best; name one by its"
        " number or id, or run the sweep's command to go on."
    )


def _numbered(root: Root, sweep_id: str, rows: Sequence[Row], number: int) -> Row:
    tries = [
        row for row in rows if number in (row["trial_number"], run_number(row["trial_number"]))
    ]
    if tries:
        return max(tries, key=lambda row: int(row["trial_number"]))  # the latest one counts
    known = [run_number(row["trial_number"]) for row in rows]
    board = command("orchestrator.results", "--root", root, "leaderboard", "--sweep", sweep_id)
    raise ResultsError(
        f"There is no trial with the number {number} in {sweep_id}; it has {min(known)} to"
        f" {max(known)}, of which {len(known)} ended. An id names a trial too, and --sweep another"
        f" sweep. All of them: {board}"
    )
