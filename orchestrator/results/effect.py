"""How the objective moves with a parameter.

Early stopping ends the losers early, so that a mean over final scores mixes long trainings with
short ones, and a mean over completed trials only shows what was selected for being good. Values are
therefore compared at the highest rung that every trial reached; the completed ones stand beside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Group, RenderableType

from orchestrator.results.configurations import by_configuration, mixed_bases, parameters, varied
from orchestrator.results.curves import Curves, mean_at, place, why
from orchestrator.results.ends import came_to_nothing, ends_in_words, unmeasured
from orchestrator.results.errors import ResultsError, unknown
from orchestrator.results.importance import importances
from orchestrator.results.selection import (
    FACTS_AND_METRICS,
    check_same_evaluation,
    metric_and_mode,
)
from orchestrator.results.statistics import sample_interval
from orchestrator.store.place import Root
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.store.schema import CONFIRM
from orchestrator.terminal.output import Answer, table
from orchestrator.terminal.plain_console import shown_line
from orchestrator.terminal.values import brief, number, with_interval
from trainables.contract.scores import METRICS
from trainables.techniques.registry import is_untuned

SIZES = ("trainable_parameters", "trainable_percent", "epochs")
"""What follows from the parameters and can be asked for like one."""

COLUMNS = (*FACTS_AND_METRICS, *SIZES, "learning_rate")
"""Of final rows: what is looked at."""

_UNTESTED = (
    "Described, not tested: what a search leaves is too little to tell an effect from luck; `ask`"
    " and `confirm` in the search space test it."
)
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
        left_out: Final rows of trials that have the parameter but no score.
    """

    parameter: str
    metric: str
    mode: str
    rung: int | None
    values: list[dict[str, Any]]
    left_out: Sequence[Row]


def effect(root: Root, rows: Sequence[Row], parameter: str, by: str | None = None) -> Effect:
    """Returns how a metric moves with a parameter.

    Args:
        root: Of the store.
        rows: Final rows of the trials.
        parameter: A sampled parameter, `technique`, `data_size`, or one of `SIZES`.
        by: A score or loss; None means the objective.

    Returns:
        For each value (or a quarter of the configurations, if there are more than eight values), at
        the common rung: `value`, `configurations`, `trials`, `mean` (of the configurations, each
        the mean of its replicates), `low`, `high` (95 % interval over configurations, where there
        are three), `best`, `best_learning_rate`; `stopped` (trials that early stopping ended),
        `completed` and `completed_mean` (at the full budget).

    Raises:
        ResultsError: The parameter is unknown or does not vary, or the trials do not compare.
    """
    rows = _searched(rows)
    check_same_evaluation(rows)
    metric, mode = metric_and_mode(rows, by)
    having = _having(rows, parameter)
    return _effect(Curves(root, having, metric), having, parameter, metric, mode)


def _effect(
    curves: Curves, having: Sequence[Row], parameter: str, metric: str, mode: str
) -> Effect:
    measured, lost = curves.reported(having), curves.lost(having)
    if not measured and lost:
        raise ResultsError(curves.lost_in_words(lost))
    if not measured:
        raise ResultsError(f"No trial with a {parameter} was measured by {metric}.")
    rung = curves.common_rung(measured)
    configurations = list(by_configuration(measured).values())
    values = [_value(runs[0], parameter) for runs in configurations]
    scores = [mean_at(curves, runs, rung) for runs in configurations]
    label = _labels(values)
    groups: dict[Any, list[int]] = {}
    for index in sorted(range(len(values)), key=lambda index: _sortable(values[index])):
        groups.setdefault(label(values[index]), []).append(index)
    best = max if mode == "max" else min
    entries = []
    for name, members in groups.items():
        of_group = [scores[index] for index in members]
        runs = [row for index in members for row in configurations[index]]
        low, high = sample_interval(of_group, bounded=METRICS[metric].bounded) or (None, None)
        winner = best(members, key=lambda index: scores[index])
        completed = [
            value
            for row in runs
            if row["outcome"] == "completed" and (value := finite_or_none(row[metric])) is not None
        ]
        entries.append(
            {
                "value": name,
                "configurations": len(members),
                "trials": len(runs),
                "mean": float(np.mean(of_group)),
                "low": low,
                "high": high,
                "best": scores[winner],
                "best_learning_rate": configurations[winner][0]["learning_rate"],
                "stopped": sum(row["outcome"] == "stopped" for row in runs),
                "completed": len(completed),
                "completed_mean": float(np.mean(completed)) if completed else None,
            }
        )
    having_score = {row["trial_id"] for row in measured}
    left_out = [row for row in having if row["trial_id"] not in having_score]
    return Effect(parameter, metric, mode, rung, entries, left_out)


def answer(root: Root, rows: Sequence[Row], parameter: str, by: str | None) -> Answer:
    """Returns the effect of a parameter with the importance of all, for the command line.

    Raises:
        ResultsError: As `effect`.
    """
    stated = _confirmed(root, rows, parameter, by)
    rows = _searched(rows)
    check_same_evaluation(rows)
    metric, mode = metric_and_mode(rows, by)
    having = _having(rows, parameter)
    curves = Curves(root, rows, metric)
    found = _effect(curves, having, parameter, metric, mode)
    headers = [
        *(
            parameter,
            "configurations",
            f"mean {found.metric}",
            "best",
            "its learning rate",
            "stopped",
        ),
        *("completed", "their mean at the end"),
    ]
    lines = [
        [
            brief(entry["value"]),
            str(entry["configurations"]),
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
            f"A{place(found.rung)[1:]}, {why(found.rung)}; 95 % intervals over configurations"
            " (Student's t) where there are three or more"
        ),
        table(headers, lines, set(headers[1:])),
        *map(shown_line, stated or [_UNTESTED]),
    ]
    for technique, share in shares.items():
        listed = ", ".join(f"{name} {part:.0%}" for name, part in share.items())
        parts.append(
            shown_line(
                f"Importance among {technique} configurations, by what sets the best of them by"
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
        "confirmed": stated,
        "importance": shares,
    }
    lost = curves.lost(found.left_out)
    never = [row for row in found.left_out if row not in lost]
    remarks = (
        *mixed_bases(having),
        *_broken_off(curves.reported(having)),
        *([f"{curves.lost_in_words(lost)} They are left out."] if lost else []),
        *unmeasured(never, found.metric),
    )
    return Answer(data, Group(*parts), remarks, rows=[{**what, **entry} for entry in found.values])


def _broken_off(rows: Sequence[Row]) -> list[str]:
    """Returns a sentence on trials that reported and then came to nothing; none for none."""
    ends = ends_in_words(row["outcome"] for row in rows if came_to_nothing(row))
    if not ends:
        return []
    return [
        f"Of these trials {ends} after a report: they count by that, and no later rung is compared."
    ]


def _searched(rows: Sequence[Row]) -> list[Row]:
    """Returns the trials of the search: those that confirm are its best ones over again."""
    return [row for row in rows if row["phase"] != CONFIRM]


def _confirmed(root: Root, rows: Sequence[Row], parameter: str, by: str | None) -> list[str]:
    """Returns what the confirming runs say of a parameter that a sweep asks about, in words."""
    from orchestrator.results.confirmed import without_record
    from orchestrator.results.confirmed_answer import confirmed_answer_of
    from orchestrator.results.confirmed_words import asked_words

    missing = without_record(root, rows)
    said = [f"What was confirmed is left out: {missing}"] if missing else []
    for sweep_id in dict.fromkeys(row["sweep_id"] for row in rows if row["phase"] == CONFIRM):
        found = confirmed_answer_of(root, sweep_id)
        if found is not None and by in (None, found.metric):
            said += [f"Confirmed: {words}" for words in asked_words(found, parameter)]
    return said


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
            f"The parameter {parameter!r} has the same value in all of these trials;"
            f" {_varied_words(varied_in(rows))}."
        )
    return found


def _varied_words(names: Sequence[str]) -> str:
    if not names:
        return "none was varied"
    return f"varied {'was' if len(names) == 1 else 'were'} {', '.join(names)}"


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
