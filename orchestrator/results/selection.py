"""Which sweeps and trials a question is about."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from orchestrator.results.errors import ResultsError, unknown
from orchestrator.store import index, reader
from orchestrator.store.rows import Row
from orchestrator.store.schema import SCORE_COLUMNS, TABLES
from trainables.scores import MODES

BASELINE = "pretrained"
"""The technique of a trial that does not train."""

_TELLING = ("technique", "rank", "virtual_tokens", "target_modules", "learning_rate", "batch_size")


def sweep_name(sweep_id: str) -> str:
    """Returns the name in an id `<name>-<8 hex digits>[-<ordinal>]`."""
    return re.sub(r"-[0-9a-f]{8}(-\d+)?$", "", sweep_id)


def latest_sweep(root: Path) -> str:
    """Returns the sweep that was written to last.

    Raises:
        ResultsError: The store is empty.
        StoreError: There is no store.
    """
    return max(_all_sweeps(root), key=lambda sweep_id: _last_written(root, sweep_id))


def select_sweeps(root: Path, patterns: Sequence[str]) -> list[str]:
    """Returns the ids of the sweeps that any of the names, ids or globs matches.

    Args:
        root: Folder of the store.
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


def final_rows(root: Path, sweep_ids: Sequence[str]) -> list[Row]:
    """Returns the final rows of sweeps, by sweep and trial number.

    Raises:
        ResultsError: No trial of them has ended.
    """
    rows: list[Row] = index.trials(root, *sweep_ids).to_pylist()
    if not rows:
        raise ResultsError(
            f"No trial of {', '.join(sweep_ids)} has ended yet; run the sweep's command to go on."
        )
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
        return str(metric), str(mode)
    if by not in MODES:
        raise unknown("metric", by, MODES)
    if all(row[by] is None for row in rows):
        measured = [name for name in MODES if any(row[name] is not None for row in rows)]
        raise ResultsError(
            f"The metric {by!r} was not measured in these trials; measured were"
            f" {', '.join(measured) or 'none'}."
        )
    return by, MODES[by]


def check_same_evaluation(rows: Iterable[Row]) -> None:
    """Refuses trials that were scored on different rows or in different ways.

    Raises:
        ResultsError: Naming what differs.
    """
    sets: dict[tuple[tuple[str, Any], ...], str] = {}
    for row in rows:
        if row["eval_rows"] is not None:
            sets.setdefault(tuple(_evaluation(row).items()), row["sweep_id"])
    if len(sets) > 1:
        (first, one), (second, other) = list(sets.items())[:2]
        parts = [
            f"{name} {mine} and {theirs}"
            for (name, mine), (_, theirs) in zip(first, second, strict=True)
            if mine != theirs
        ]
        raise ResultsError(
            f"Trials of {one} and {other} were evaluated differently ({'; '.join(parts)}), so their"
            " scores do not compare; choose one with --sweep."
        )


def parameters(row: Row) -> dict[str, Any]:
    """Returns technique, the technique's own parameters, and data size, the telling ones first."""
    config = json.loads(row["config_json"] or "{}")
    own = {
        "technique": row["technique"],
        **config.get("parameters", {}),
        "data_size": row["data_size"],
    }
    return {name: own[name] for name in dict.fromkeys([*_TELLING, *own]) if name in own}


def varied(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Returns the parameters that have more than one value, by technique.

    Alpha does not count where it is twice the rank in every trial: that is its default, and then
    it says nothing of its own.
    """
    seen: dict[str, dict[str, set[Any]]] = {}
    scaled: dict[str, bool] = {}
    for row in rows:
        own = parameters(row)
        technique, rank, alpha = row["technique"], own.get("rank"), own.get("alpha")
        default = alpha is not None and rank is not None and alpha == 2 * rank
        scaled[technique] = scaled.get(technique, True) and default
        for name, value in own.items():
            seen.setdefault(technique, {}).setdefault(name, set()).add(value)
    return {
        technique: [
            name
            for name, values in names.items()
            if len(values) > 1 and not (name == "alpha" and scaled[technique])
        ]
        for technique, names in seen.items()
    }


class Configurations:
    """Short descriptions of trials, by what differs between them.

    A parameter is named if it differs between trials of the same technique; rank, learning rate and
    their like also if they differ between techniques, whose other defaults always do.

    Args:
        rows: All trials that a reader sees together.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        seen = list(rows)
        self._within = varied(seen)
        own = [parameters(row) for row in seen]
        self._anywhere = {
            name
            for name in (*_TELLING, "data_size")
            if len({each.get(name) for each in own} - {None}) > 1
        }

    def describe(self, row: Row) -> str:
        """Returns e.g. "lora rank=8 learning_rate=0.0031 data_size=2000"."""
        words = [
            f"{name}={brief(value)}"
            for name, value in parameters(row).items()
            if value is not None
            and name != "technique"
            and (name in self._anywhere or name in self._within[row["technique"]])
        ]
        return " ".join([str(row["technique"]), *words])


def brief(value: Any) -> str:
    """Returns a value in at most a few characters: fractions with three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def is_score(metric: str) -> bool:
    """Whether a metric is measured row by row, so that it has a standard error."""
    return metric in SCORE_COLUMNS


def _evaluation(row: Row) -> dict[str, Any]:
    config = json.loads(row["config_json"] or "{}")
    return {
        "profile": row["profile"],
        "data set": f"{row['dataset']} ({row['dataset_fingerprint']})",
        "evaluated rows": row["eval_rows"],
        "seed of the rows": config.get("data_seed"),
        "protocol": config.get("protocol"),
    }


def _all_sweeps(root: Path) -> list[str]:
    known = reader.sweeps(root)
    if not known:
        raise ResultsError(f"The experiment store {root} is empty; run a sweep first.")
    return known


def _last_written(root: Path, sweep_id: str) -> float:
    folders = (root / table / f"sweep={sweep_id}" for table in TABLES)
    return max(folder.stat().st_mtime for folder in folders if folder.is_dir())
