"""Is A better than B? Paired by example, of trials that completed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import visible_line
from orchestrator.results.configurations import (
    Configurations,
    by_configuration,
    mixed_bases,
    parameters,
)
from orchestrator.results.curves import Curves, place, why
from orchestrator.results.errors import ResultsError, absent, unknown
from orchestrator.results.find_trial import pick
from orchestrator.results.row_scores import key
from orchestrator.results.selection import check_same_evaluation, metric_and_mode
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.store.schema import CONFIRM
from orchestrator.terminal.output import Answer
from orchestrator.terminal.plain_console import shown
from orchestrator.terminal.values import counted, p_value, signed
from trainables.techniques.registry import is_untuned

if TYPE_CHECKING:
    from orchestrator.results.differences import Difference


@dataclass(frozen=True)
class Comparison:
    """Two trials or groups of trials beside each other.

    Attributes:
        metric: What they are compared by.
        mode: "max" or "min".
        rung: In examples; where they are compared. None means each at its own end.
        split: "validation", or "test" where all runs confirm what tuning chose.
        trials: How many trials A and B have.
        configurations: How many configurations these are of.
        means: Of A and B, over the examples that all of them share.
        difference: A less B.
    """

    metric: str
    mode: str
    rung: int | None
    split: str
    trials: tuple[int, int]
    configurations: tuple[int, int]
    means: tuple[float, float]
    difference: Difference

    def verdict(self, a: str, b: str) -> str:
        """Returns what the difference says about two names, in words."""
        gap = self.difference
        if gap.interval is None:
            return f"{a} and {b} are described, not tested"
        if not gap.distinguishable:
            return f"{a} and {b} are not distinguishable"
        better, worse = (a, b) if (gap.mean > 0) == (self.mode == "max") else (b, a)
        return f"{better} is better than {worse}"


def compare_trials(
    curves: Curves,
    a: Sequence[Row],
    b: Sequence[Row],
    metric: str,
    mode: str,
    level: float = 0.95,
) -> Comparison:
    """Compares two groups of trials, or two trials as groups of one.

    Runs of one configuration are averaged. Where all that were trained confirm what tuning chose,
    it is on the test rows, which nothing was chosen on, else on the validation rows.

    Args:
        curves: The reports of all of them.
        a: Final rows of A.
        b: Final rows of B.
        metric: A score.
        mode: "max" or "min".
        level: Of the interval.

    Raises:
        ResultsError: They share no rung or no example.
    """
    # NumPy and SciPy take a while to load, which who compares nothing need not wait for.
    import numpy as np

    from orchestrator.results.differences import Group, difference

    rung = curves.common_rung([*a, *b])
    trained = [row for row in (*a, *b) if not is_untuned(row)]
    confirms = bool(trained) and all(row.get("phase") == CONFIRM for row in trained)
    split = "test" if confirms else "validation"
    scores, clusters = curves.examples([*a, *b], rung, split)
    of_trial = {key(row): own for row, own in zip((*a, *b), scores, strict=True)}

    def grouped(rows: Sequence[Row]) -> Group:
        configurations = by_configuration(rows).values()
        runs = [np.stack([of_trial[key(row)] for row in own]) for own in configurations]
        return Group(runs, untuned=all(map(is_untuned, rows)))

    of_a, of_b = grouped(a), grouped(b)
    found = difference(of_a, of_b, clusters, level, of_these=confirms)
    return Comparison(
        metric,
        mode,
        rung,
        split,
        (len(a), len(b)),
        (len(of_a.runs), len(of_b.runs)),
        (of_a.mean, of_b.mean),
        found,
    )


def select_group(root: Root, rows: Sequence[Row], text: str) -> list[Row]:
    """Returns the trials that a text names: one as in `pick`, or `name=value[,name=value...]`.

    Raises:
        ResultsError: No trial fits, or a name is unknown.
    """
    if "=" not in text:
        if text in {row["technique"] for row in rows}:
            raise ResultsError(f"{text!r} is no trial, but a technique: write technique={text}.")
        return [pick(root, rows, text)]
    found = list(rows)
    # A value may hold commas itself: target_modules=q,v.
    for part in re.split(r",(?=\w+=)", text):
        name, value = (side.strip() for side in part.split("=", 1))
        known = {each for row in rows for each in parameters(row)}
        if name not in known:
            raise unknown("parameter", name, known)
        values = {parameters(row).get(name) for row in rows} - {None}
        if not any(_same(each, value) for each in values):
            raise absent(f"trial with {name}", value, map(_written, values))
        found = [row for row in found if _same(parameters(row).get(name), value)]
    if not found:
        raise ResultsError(f"No trial fits {text!r}.")
    return found


def _confirming(root: Root, rows: Sequence[Row]) -> list[Row]:
    """Returns the runs that confirm; of several configurations, of the chosen ones alone."""
    confirming = [row for row in rows if row["phase"] == CONFIRM]
    if len(by_configuration(confirming)) < 2:
        return confirming
    # Imports optuna, which takes a second.
    from orchestrator.results.confirmed import of_chosen

    return of_chosen(root, confirming)


def _record_that_is_missing(root: Root, rows: Sequence[Row]) -> str | None:
    """Returns what of a store would say which of several configurations were chosen, in words."""
    confirming = [row for row in rows if row["phase"] == CONFIRM]
    if len(by_configuration(confirming)) < 2:
        return None
    from orchestrator.results.confirmed import without_record

    return without_record(root, confirming)


def compare(root: Root, rows: Sequence[Row], a: str, b: str, by: str | None) -> Answer:
    """Compares what two texts name; see `select_group` and `compare_trials`.

    Args:
        root: Of the store.
        rows: Final rows that the texts choose from.
        a: A trial or group.
        b: Another.
        by: A score; None means the objective.

    Raises:
        ResultsError: A text fits no trial, or the trials do not compare.
    """
    metric, mode = metric_and_mode(rows, by)
    chosen = [select_group(root, rows, text) for text in (a, b)]
    if {key(row) for row in chosen[0]} & {key(row) for row in chosen[1]}:
        raise ResultsError(f"{a!r} and {b!r} have a trial in common; compare two that have none.")
    curves = Curves(root, [*chosen[0], *chosen[1]], metric)
    groups, remarks = [], []
    for text, group in zip((a, b), chosen, strict=True):
        ended, said = _completed(text, group, metric)
        ended = _confirming(root, ended) or ended
        measured, lost = curves.reported(ended), curves.lost(ended)
        if not measured and lost:
            raise ResultsError(curves.lost_in_words(lost))
        if not measured:
            raise ResultsError(f"No trial of {text!r} was measured by {metric}.")
        groups.append(measured)
        remarks += said
        if lost:
            remarks.append(f"{curves.lost_in_words(lost)} They are left out.")
        if left_out := len(ended) - len(measured) - len(lost):
            remarks.append(
                f"{counted(left_out, 'trial')} of {text!r} {'was' if left_out == 1 else 'were'} not"
                f" measured by {metric} and {'is' if left_out == 1 else 'are'} left out."
            )
    check_same_evaluation([*groups[0], *groups[1]])
    remarks += mixed_bases([*groups[0], *groups[1]])
    if missing := _record_that_is_missing(root, [*groups[0], *groups[1]]):
        remarks.append(f"All confirming runs count, also those around the chosen ones: {missing}")
    found = compare_trials(curves, groups[0], groups[1], metric, mode)
    gap = found.difference
    names = Configurations(rows)
    lines = []
    for label, text, group, count, mean in zip(
        "AB", (a, b), groups, found.configurations, found.means, strict=True
    ):
        what = names.describe(group[0]) if count == 1 else f"{count} configurations"
        runs = f", {len(group)} runs" if len(group) > count else ""
        lines.append(f"{label}  {text} ({what}{runs}): {metric} {mean:.4f}")
    figures = ""
    if gap.interval is not None:
        low, high = gap.interval
        figures = f", 95 % interval {signed(low, 4)} to {signed(high, 4)}"
    tested = "" if gap.p_value is None else f", {p_value(gap.p_value)}"
    lines.append(f"A - B  {signed(gap.mean, 4)}{figures} ({gap.over}){tested}")
    lines.append(
        f"{found.verdict('A', 'B')[0].upper()}{found.verdict('A', 'B')[1:]}: paired over"
        f" {gap.examples} {found.split} rows{_where(groups, found.rung)}."
    )
    data: dict[str, Any] = {
        "a": a,
        "b": b,
        "metric": metric,
        "mode": mode,
        "rung_examples": found.rung,
        "split": found.split,
        "trials_a": found.trials[0],
        "trials_b": found.trials[1],
        "configurations_a": found.configurations[0],
        "configurations_b": found.configurations[1],
        "mean_a": found.means[0],
        "mean_b": found.means[1],
        "difference": gap.mean,
        "low": None if gap.interval is None else gap.interval[0],
        "high": None if gap.interval is None else gap.interval[1],
        "p_value": gap.p_value,
        "over": gap.over,
        "rows": gap.examples,
        "unjudged": gap.unjudged,
        "distinguishable": gap.distinguishable,
        "verdict": found.verdict("A", "B"),
    }
    return Answer(data, shown("\n".join(map(visible_line, lines))), tuple(remarks))


def _completed(text: str, group: Sequence[Row], metric: str) -> tuple[list[Row], list[str]]:
    """Returns the trials of a group that were trained to the end, and what to say of the others.

    One that was stopped is as good as it was then, and those of a group that were not are its best.

    Raises:
        ResultsError: None was.
    """
    ended = [row for row in group if row["outcome"] == "completed"]
    others = Counter(row["outcome"] for row in group if row["outcome"] != "completed")
    listed = ", ".join(f"{count} {outcome}" for outcome, count in sorted(others.items()))
    if not ended:
        raise ResultsError(
            f"No trial of {text!r} was trained to the full budget ({listed}); only those that were"
            " compare."
        )
    count = sum(others.values())
    left = "is" if count == 1 else "are"
    said = f"{counted(count, 'trial')} of {text!r} did not complete and {left} left out: {listed}"
    early = [row for row in group if row["outcome"] == "stopped"]
    if early and all(row[metric] is None for row in early):
        said += " (by the loss, before any SQL was written)"
    said += "."
    return ended, [said] if others else []


def _where(groups: Sequence[Sequence[Row]], rung: int | None) -> str:
    """Returns in words where A and B are compared; what was not trained is the same everywhere."""
    untuned = [all(map(is_untuned, group)) for group in groups]
    if all(untuned):
        return "; both are the untuned model"
    if not any(untuned):
        return f", {place(rung)}, {why(rung)}"
    itself, other = ("A", "B") if untuned[0] else ("B", "A")
    trained = groups[untuned.index(False)]
    reached = "which it reached" if rung is None else "the highest rung that it reached"
    reason = reached if len(trained) == 1 else why(rung)
    return f"; {other} {place(rung)}, {reason}, and {itself}, the untuned model, as it is"


def _written(value: Any) -> str:
    """Returns a value as `_same` takes it: in full, true and not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _same(value: Any, text: str) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value) == float(text)
        except ValueError:
            return False
    return _written(value).lower() == text.lower()
