"""Which sweeps and trials a question is about."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.results.configurations import recorded
from orchestrator.results.errors import ResultsError, unknown
from orchestrator.search.tries import TRIES, run_number
from orchestrator.store import index, reader
from orchestrator.store.place import Root, StoreFiles
from orchestrator.store.roots import open_root
from orchestrator.store.rows import Row
from orchestrator.store.schema import TABLES, TRIALS
from trainables.contract.configuration import EMBEDDED
from trainables.contract.scores import METRICS, SCORES
from trainables.contract.splits import BY_ROW

FACTS = (
    *("sweep_id", "trial_id", "trial_number", "technique", "data_size", "outcome", "config_json"),
    *("base_fingerprint", "profile", "dataset", "dataset_fingerprint", "split_version"),
    *("eval_rows", "scoring_version", "sqlite_version"),
    *("objective_metric", "objective_mode", "phase", "stratum", "dtype"),
)
"""Columns that the functions of this module look at, beside metrics."""

_LEVELS = 3
"""So many folders above one of a trial its store lies."""

FACTS_AND_METRICS = (*FACTS, *METRICS)


def sweep_name(sweep_id: str) -> str:
    """Returns the name in an id `<name>-<8 hex digits>[-<ordinal>]`."""
    return re.sub(r"-[0-9a-f]{8}(-\d+)?$", "", sweep_id)


def latest_sweep(root: Root) -> str:
    """Returns the sweep that was written to last.

    Raises:
        ResultsError: The store is empty.
        StoreError: There is no store.
    """
    known = _all_sweeps(root)
    return by_age(root, known)[-1] if len(known) > 1 else known[0]


def by_age(root: Root, sweep_ids: Sequence[str]) -> list[str]:
    """Returns sweeps in the order in which they were last written to."""
    place = open_root(root)
    return sorted(sweep_ids, key=lambda sweep_id: _last_written(place, sweep_id))


def select_sweeps(root: Root, patterns: Sequence[str]) -> list[str]:
    """Returns the ids of the sweeps that any of the names, ids or globs matches.

    Args:
        root: Of the store.
        patterns: None given means every sweep.

    Raises:
        ResultsError: The store is empty, or a pattern matches nothing.
        StoreError: There is no store.
    """
    known = _all_sweeps(root)
    found: list[str] = []
    for pattern in patterns:
        matches = [
            sweep_id
            for sweep_id in known
            if fnmatch.fnmatchcase(sweep_id, pattern)
            or fnmatch.fnmatchcase(sweep_name(sweep_id), pattern)
        ]
        if not matches:
            raise unknown("sweep", pattern, [*known, *map(sweep_name, known)])
        found += matches
    return list(dict.fromkeys(found)) if patterns else known


def latest_tries(content: pa.Table) -> pa.Table:
    """Returns final rows without those of a run that failed and has been tried again since.

    Args:
        content: With `sweep_id` and `trial_number`.
    """
    numbers = content["trial_number"]
    if not content.num_rows or pc.max(numbers).as_py() < TRIES:
        return content
    names = list(zip(content["sweep_id"].to_pylist(), numbers.to_pylist(), strict=True))
    latest: dict[tuple[str, int], int] = {}
    for sweep_id, number in names:
        run = (sweep_id, run_number(number))
        latest[run] = max(number, latest.get(run, number))
    counts = [latest[sweep_id, run_number(number)] == number for sweep_id, number in names]
    return content.filter(pa.array(counts, pa.bool_()))


def counted_once(content: pa.Table) -> pa.Table:
    """Returns final rows of several sweeps without those whose source is among them.

    A run that another sweep has taken over is one run, not two.

    Args:
        content: With `sweep_id`, `trial_id` and `adopted_from`.
    """
    sources = content["adopted_from"].to_pylist()
    if not any(sources):
        return content
    ids = zip(content["sweep_id"].to_pylist(), content["trial_id"].to_pylist(), strict=True)
    there = {f"{sweep_id}/{trial_id}" for sweep_id, trial_id in ids}
    return content.filter(pa.array([source not in there for source in sources], pa.bool_()))


def final_table(
    root: Root,
    sweep_ids: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    every_try: bool = False,
) -> pa.Table:
    """Returns the final rows of sweeps, by sweep and trial number.

    Args:
        root: Of the store.
        sweep_ids: The sweeps.
        columns: Only these; None means all.
        every_try: Whether also those of runs that failed and have been tried again since, and of
            several sweeps those that one has taken over from another.

    Raises:
        ResultsError: No trial of them has ended.
    """
    needed = ("sweep_id", "trial_id", "trial_number", "adopted_from")
    names = None if columns is None else dict.fromkeys((*columns, *needed))
    content = index.trials(root, *sweep_ids, columns=None if names is None else list(names))
    if not every_try:
        content = counted_once(latest_tries(content))
    if columns is not None:
        content = content.select(list(columns))
    if not content.num_rows:
        raise ResultsError(
            f"No trial of {', '.join(sweep_ids)} has ended yet; run the sweep's command to go on."
        )
    return content


def final_rows(
    root: Root, sweep_ids: Sequence[str], columns: Sequence[str] | None = None
) -> list[Row]:
    """Returns what `final_table` returns, as dictionaries: slow for many rows of all columns."""
    rows: list[Row] = final_table(root, sweep_ids, columns).to_pylist()
    return rows


def find_trial(rows: Iterable[Row], given: str) -> Row:
    """Returns the trial with that id, or whose id alone begins so.

    Raises:
        ResultsError: There is none, or several.
    """
    candidates = list(rows)
    exact = [row for row in candidates if row["trial_id"] == given]
    found = exact or [row for row in candidates if row["trial_id"].startswith(given)]
    if not found:
        raise unknown("trial", given, (row["trial_id"] for row in candidates))
    if len({row["trial_id"] for row in found}) > 1:
        raise ResultsError(f"{len(found)} trials begin with {given!r}; give more of the id.")
    return found[0]


def metric_and_mode(rows: Sequence[Row], by: str | None) -> tuple[str, str]:
    """Returns the metric to judge trials by, and which way it is better.

    Args:
        rows: The trials.
        by: A score or loss; None means the objective that the sweeps were run for.

    Raises:
        ResultsError: The metric is unknown or was not measured, or the sweeps differ in theirs.
    """
    if by is None:
        objectives = {(row["objective_metric"], row["objective_mode"]) for row in rows}
        if len(objectives) > 1:
            names = ", ".join(sorted(str(name) for name, _ in objectives))
            raise ResultsError(
                f"These sweeps have different objectives ({names}); name one metric."
            )
        metric, mode = objectives.pop()
        if metric is None or mode is None:
            raise ResultsError(
                "These trials' rows name no objective, as every row of this package's does;"
                " `leaderboard`, `compare` and `effect` take a metric with --by."
            )
        return str(metric), str(mode)
    if by not in METRICS:
        raise unknown("metric", by, METRICS)
    if all(row[by] is None for row in rows):
        measured = [name for name in METRICS if any(row[name] is not None for row in rows)]
        raise ResultsError(
            f"The metric {by!r} was not measured in these trials; measured were"
            f" {', '.join(measured) or 'none'}."
        )
    return by, METRICS[by].mode


def check_same_evaluation(rows: Iterable[Row]) -> None:
    """Refuses trials that were scored on different rows or in different ways.

    Raises:
        ResultsError: Naming what differs.
    """
    sets: dict[tuple[Any, ...], tuple[str, tuple[Any, ...]]] = {}
    for row in rows:
        if row["eval_rows"] is not None:
            profile, dataset, *rest = evaluation = _evaluation(row)
            # Rows are the same by their content, wherever they lay.
            content = row["dataset_fingerprint"] or dataset
            sets.setdefault((profile, content, *rest), (row["sweep_id"], evaluation))
    if len(sets) > 1:
        (one, first), (other, second) = list(sets.values())[:2]
        parts = [
            f"{name} {mine} and {theirs}"
            for name, mine, theirs in zip(_EVALUATION, first, second, strict=True)
            if mine != theirs
        ]
        raise ResultsError(
            f"Trials of {one} and {other} were evaluated differently ({'; '.join(parts)}), so their"
            " scores do not compare; choose one with --sweep."
        )


def is_score(metric: str) -> bool:
    """Whether a metric is measured row by row, so that it has a standard error."""
    return metric in SCORES


_EVALUATION = ("profile", "data set", "split", "evaluated rows", "seed of the rows", "protocol")


def _evaluation(row: Row) -> tuple[Any, ...]:
    config = recorded(row)
    return (
        row["profile"],
        f"{row['dataset']} ({row['dataset_fingerprint']})",
        _split(row, config),
        row["eval_rows"],
        config.get("data_seed"),
        config.get("protocol"),
    )


def _split(row: Row, config: Mapping[str, Any]) -> str:
    """Returns by what rows were split, and by which version; the built-in corpus keeps its own."""
    if row["dataset"] == EMBEDDED:
        return "its own"
    return f"by {config.get('split_by', BY_ROW)}, version {row['split_version'] or 1}"


def _all_sweeps(root: Root) -> list[str]:
    known = reader.sweeps(root)
    if not known:
        raise ResultsError(_without_sweeps(root))
    return known


def _without_sweeps(root: Root) -> str:
    """Returns why no sweep is found at a root, and which one may be meant, in a sentence."""
    if isinstance(root, Path):
        here = root.absolute()
        near = [*here.parents[:_LEVELS], *sorted(each for each in here.iterdir() if each.is_dir())]
        for other in near:
            if any(other.glob(f"{TRIALS.name}/{reader.SWEEP}*")):
                return f"{root} is no experiment store, but {other} is one: name it with --root."
        for end in (".csv", ".json"):
            if (here / f"{TRIALS.name}{end}").is_file():
                return (
                    f"{root} holds a copy as {end[1:].upper()}, of which nothing can be asked;"
                    " `results export` without --format writes one that can."
                )
    return f"The experiment store {root} is empty; run a sweep first, or name another with --root."


def _last_written(place: StoreFiles, sweep_id: str) -> float:
    folders = (f"{table}/sweep={sweep_id}" for table in TABLES)
    return max(time for folder in folders if (time := place.written_at(folder)) is not None)
