"""One trial as tools show it: what it is, its curves and its end, from the rows of the store.

The names of what is measured begin with the table that it comes from: `steps/` (the curve within
`reports`), `reports/` and `trials/`. Their axis is the number of training examples, by which trials
of different batch sizes compare; the optimiser's step is a curve beside the others.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.store.rows import Row
from orchestrator.store.schema import SCORE_COLUMNS
from trainables.contract.configuration import Scalar
from trainables.contract.visible import visible_line

SUCCEEDED = ("completed", "stopped")
"""Outcomes of trials that did what they were to do."""

_OF_STEPS = ("step", "loss", "learning_rate", "gradient_norm", "tokens")
_OF_REPORTS = ("step", "train_loss", "eval_loss", *SCORE_COLUMNS, "tokens_per_second")
_SCORES = [f"{name}{suffix}" for name in SCORE_COLUMNS for suffix in ("", "_se")]
_OF_THE_END = (
    *("objective", "train_loss", "eval_loss", *_SCORES, "eval_rows"),
    *(f"test_{name}" for name in _SCORES),
    *("test_rows", "steps", "examples_seen", "last_rung", "attempts"),
    *("train_seconds", "eval_seconds", "wall_seconds", "peak_memory_bytes"),
    *("trainable_parameters", "total_parameters", "trainable_percent"),
)
_FACTS = ("configuration_id", "content_id", "adopted_from", "device_kind", "device_name", "node")
LABELS = ("phase", "stratum", "technique", "profile", "base_model", "dataset")
"""Columns of a final row that say what a trial is."""
_LONGEST = 500
_LONGEST_KIND = 100
"""Characters, with which a name has fewer than the 128 that Weights & Biases takes."""


@dataclass(frozen=True)
class Identity:
    """What is known of a trial before it has reported.

    Attributes:
        trial_id: Its identifier.
        labels: Phase, stratum, technique and the like.
        parameters: Its configuration, with the defaults of its technique, and its seed.
    """

    trial_id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """What was measured after one number of examples.

    Attributes:
        examples: Training examples that the trial had seen.
        at: When the rung that it belongs to was reported, in seconds since 1970.
        values: By name.
    """

    examples: int
    at: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class End:
    """How a trial ended.

    Attributes:
        outcome: As in the table `trials`.
        at: When, in seconds since 1970; None if that is not known.
        values: Losses, scores, times and sizes of the final row.
        facts: Texts of the final row, the checkpoint as an absolute path.
    """

    outcome: str
    at: float | None
    values: Mapping[str, float]
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """One trial.

    Attributes:
        sweep_id: Its sweep.
        identity: What it is.
        points: What was measured, by ascending number of examples.
        started_at: When its first process started, in seconds since 1970, where that is known.
        end: None before it.
    """

    sweep_id: str
    identity: Identity
    points: tuple[Point, ...] = ()
    started_at: float | None = None
    end: End | None = None

    @property
    def trial_id(self) -> str:
        """Its identifier."""
        return self.identity.trial_id

    @property
    def kind(self) -> tuple[str, ...]:
        """Its phase, and its stratum or else its technique; what is not known is left out."""
        labels = self.identity.labels
        found = labels.get("phase"), labels.get("stratum") or labels.get("technique")
        return tuple(visible_line(each) for each in found if each)

    @property
    def name(self) -> str:
        """What it is called among others, such as `confirm, rank=4, data_size=100: t-...`."""
        kind = ", ".join(self.kind)[:_LONGEST_KIND]
        return f"{kind}: {self.trial_id}" if kind else self.trial_id

    @property
    def labels(self) -> dict[str, str]:
        """What it is, with its sweep."""
        return {"sweep": self.sweep_id, **self.identity.labels}


def run(
    root: Path, sweep_id: str, identity: Identity, reports: Iterable[Row], final: Row | None
) -> Run:
    """Returns a trial as tools show it.

    Args:
        root: Folder of the store, in which checkpoints lie.
        sweep_id: Its sweep.
        identity: What is known of it beside the rows; the final row completes it.
        reports: Its reports.
        final: Its final row; None before its end.
    """
    if final is None:
        return Run(sweep_id, identity, _points(reports))
    known = _identity(final)
    whole = Identity(
        identity.trial_id,
        {**known.labels, **identity.labels},
        {**known.parameters, **identity.parameters},
    )
    started, ended = _seconds(final["started_at"]), _seconds(final["ended_at"])
    facts = {name: str(final[name]) for name in _FACTS if final[name] is not None}
    if final["checkpoint"] is not None:
        facts["checkpoint"] = str(root / final["checkpoint"])
    if final["error"]:
        facts["error"] = _last_line(final["error"])
    values = _measured("trials", final, _OF_THE_END)
    return Run(
        sweep_id, whole, _points(reports), started, End(final["outcome"], ended, values, facts)
    )


def _identity(final: Row) -> Identity:
    labels = {name: str(final[name]) for name in LABELS if final[name] is not None}
    recorded: dict[str, Any] = json.loads(final["config_json"] or "{}").get("parameters", {})
    parameters = {
        "technique": final["technique"],
        **recorded,
        **{name: final[name] for name in ("data_size", "seed", "replicate")},
    }
    known = {name: value for name, value in parameters.items() if value is not None}
    return Identity(final["trial_id"], labels, known)


def _points(reports: Iterable[Row]) -> tuple[Point, ...]:
    """Returns the points of all reports, those after the same number of examples as one."""
    found: dict[int, dict[str, float]] = {}
    times: dict[int, float] = {}
    for report in reports:
        at = _seconds(report["reported_at"]) or 0.0
        curve = report["steps"] or ()
        measured: list[tuple[int | None, str, Row, tuple[str, ...]]] = [
            (point["examples_seen"], "steps", point, _OF_STEPS) for point in curve
        ]
        measured.append((report["examples_seen"], "reports", report, _OF_REPORTS))
        for examples, table, row, names in measured:
            seen = report["rung_examples"] if examples is None else examples
            found.setdefault(seen, {}).update(_measured(table, row, names))
            times.setdefault(seen, at)
    return tuple(Point(seen, times[seen], found[seen]) for seen in sorted(found))


def _measured(table: str, row: Mapping[str, Any], names: Iterable[str]) -> dict[str, float]:
    return {f"{table}/{name}": float(row[name]) for name in names if row.get(name) is not None}


def _seconds(at: datetime.datetime | None) -> float | None:
    return None if at is None else at.replace(tzinfo=datetime.UTC).timestamp()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return visible_line(lines[-1].strip())[:_LONGEST] if lines else ""


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Returns the values that are finite."""
    return {name: value for name, value in values.items() if math.isfinite(value)}
