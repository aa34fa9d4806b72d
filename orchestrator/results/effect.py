"""How the objective moves with a parameter.

Early stopping ends the losers early, so that a mean over final scores mixes long trainings with
short ones, and a mean over completed trials only shows what was selected for being good. Values are
therefore compared at the highest rung that every trial reached; the completed ones stand beside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group, RenderableType

from orchestrator.results.configurations import parameters, varied
from orchestrator.results.curves import Curves, place, why
from orchestrator.results.errors import ResultsError, unknown
from orchestrator.results.importance import importances
from orchestrator.results.selection import (
    FACTS_AND_METRICS,
    check_same_evaluation,
    metric_and_mode,
)
from orchestrator.results.statistics import Trend, sample_interval, trend
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.terminal.output import Answer, table
from orchestrator.terminal.plain_console import shown_line
from orchestrator.terminal.values import number, p_value, with_interval
from trainables.contract.scores import METRICS
from trainables.techniques.registry import is_untuned

SIZES = ("trainable_parameters", "trainable_percent", "epochs")
"""What follows from the parameters and can be asked for like one."""

COLUMNS = (*FACTS_AND_METRICS, *SIZES, "learning_rate")
"""Of final rows: what is looked at."""

_MOST_VALUES = 8
_BINS = 4


@dataclass(frozen=True)
class Effect:
    """A parameter's effect.

    Attributes:
        parameter: Its name.
        metric: What it is judged by.
        mode: "max" or "min".
        rung: In examples; where trials are compared. None means each at its own end.
        values: One dictionary a value of the parameter, see `effect`.
        trend: Over the trials at the rung.
        left_out: Trials that have the parameter but no score.
    """

    parameter: str
    metric: str
    mode: str
    rung: int | None
    values: list[dict[str, Any]]
    trend: Trend
    left_out: int

    def sentence(self) -> str:
        """Returns what the trend says, in words."""
        found = self.trend
        where = f"{place(self.rung)}, where all {found.trials} trials were measured"
        if found.p_value is None:
            return f"{self.parameter}: too few trials or values for a trend {where}"
        if found.rho is None:
            verb = "differs" if found.distinguishable else "does not distinguishably differ"
            figures = f"Kruskal-Wallis {p_value(found.p_value)}"
            return f"{self.metric} {verb} by {self.parameter} {where} ({figures})"
        figures = f"Spearman {found.rho:+.2f}, {p_value(found.p_value)}"
        if not found.distinguishable:
            return (
                f"no distinguishable trend of {self.metric} with {self.parameter} {where}"
                f" ({figures})"
            )
        way = "rises" if found.rho > 0 else "falls"
        return f"{self.metric} {way} with {self.parameter} {where} ({figures})"


def effect(root: Path, rows: Sequence[Row], parameter: str, by: str | None = None) -> Effect:
    """Returns how a metric moves with a parameter.

    Args:
        root: Folder of the store.
        rows: Final rows of the trials.
        parameter: A sampled parameter, `technique`, `data_size`, or one of `SIZES`.
        by: A score or loss; None means the objective.

    Returns:
        For each value (or a quarter of the trials, if there are more than eight values), at the
        common rung: `value`, `trials`, `mean`, `low`, `high` (95 % interval over trials, where
        there are three), `best`, `best_learning_rate`; `stopped` (how many early stopping ended),
        `completed` and `completed_mean` (at the full budget).

    Raises:
        ResultsError: The parameter is unknown or does not vary, or the trials do not compare.
    """
    check_same_evaluation(rows)
    metric, mode = metric_and_mode(rows, by)
    having = _having(rows, parameter)
    return _effect(Curves(root, having, metric), having, parameter, metric, mode)


def _effect(
    curves: Curves, having: Sequence[Row], parameter: str, metric: str, mode: str
) -> Effect:
    measured = curves.reported(having)
    if not measured:
        raise ResultsError(f"No trial with a {parameter} was measured by {metric}.")
    rung = curves.common_rung(measured)
    values = [_value(row, parameter) for row in measured]
    scores = [curves.value(row, rung) for row in measured]
    label = _labels(values)
    groups: dict[Any, list[int]] = {}
    for index in sorted(range(len(values)), key=lambda index: _sortable(values[index])):
        groups.setdefault(label(values[index]), []).append(index)
    best = max if mode == "max" else min
    entries = []
    for name, members in groups.items():
        of_group = [scores[index] for index in members]
        low, high = sample_interval(of_group, bounded=METRICS[metric].bounded) or (None, None)
        winner = best(members, key=lambda index: scores[index])
        completed = [
            value
            for index in members
            if measured[index]["outcome"] == "completed"
            and (value := finite_or_none(measured[index][metric])) is not None
        ]
        entries.append(
            {
                "value": name,
                "trials": len(members),
                "mean": float(np.mean(of_group)),
                "low": low,
                "high": high,
                "best": scores[winner],
                "best_learning_rate": measured[winner]["learning_rate"],
                "stopped": sum(measured[index]["outcome"] == "stopped" for index in members),
                "completed": len(completed),
                "completed_mean": float(np.mean(completed)) if completed else None,
            }
        )
    left_out = len(having) - len(measured)
    return Effect(parameter, metric, mode, rung, entries, trend(values, scores), left_out)


def answer(root: Path, rows: Sequence[Row], parameter: str, by: str | None) -> Answer:
    """Returns the effect of a parameter with the importance of all, for the command line.

    Raises:
        ResultsError: As `effect`.
    """
    check_same_evaluation(rows)
    metric, mode = metric_and_mode(rows, by)
    having = _having(rows, parameter)
    curves = Curves(root, rows, metric)
    found = _effect(curves, having, parameter, metric, mode)
    headers = [
        *(parameter, "trials", f"mean {found.metric}", "best", "its learning rate", "stopped"),
        *("completed", "their mean at the end"),
    ]
    lines = [
        [
            str(entry["value"]),
            str(entry["trials"]),
            with_interval(entry["mean"], entry["low"], entry["high"]),
            number(entry["best"]),
            "-" if entry["best_learning_rate"] is None else f"{entry['best_learning_rate']:.2g}",
            str(entry["stopped"]),
            str(entry["completed"]),
            number(entry["completed_mean"]),
        ]
        for entry in found.values
    ]
    shares = importances(curves, rows, mode)
    parts: list[RenderableType] = [
        shown_line(
            f"A{place(found.rung)[1:]}, {why(found.rung)}; 95 % intervals over trials (Student's t)"
            " where there are three or more"
        ),
        table(headers, lines, set(headers[1:])),
        shown_line(f"Trend: {found.sentence()}."),
    ]
    for technique, share in shares.items():
        listed = ", ".join(f"{name} {part:.0%}" for name, part in share.items())
        parts.append(
            shown_line(
                f"Importance among {technique} trials, by what sets the best of them by"
                f" {found.metric} apart (PED-ANOVA): {listed}"
            )
        )
    what = {
        "parameter": parameter,
        "metric": found.metric,
        "mode": found.mode,
        "rung_examples": found.rung,
    }
    data = {
        **what,
        "values": found.values,
        "trend": {
            "test": found.trend.test,
            "rho": found.trend.rho,
            "p_value": found.trend.p_value,
            "trials": found.trend.trials,
        },
        "importance": shares,
    }
    left_out = (
        f"{found.left_out} of these trials were not measured by {found.metric} and are left out."
    )
    remarks = (left_out,) if found.left_out else ()
    return Answer(data, Group(*parts), remarks, rows=[{**what, **entry} for entry in found.values])


def varied_in(rows: Sequence[Row]) -> list[str]:
    """Returns the parameters that have more than one value among trained trials."""
    trained = [row for row in rows if not is_untuned(row)]
    within = varied(trained)
    among = {
        name for name in ("technique", "data_size") if len({_value(r, name) for r in trained}) > 1
    }
    names = dict.fromkeys(name for row in trained for name in parameters(row))
    return [
        name for name in names if name in among or any(name in each for each in within.values())
    ]


def _having(rows: Sequence[Row], parameter: str) -> list[Row]:
    known = {name for row in rows for name in parameters(row)} | set(SIZES)
    if parameter not in known:
        raise unknown("parameter", parameter, known)
    found = [row for row in rows if _value(row, parameter) is not None and not is_untuned(row)]
    if len({_value(row, parameter) for row in found}) < 2:
        raise ResultsError(
            f"The parameter {parameter!r} has the same value in all of these trials; varied were"
            f" {', '.join(varied_in(rows)) or 'none'}."
        )
    return found


def _value(row: Row, parameter: str) -> Any:
    return row[parameter] if parameter in SIZES else parameters(row).get(parameter)


def _labels(values: Sequence[Any]) -> Callable[[Any], Any]:
    """Returns a function from a value to the name of its group: itself, or its quarter."""
    distinct = set(values)
    if len(distinct) <= _MOST_VALUES or not all(isinstance(v, (int, float)) for v in distinct):
        return lambda value: value
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))

    def label(value: float) -> str:
        index = int(np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(edges) - 2))
        return f"{edges[index]:.3g} to {edges[index + 1]:.3g}"

    return label


def _sortable(value: Any) -> tuple[bool, Any]:
    is_text = not isinstance(value, (int, float))
    return is_text, str(value) if is_text else value
