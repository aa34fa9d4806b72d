"""Is A better than B? Paired by example, at a rung that both reached."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import visible_line
from orchestrator.results.configurations import Configurations, parameters
from orchestrator.results.curves import Curves, key, place, why
from orchestrator.results.errors import ResultsError, absent, unknown
from orchestrator.results.find_trial import pick
from orchestrator.results.selection import check_same_evaluation, metric_and_mode
from orchestrator.results.statistics import Difference, group_difference, paired_difference
from orchestrator.store.rows import Row
from orchestrator.terminal.output import Answer
from orchestrator.terminal.plain_console import shown
from orchestrator.terminal.values import p_value
from trainables.techniques.registry import is_untuned


@dataclass(frozen=True)
class Comparison:
    """Two trials or groups of trials beside each other.

    Attributes:
        metric: What they are compared by.
        mode: "max" or "min".
        rung: In examples; where they are compared. None means each at its own end.
        trials: How many trials A and B have.
        means: Of A and B, over the examples that all of them share.
        difference: A less B.
    """

    metric: str
    mode: str
    rung: int | None
    trials: tuple[int, int]
    means: tuple[float, float]
    difference: Difference

    def verdict(self, a: str, b: str) -> str:
        """Returns what the difference says about two names, in words."""
        gap = self.difference
        if not gap.distinguishable:
            return f"{a} and {b} are not distinguishable"
        better, worse = (a, b) if (gap.mean > 0) == (self.mode == "max") else (b, a)
        return f"{better} is better than {worse}"


def compare_trials(
    curves: Curves, a: Sequence[Row], b: Sequence[Row], metric: str, mode: str
) -> Comparison:
    """Compares two groups of trials, or two trials as groups of one.

    Args:
        curves: The reports of all of them.
        a: Final rows of A.
        b: Final rows of B.
        metric: A score.
        mode: "max" or "min".

    Raises:
        ResultsError: They share no rung or no example.
    """
    rung = curves.common_rung([*a, *b])
    scores = curves.examples([*a, *b], rung)
    of_a, of_b = scores[: len(a)], scores[len(a) :]
    if len(a) == len(b) == 1:
        difference = paired_difference(of_a[0], of_b[0])
    else:
        difference = group_difference(of_a, of_b)
    means = (float(of_a.mean()), float(of_b.mean()))
    return Comparison(metric, mode, rung, (len(a), len(b)), means, difference)


def select_group(root: Path, rows: Sequence[Row], text: str) -> list[Row]:
    """Returns the trials that a text names: one as in `pick`, or `name=value[,name=value...]`.

    Raises:
        ResultsError: No trial fits, or a name is unknown.
    """
    if "=" not in text:
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
            raise absent(f"trial with {name}", value, map(str, values))
        found = [row for row in found if _same(parameters(row).get(name), value)]
    if not found:
        raise ResultsError(f"No trial fits {text!r}.")
    return found


def compare(root: Path, rows: Sequence[Row], a: str, b: str, by: str | None) -> Answer:
    """Compares what two texts name; see `select_group` and `compare_trials`.

    Args:
        root: Folder of the store.
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
    groups = [curves.reported(group) for group in chosen]
    for text, group in zip((a, b), groups, strict=True):
        if not group:
            raise ResultsError(f"No trial of {text!r} was measured by {metric}.")
    check_same_evaluation([*groups[0], *groups[1]])
    found = compare_trials(curves, groups[0], groups[1], metric, mode)
    gap = found.difference
    names = Configurations(rows)
    lines = []
    for label, text, group, mean in zip("AB", (a, b), groups, found.means, strict=True):
        what = names.describe(group[0]) if len(group) == 1 else f"{len(group)} trials"
        lines.append(f"{label}  {text} ({what}): {metric} {mean:.4f}")
    lines.append(
        f"A - B  {gap.mean:+.4f}, 95 % interval {gap.low:+.4f} to {gap.high:+.4f},"
        f" {p_value(gap.p_value)}"
    )
    lines.append(
        f"{found.verdict('A', 'B')[0].upper()}{found.verdict('A', 'B')[1:]}: paired over"
        f" {gap.examples} validation rows{_where(groups, found.rung)}."
    )
    data: dict[str, Any] = {
        "a": a,
        "b": b,
        "metric": metric,
        "mode": mode,
        "rung_examples": found.rung,
        "trials_a": found.trials[0],
        "trials_b": found.trials[1],
        "mean_a": found.means[0],
        "mean_b": found.means[1],
        "difference": gap.mean,
        "low": gap.low,
        "high": gap.high,
        "p_value": gap.p_value,
        "rows": gap.examples,
        "distinguishable": gap.distinguishable,
        "verdict": found.verdict("A", "B"),
    }
    left_out = sum(map(len, chosen)) - sum(map(len, groups))
    remarks = (
        (f"{left_out} of these trials were not measured by {metric} and are left out.",)
        if left_out
        else ()
    )
    return Answer(data, shown("\n".join(map(visible_line, lines))), remarks)


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


def _same(value: Any, text: str) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value) == float(text)
        except ValueError:
            return False
    return str(value).lower() == text.lower()
