"""A sentence that answers a sweep's question with its figures, and a line for each parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from orchestrator.errors import visible_line
from orchestrator.results.compare import compare_trials
from orchestrator.results.configurations import by_configuration, parameters
from orchestrator.results.curves import Curves, place
from orchestrator.results.effect import effect, varied_in
from orchestrator.results.ends import came_to_nothing, ends_by_technique, ends_in_words, trained
from orchestrator.results.errors import ResultsError
from orchestrator.results.leaderboard import leaderboard
from orchestrator.results.replicates import measured
from orchestrator.results.selection import final_rows, final_table, is_score
from orchestrator.results.statistics import LEVEL
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.store.schema import CONFIRM
from orchestrator.terminal.output import Answer
from orchestrator.terminal.plain_console import shown
from orchestrator.terminal.values import brief, counted, signed
from trainables.techniques.registry import is_untuned

if TYPE_CHECKING:
    from rich.console import RenderableType

    from orchestrator.results.confirmed_answer import ConfirmedAnswer

Runs = list[dict[str, Any]]
"""The completed ones of one configuration, as the leaderboard has them; at least one. `of_seeds` is
how many have told something of it, with those that were stopped or diverged."""

_ASKED = ("rank", "virtual_tokens", "data_size")
"""Parameters that sweeps ask about; the others are searched to be fair to these."""


def answer(root: Root, sweep_id: str) -> str:
    """Returns the answer: what was confirmed, in words; without that, what the search found.

    The latter is the best configuration, its lead over baseline and runner-up; then how the best
    goes with each parameter that is asked about.

    The best is that with the best mean objective over its runs. One of which a run was stopped or
    diverged comes after all others: what is left of it was picked by its scores. Differences are
    paired over the same validation rows; their intervals hold for all the pairs that this one was
    chosen from; see `orchestrator.results.differences`.

    Args:
        root: Of the store.
        sweep_id: The sweep.

    Raises:
        ResultsError: No trial has ended.
        StoreError: The store cannot be read.
    """
    return answered(root, sweep_id)[1]


def answered(root: Root, sweep_id: str) -> tuple[ConfirmedAnswer | None, str]:
    """Returns what the confirming runs say, None while none has completed, and the answer.

    Arguments and errors as of `answer`.
    """
    # Imports scipy and optuna, which take a second that other questions need not wait for.
    from orchestrator.results.confirmed import without_record
    from orchestrator.results.confirmed_answer import confirmed_answer_of

    rows = final_rows(root, [sweep_id])
    stated = confirmed_answer_of(root, sweep_id, rows)
    if stated is None:
        text = _searched(root, sweep_id, [row for row in rows if row["phase"] != CONFIRM])
        missing = without_record(root, rows)
        return None, f"{text}\nWhat was confirmed is left out: {missing}" if missing else text
    from orchestrator.results.confirmed_words import words

    return stated, "\n".join(map(visible_line, words(stated)))


def _searched(root: Root, sweep_id: str, rows: Sequence[Row]) -> str:
    """Returns what the search found, in words."""
    ranked = [
        entry
        for entry in leaderboard(root, sweep_id, each_trial=True)
        if entry["value"] is not None
    ]
    trained = [entry for entry in ranked if not is_untuned(entry)]
    completed = [entry for entry in trained if entry["outcome"] == "completed"]
    if not completed:
        return f"There is no answer yet: {_none(len(rows))} trained to the full budget."
    by_id = {row["trial_id"]: row for row in rows}
    found = _ranked_configurations(completed, rows)
    best = found[0]
    untuned = next(filter(is_untuned, ranked), None)
    # As many comparisons as this one was chosen from, by the rows that it is tested on.
    pairs = len(found) * (len(found) - 1) // 2
    rivals = [
        *([("the untuned model", [untuned], len(found))] if untuned is not None else []),
        *((f"the runner-up {_name(rival)}", rival, pairs) for rival in found[1:2]),
        *((name, rival, pairs) for name, rival in _other_group(rows, by_id, found)),
    ]
    compared: dict[str, tuple[str, Runs, int]] = {}
    for name, rival, chosen_from in rivals:
        compared.setdefault(rival[0]["trial_id"], (name, rival, chosen_from))
    clauses = [_best(best, len(rows))]
    clauses += [
        _against(root, by_id, best, name, rival, chosen_from)
        for name, rival, chosen_from in compared.values()
    ]
    clauses += [
        *_by_technique(found),
        *_without_result(rows, completed),
        *_broken_off(rows, completed),
    ]
    if len(best) == 1:
        clauses.append(
            f"this is about the model of {best[0]['trial_id']}, one seed: another may reverse it"
        )
    sentences = [f"{clause[0].upper()}{clause[1:]}." for clause in clauses]
    return "\n".join(map(visible_line, [*sentences, *_described(root, rows)]))


def answer_object(root: Root, sweep_id: str) -> dict[str, Any]:
    """Returns the answer of one sweep for programs: its words, and what was confirmed.

    Args:
        root: Of the store.
        sweep_id: The sweep.
    """
    return _object(sweep_id, *answered(root, sweep_id))


def _object(sweep_id: str, stated: ConfirmedAnswer | None, text: str) -> dict[str, Any]:
    from orchestrator.results.confirmed_words import as_data

    confirmed = None if stated is None else as_data(stated)
    return {"sweep_id": sweep_id, "answer": text, "confirmed": confirmed}


def emitted(root: Root, sweep_ids: Sequence[str]) -> Answer:
    """Returns the answers of sweeps in both forms.

    Args:
        root: Of the store.
        sweep_ids: The sweeps.
    """
    from rich.console import Group

    from orchestrator.results.confirmed_words import view

    data: list[dict[str, Any]] = []
    parts: list[RenderableType] = []
    for sweep_id in sweep_ids:
        stated, text = answered(root, sweep_id)
        data.append(_object(sweep_id, stated, text))
        if len(sweep_ids) > 1:
            (row,) = final_table(root, [sweep_id], ["question"]).slice(0, 1).to_pylist()
            parts.append(shown(f"{sweep_id}: {visible_line(row['question'] or '')}"))
        if stated is not None:
            parts.append(view(stated))
        parts.append(shown(text))
    return Answer(data, Group(*parts))


def _ranked_configurations(completed: Sequence[dict[str, Any]], rows: Sequence[Row]) -> list[Runs]:
    """Returns the completed runs of each configuration, the best mean first.

    Configurations of which not all runs completed come last.
    """
    by_id = {row["trial_id"]: row for row in rows}
    seeds = {name: len(measured(runs)) for name, runs in by_configuration(rows).items()}
    entries = {entry["trial_id"]: entry for entry in completed}
    found = [
        [entries[row["trial_id"]] | {"of_seeds": seeds[name]} for row in runs]
        for name, runs in by_configuration(by_id[name] for name in entries).items()
    ]
    # The entries came best first: of configurations that tie, the first stays so.
    found.sort(key=_value, reverse=completed[0]["mode"] == "max")
    return sorted(found, key=_is_left_over)


def _is_left_over(runs: Runs) -> bool:
    """Returns whether other runs of the configuration were stopped or diverged."""
    return len(runs) < int(runs[0].get("of_seeds", 1))


def _value(runs: Runs) -> float:
    return math.fsum(entry["value"] for entry in runs) / len(runs)


def _name(runs: Runs) -> str:
    name = str(runs[0]["configuration"])
    if _is_left_over(runs):
        seeds = f"{len(runs)} of its {runs[0]['of_seeds']} seeds"
        name += f" ({seeds}: the others were stopped or diverged)"
    return name


def _other_group(
    rows: Sequence[Row], by_id: Mapping[str, Row], found: Sequence[Runs]
) -> list[tuple[str, Runs]]:
    """Returns the best configuration that differs from the best in what the sweep asks about."""
    varied = varied_in(rows)
    asked = [name for name in ("technique", *_ASKED) if name in varied]
    if not asked:
        return []
    name = asked[0]
    own = parameters(by_id[found[0][0]["trial_id"]]).get(name)
    others = (
        runs
        for runs in found
        if parameters(by_id[runs[0]["trial_id"]]).get(name) not in (own, None)
    )
    return [(f"the best with another {name}, {_name(runs)}", runs) for runs in islice(others, 1)]


def _none(trials: int) -> str:
    return "its one trial has not" if trials == 1 else f"none of {trials:,} trials"


def _best(runs: Runs, trials: int) -> str:
    best = runs[0]
    metric = best["metric"]
    which = "The one trial" if trials == 1 else f"Best of {trials:,} trials"
    text = f"{which} is {_name(runs)} with {metric} {_value(runs):.3f}"
    if len(runs) > 1:
        rows = counted(best["rows"], "validation row")
        return f"{text} (mean of {len(runs)} seeds on {rows})"
    if best["low"] is not None:
        text += (
            f" (95 % interval {best['low']:.3f} to {best['high']:.3f} on"
            f" {counted(best['rows'], 'validation row')}"
            + (", which it was chosen on" if trials > 1 else "")
        )
        if best["test_low"] is not None:
            text += (
                f"; {best['test_value']:.3f} on {counted(best['test_rows'], 'test row')},"
                f" {best['test_low']:.3f} to {best['test_high']:.3f}"
            )
        text += ")"
    return text


def _against(
    root: Root,
    by_id: Mapping[str, Row],
    best: Runs,
    name: str,
    rival: Runs,
    chosen_from: int,
) -> str:
    value = f"{_value(rival):.3f}"
    metric, mode = best[0]["metric"], best[0]["mode"]
    if not is_score(metric):
        return f"{name} has {value}"
    a, b = ([by_id[entry["trial_id"]] for entry in runs] for runs in (best, rival))
    level = 1 - (1 - LEVEL) / chosen_from
    try:
        found = compare_trials(Curves(root, [*a, *b], metric), a, b, metric, mode, level)
    except ResultsError:  # no predictions to pair: the scores themselves stay
        return f"{name} has {value}"
    gap = found.difference
    if gap.interval is None:
        return f"{name} has {value} (difference {signed(gap.mean)}, {gap.over})"
    low, high = gap.interval
    kind = "95 % interval" if chosen_from == 1 else "simultaneous 95 % interval"
    figures = f"difference {signed(gap.mean)}, {kind} {signed(low)} to {signed(high)}"
    if gap.distinguishable:
        return f"it is better than {name} ({value}; {figures})"
    return f"it is not distinguishable from {name} ({value}; {figures})"


def _by_technique(found: Sequence[Runs]) -> list[str]:
    best: dict[str, float] = {}
    for runs in found:
        best.setdefault(runs[0]["technique"], _value(runs))
    if len(best) < 2:
        return []
    listed = ", ".join(f"{technique} {value:.3f}" for technique, value in best.items())
    return [f"the best of each technique: {listed}"]


def _without_result(rows: Sequence[Row], completed: Sequence[dict[str, Any]]) -> list[str]:
    """Returns a clause that names the techniques of which no trial completed, if there are any."""
    ends = ends_by_technique(trained(rows), {entry["technique"] for entry in completed})
    return [f"no trial completed of {', of '.join(ends)}"] if ends else []


def _broken_off(rows: Sequence[Row], completed: Sequence[dict[str, Any]]) -> list[str]:
    """Returns a clause on trials that came to nothing though others of their technique did not."""
    techniques = {entry["technique"] for entry in completed}
    outcomes = [
        row["outcome"]
        for row in trained(rows)
        if row["technique"] in techniques and came_to_nothing(row)
    ]
    if not outcomes:
        return []
    return [
        f"no result came of {counted(len(outcomes), 'further trial')}: {ends_in_words(outcomes)}"
    ]


def _described(root: Root, rows: Sequence[Row]) -> list[str]:
    """Returns a line for each parameter that is asked about and varies, in each technique.

    Nothing is tested: what a search leaves is too little to tell a parameter's effect from luck.
    """
    found = []
    varied = varied_in(rows)
    for name in _ASKED:
        if name not in varied:
            continue
        # Values across techniques would mix what the parameter does with what the technique does.
        techniques = dict.fromkeys(
            row["technique"] for row in rows if parameters(row).get(name) is not None
        )
        for technique in techniques:
            of_technique = [row for row in rows if row["technique"] == technique]
            try:
                result = effect(root, of_technique, name)
            except ResultsError:  # it does not vary here, or nothing was measured
                continue
            if len(result.values) < 2:  # trials of one value alone got that far
                continue
            best = ", ".join(
                f"{entry['best']:.3f} at {brief(entry['value'])}" for entry in result.values
            )
            found.append(
                f"{technique}: best {result.metric} by {name} {place(result.rung)}, described and"
                f" not tested: {best}."
            )
    return found
