"""What a store says of a sweep: to a reader at any moment, and in the end."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
import pyarrow.parquet as pq

from orchestrator.errors import UserError
from orchestrator.results.answer import answered
from orchestrator.results.leaderboard import leaderboard
from orchestrator.search_space import Sweep
from orchestrator.state.checkpoints import TrialCheckpoints, checkpoint_folder
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.state.sweep_files import CHECKPOINTS
from orchestrator.store import Store, reader
from orchestrator.store.place import Root
from orchestrator.store.roots import local_folder, open_root

Row = dict[str, Any]
TABLES = {"trials": reader.trials, "reports": reader.reports, "predictions": reader.predictions}
_TIMES = ("started_at", "ended_at", "reported_at", "elapsed_seconds", "wall_seconds")
_DECISIONS = ("proposals", "verdicts", "confirmations", "content", "starts", "adopted.json")
_KEYS = {
    "trials": ("trial_id",),
    "reports": ("trial_id", "rung_examples"),
    "predictions": ("trial_id", "split", "step", "example_id"),
}
"""What is unique in each table."""


def stored_in(sweep: Sweep, root: Root) -> StoredSweep:
    """Returns a sweep for whoever only reads it."""
    return latest(sweep, Store(root, is_read=True))


def tables(root: Root) -> dict[str, list[Row]]:
    """Returns the rows of the three tables as the package reads them."""
    return {name: read(root).to_pylist() for name, read in TABLES.items()}


def ended(sweep: Sweep, root: Root) -> dict[str, Any]:
    """Returns all that a sweep has come to, but for when, and in how many attempts."""
    stored = stored_in(sweep, root)
    place, state = open_root(root), PurePosixPath(f"state/sweep={stored.id}")
    records = {
        file.key: place.get(file.key)
        for file in place.files(str(state))
        if PurePosixPath(file.key).relative_to(state).parts[0] in _DECISIONS
    }
    found: dict[str, Any] = {"records": records}
    for name, rows in tables(root).items():
        left_out = {*_TIMES, "attempt", "attempts"}
        found[name] = [{k: v for k, v in row.items() if k not in left_out} for row in rows]
    if not isinstance(root, Path):  # what was fetched to go on from has more than the bucket by now
        shutil.rmtree(local_folder(root) / CHECKPOINTS, ignore_errors=True)
    found["models"] = {row["trial_id"]: _model(stored, row["trial_id"]) for row in found["trials"]}
    return found


def _model(stored: StoredSweep, trial: str) -> dict[str, bytes]:
    """Returns the files of all checkpoints of a trial."""
    checkpoints = TrialCheckpoints(stored.files, trial)
    return {
        f"{examples}/{path.relative_to(folder)}": path.read_bytes()
        for examples in sorted(checkpoints.stored())
        if (folder := checkpoints.folder(examples)) is not None
        for path in folder.rglob("*")
        if path.is_file()
    }


def blamed(sweep: Sweep, root: Root) -> Counter[str]:
    """Returns how often a failure of each kind is on record."""
    place = open_root(root)
    folder = stored_in(sweep, root).files.attempts_key
    said = [json.loads(place.get(each.key) or b"") for each in place.files(folder, "-failure.json")]
    return Counter(each["outcome"] for each in said)


def check_consistent(sweep: Sweep, root: Root) -> dict[str, list[Row]]:
    """Checks what a reader sees of a sweep that may be in the midst of anything.

    Returns:
        The rows of the three tables.

    Raises:
        AssertionError: A row is there twice, or without what it needs.
    """
    found, stored = tables(root), stored_in(sweep, root)
    for name, key in _KEYS.items():
        assert len({tuple(row[part] for part in key) for row in found[name]}) == len(found[name])
    reported: dict[str, list[Row]] = {}
    for row in found["reports"]:
        reported.setdefault(row["trial_id"], []).append(row)
    scored = {(row["trial_id"], row["step"]) for row in found["predictions"]}
    final = {row["trial_id"]: row for row in found["trials"]}
    for trial, rows in reported.items():
        assert [row["rung"] for row in rows] == [*range(len(rows))]
        assert {(trial, row["step"]) for row in rows if row["rouge_l"] is not None} <= scored
        if trial not in final and (key := rows[-1]["checkpoint"]) is not None:
            assert checkpoint_folder(stored.store, key) is not None
    for trial, row in final.items():
        last = reported[trial][-1]
        assert row["last_rung"] == last["rung"]
        assert (row["eval_loss"], row["checkpoint"]) == (last["eval_loss"], last["checkpoint"])
    _ask(stored, bool(final))
    return found


def _ask(stored: StoredSweep, has_ended: bool) -> None:
    """Asks what `results` answers; before a trial has ended it says so."""
    try:
        leaderboard(stored.address, stored.id)
        answered(stored.address, stored.id)
    except UserError:
        assert not has_ended


def check_other_readers(root: Root, found: dict[str, list[Row]]) -> None:
    """Checks that DuckDB and pyarrow, with their defaults, see as many rows as the package does."""
    for name, rows in found.items():
        if rows:
            with duckdb.connect() as connection:
                connection.execute(f"SELECT count(*) FROM '{root}/{name}/**/*.parquet'")
                ((count,),) = connection.fetchall()
            assert count == pq.read_table(f"{root}/{name}").num_rows == len(rows)


def grows(before: Iterable[Row], after: Iterable[Row]) -> bool:
    """Returns whether all rows are still there, as they were."""
    there = {repr(row) for row in after}
    return all(repr(row) in there for row in before)
