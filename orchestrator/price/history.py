"""How fast trials went before, by technique, as the store has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.price.size import size
from orchestrator.price.speed import Range, Speed
from orchestrator.search_space import Sweep
from orchestrator.state import sweep_files
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.store import index, reader
from orchestrator.store.place import Root
from orchestrator.store.roots import is_there
from orchestrator.store.rows import Row
from orchestrator.store.schema import CONFIRM

_OF_TRIALS = (
    *("sweep_id", "trial_id", "technique", "base_model", "dataset", "outcome", "adopted_from"),
    *("device_kind", "started_at", "peak_memory_bytes", "trainable_parameters"),
    *("rank", "virtual_tokens", "phase", "test_rows"),
)
_OF_REPORTS = (
    *("sweep_id", "trial_id", "rung", "step", "examples_seen", "eval_rows", "bleu_rows"),
    *("train_seconds", "eval_seconds", "elapsed_seconds"),
)

_MOST_TRIALS = 200
"""The latest of each technique: an old machine or package says little of today's."""

_MOST_SWEEPS = 10


@dataclass
class _Measured:
    """Single figures, in seconds."""

    example: list[float] = field(default_factory=list)
    loss_row: list[float] = field(default_factory=list)
    scored_row: list[float] = field(default_factory=list)
    run: list[float] = field(default_factory=list)
    trials: int = 0
    memory_bytes: int = 0
    trained_each: list[float] = field(default_factory=list)

    def speed(self) -> Speed:
        example, loss_row, scored_row, run = (
            Range.of(figures) if figures else None
            for figures in (self.example, self.loss_row, self.scored_row, self.run)
        )
        return Speed(
            example,
            loss_row,
            scored_row,
            run,
            self.trials,
            self.memory_bytes or None,
            Range.of(self.trained_each).middle if self.trained_each else None,
        )


def speeds(root: Root, sweep: Sweep, device_kind: str, devices: float = 1.0) -> dict[str, Speed]:
    """Returns how fast each technique went in the store, on the same base, rows and device kind.

    Args:
        root: Of the store; it may be absent.
        sweep: The resolved search space file.
        device_kind: "cpu", "cuda" or "mps".
        devices: Devices of one trial.

    Returns:
        By technique; one without a trial is absent.

    Raises:
        StoreError: The store cannot be read.
    """
    if not is_there(root):
        return {}
    sweeps = reader.sweeps(root)
    rows = index.trials(root, *sweeps, columns=_OF_TRIALS).to_pylist()
    trials = _alike(rows, sweep, device_kind)
    if not trials:
        return {}
    names = list(dict.fromkeys(row["sweep_id"] for row in trials))
    reports: dict[str, list[Row]] = {}
    for row in index.reports(root, *names, columns=_OF_REPORTS).to_pylist():
        reports.setdefault(row["trial_id"], []).append(row)
    found: dict[str, _Measured] = {}
    for trial in trials:
        measured = found.setdefault(trial["technique"], _Measured())
        if measured.trials < _MOST_TRIALS:
            _measure(measured, trial, sorted(reports.get(trial["trial_id"], []), key=_rung))
    speeds = {technique: measured.speed() for technique, measured in found.items()}
    started = [
        seconds
        for name in names[:_MOST_SWEEPS]
        if (seconds := _started(root, name, rows, reports, speeds, devices)) is not None
    ]
    start = Range.of(started) if started else None
    return {technique: replace(speed, start=start) for technique, speed in speeds.items()}


def _started(
    root: Root,
    sweep_id: str,
    trials: Iterable[Row],
    reports: Mapping[str, Sequence[Row]],
    speeds: Mapping[str, Speed],
    devices: float,
) -> float | None:
    """Returns what a phase of a sweep took beside its trials' work; None where it is not known."""
    files = sweep_files.found(root, sweep_id)
    spent = 0.0 if files is None else DeviceSeconds(files).read()
    own = [r for r in trials if r["sweep_id"] == sweep_id and r["adopted_from"] is None]
    if not spent or not own:
        return None
    worked = 0.0
    for trial in own:
        last = max(reports.get(trial["trial_id"], ()), key=_rung, default=None)
        worked += (last and last["elapsed_seconds"]) or 0.0
        speed = speeds.get(trial["technique"])
        if speed is not None and speed.scored_row is not None:
            worked += speed.scored_row.middle * (trial["test_rows"] or 0)
    phases = len({trial["phase"] == CONFIRM for trial in own})
    return max(0.0, spent / devices - worked) / phases


def _alike(trials: Iterable[Row], sweep: Sweep, device_kind: str) -> Sequence[Row]:
    """Returns the stored trials that are comparable to the sweep's, the latest first."""
    alike = [
        row
        for row in trials
        if (row["base_model"], row["dataset"]) == (sweep.base_model, sweep.dataset)
        and row["device_kind"] == device_kind
        and row["outcome"] in ("completed", "stopped")
        and row["adopted_from"] is None
    ]
    return sorted(alike, key=lambda row: str(row["started_at"]), reverse=True)


def _measure(measured: _Measured, trial: Row, reports: Sequence[Row]) -> None:
    if not reports:
        return
    measured.trials += 1
    measured.memory_bytes = max(measured.memory_bytes, trial["peak_memory_bytes"] or 0)
    if (weights := trial["trainable_parameters"]) is not None:
        measured.trained_each.append(weights / size(trial["technique"], trial))
    last = reports[-1]
    if last["examples_seen"] and last["train_seconds"]:
        measured.example.append(last["train_seconds"] / last["examples_seen"])
    for report, seconds in zip(reports, _each(reports, "eval_seconds"), strict=True):
        if report["eval_rows"]:
            figures = measured.scored_row if report["bleu_rows"] else measured.loss_row
            figures.append(seconds / report["eval_rows"])
    spent = (last["train_seconds"] or 0.0) + (last["eval_seconds"] or 0.0)
    if last["elapsed_seconds"] is not None:
        measured.run.append(max(0.0, last["elapsed_seconds"] - spent))


def _each(reports: Sequence[Mapping[str, float | None]], column: str) -> Iterator[float]:
    """Yields what each report adds to a running total."""
    before = 0.0
    for report in reports:
        total = report[column] or 0.0
        yield max(0.0, total - before)
        before = total


def _rung(report: Row) -> int:
    return int(report["rung"])
