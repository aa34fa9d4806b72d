"""A sentence that answers a sweep's question with its figures, and a line for each trend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import visible_line
from orchestrator.results.compare import compare_trials
from orchestrator.results.configurations import parameters
from orchestrator.results.curves import Curves
from orchestrator.results.effect import effect, varied_in
from orchestrator.results.ends import ends_by_technique, trained
from orchestrator.results.errors import ResultsError
from orchestrator.results.leaderboard import leaderboard
from orchestrator.results.selection import final_rows, is_score
from orchestrator.store.rows import Row
from orchestrator.store.schema import CONFIRM
from orchestrator.terminal.output import Answer
from orchestrator.terminal.plain_console import shown
from orchestrator.terminal.values import brief
from trainables.techniques.registry import is_untuned

if TYPE_CHECKING:
    from orchestrator.results.confirmed_answer import ConfirmedAnswer

_ASKED = ("rank", "virtual_tokens", "data_size")
"""Parameters that sweeps ask about; the others are searched to be fair to these."""


def answer(root: Path, sweep_id: str) -> str:
    """Returns the answer: what was confirmed, in words; without that, what the search found.

    The latter is the best trial, its lead over baseline and runner-up; then the trends.

    The best is the completed trial with the best objective. Differences are paired over the same
    validation rows, with bootstrap intervals; see `orchestrator.results.statistics`.

    Args:
        root: Folder of the store.
        sweep_id: The sweep.

    Raises:
        ResultsError: No trial has ended.
        StoreError: The store cannot be read.
    """
    rows = final_rows(root, [sweep_id])
    if (stated := _confirmed(root, sweep_id, rows)) is not None:
        from orchestrator.results.confirmed_answer import words

        return "\n".join(map(visible_line, words(stated)))
    rows = [row for row in rows if row["phase"] != CONFIRM]
    ranked = [entry for entry in leaderboard(root, sweep_id) if entry["value"] is not None]
    trained = [entry for entry in ranked if not is_untuned(entry)]
    completed = [entry for entry in trained if entry["outcome"] == "completed"]
    if not completed:
        return f"There is no answer yet: none of {len(rows)} trials trained to the full budget."
    by_id = {row["trial_id"]: row for row in rows}
    best = completed[0]
    rivals: list[tuple[str, dict[str, Any] | None]] = [
        ("the untuned model", next(filter(is_untuned, ranked), None)),
        (f"the runner-up {_name(completed[1:])}", next(iter(completed[1:]), None)),
        *_other_group(rows, by_id, completed),
    ]
    compared: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, rival in rivals:
        if rival is not None:
            compared.setdefault(rival["trial_id"], (name, rival))
    clauses = [_best(best, len(rows))]
    clauses += [_against(root, by_id, best, name, rival) for name, rival in compared.values()]
    clauses += [*_by_technique(completed), *_without_result(rows, completed)]
    sentence = "; ".join(clauses) + "."
    return "\n".join(map(visible_line, [sentence, *_trends(root, rows)]))


def confirmed_answer_of(root: Path, sweep_id: str) -> ConfirmedAnswer | None:
    """Returns what a sweep's confirming runs say; None while none has completed.

    Raises:
        ResultsError: No trial has ended.
        StoreError: The store cannot be read.
    """
    return _confirmed(root, sweep_id, final_rows(root, [sweep_id]))


def emitted(root: Path, sweep_ids: Sequence[str]) -> Answer:
    """Returns the answers of sweeps in both forms.

    Args:
        root: Folder of the store.
        sweep_ids: The sweeps.
    """
    from rich.console import Group

    from orchestrator.results.confirmed_answer import as_data, view

    data, parts = [], []
    for sweep_id in sweep_ids:
        stated = confirmed_answer_of(root, sweep_id)
        text = answer(root, sweep_id)
        confirmed = None if stated is None else as_data(stated)
        data.append({"sweep_id": sweep_id, "answer": text, "confirmed": confirmed})
        if stated is not None:
            parts.append(view(stated))
        parts.append(shown(text))
    return Answer(data, Group(*parts))


def _confirmed(root: Path, sweep_id: str, rows: Sequence[Row]) -> ConfirmedAnswer | None:
    # Imports scipy and optuna, which take a second that other answers need not wait for.
    from orchestrator.results.confirmed import confirmed_sweep
    from orchestrator.results.confirmed_answer import confirmed_answer

    confirmed = confirmed_sweep(root, sweep_id, rows)
    return None if confirmed is None else confirmed_answer(root, confirmed, rows)


def _name(entries: Sequence[dict[str, Any]]) -> str:
    return str(entries[0]["configuration"]) if entries else ""


def _other_group(
    rows: Sequence[Row], by_id: dict[str, Row], completed: Sequence[dict[str, Any]]
) -> list[tuple[str, dict[str, Any] | None]]:
    """Returns the best trial that differs from the best one in what the sweep asks about."""
    asked = [name for name in ("technique", *_ASKED) if name in varied_in(rows)]
    if not asked:
        return []
    name = asked[0]
    own = parameters(by_id[completed[0]["trial_id"]]).get(name)
    others = [
        entry
        for entry in completed
        if parameters(by_id[entry["trial_id"]]).get(name) not in (own, None)
    ]
    return [(f"the best with another {name}, {_name(others)}", next(iter(others), None))]


def _best(best: dict[str, Any], trials: int) -> str:
    metric = best["metric"]
    text = f"Best of {trials} trials is {best['configuration']} with {metric} {best['value']:.3f}"
    if best["low"] is not None:
        text += (
            f" (95 % interval {best['low']:.3f} to {best['high']:.3f} on {best['rows']:,}"
            " validation rows"
        )
        if best["test_low"] is not None:
            text += (
                f", {best['test_value']:.3f} on {best['test_rows']:,} test rows,"
                f" {best['test_low']:.3f} to {best['test_high']:.3f}"
            )
        text += ")"
    return text


def _against(
    root: Path,
    by_id: dict[str, Row],
    best: dict[str, Any],
    name: str,
    rival: dict[str, Any],
) -> str:
    value = f"{rival['value']:.3f}"
    metric, mode = best["metric"], best["mode"]
    if not is_score(metric):
        return f"{name} has {value}"
    pair = [by_id[entry["trial_id"]] for entry in (best, rival)]
    try:
        found = compare_trials(Curves(root, pair, metric), pair[:1], pair[1:], metric, mode)
    except ResultsError:  # no predictions to pair: the scores themselves stay
        return f"{name} has {value}"
    gap = found.difference
    figures = f"difference {gap.mean:+.3f}, 95 % interval {gap.low:+.3f} to {gap.high:+.3f}"
    if gap.distinguishable:
        return f"it is better than {name} ({value}; {figures})"
    return f"it is not distinguishable from {name} ({value}; {figures})"


def _by_technique(completed: Sequence[dict[str, Any]]) -> list[str]:
    best: dict[str, float] = {}
    for entry in completed:
        best.setdefault(entry["technique"], entry["value"])
    if len(best) < 2:
        return []
    listed = ", ".join(f"{technique} {value:.3f}" for technique, value in best.items())
    return [f"the best of each technique: {listed}"]


def _without_result(rows: Sequence[Row], completed: Sequence[dict[str, Any]]) -> list[str]:
    """Returns a clause that names the techniques of which no trial completed, if there are any."""
    ends = ends_by_technique(trained(rows), {entry["technique"] for entry in completed})
    return [f"no trial completed of {', of '.join(ends)}"] if ends else []


def _trends(root: Path, rows: Sequence[Row]) -> list[str]:
    """Returns a line for each parameter that is asked about and varies, in each technique."""
    found = []
    for name in _ASKED:
        if name not in varied_in(rows):
            continue
        # A trend across techniques would mix what the parameter does with what the technique does.
        techniques = dict.fromkeys(
            row["technique"] for row in rows if parameters(row).get(name) is not None
        )
        for technique in techniques:
            of_technique = [row for row in rows if row["technique"] == technique]
            try:
                result = effect(root, of_technique, name)
            except ResultsError:  # it does not vary here, or nothing was measured
                continue
            if result.trend.p_value is None:
                continue
            best = ", ".join(
                f"{entry['best']:.3f} at {brief(entry['value'])}" for entry in result.values
            )
            found.append(f"{technique}: {result.sentence()}; best {best}.")
    return found
