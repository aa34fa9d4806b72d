"""The answer of a sweep that has confirmed what it chose, for people and for programs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.results.confirmed_answer import EXECUTION, ConfirmedAnswer, Score
from orchestrator.statistics.asked import Answered
from orchestrator.statistics.detectable import Detectable
from orchestrator.terminal.values import brief, counted, signed, size, with_interval

if TYPE_CHECKING:
    from rich.console import RenderableType


def as_data(answer: ConfirmedAnswer) -> dict[str, Any]:
    """Returns the answer for programs; a contrast's weights are in the order of the standings."""
    data = dataclasses.asdict(answer)
    for contrasts in data["asked"].values():
        for each in contrasts:
            each["asked"]["weights"] = [round(float(w), 12) for w in each["asked"]["weights"]]
    return data


def view(answer: ConfirmedAnswer) -> RenderableType:
    """Returns the table of what was confirmed for a terminal."""
    from orchestrator.terminal.fitting_table import FittingTable

    headers, lines = standings(answer)
    least_first = ("chosen as", "seeds", f"test {EXECUTION}", "less the best")
    remedy = "`results answer --format json` has all."
    return FittingTable(headers, lines, {"seeds"}, least_first, remedy)


def standings(answer: ConfirmedAnswer) -> tuple[list[str], list[list[str]]]:
    """Returns headers and lines of the table of what was confirmed, the best by tuning first.

    A configuration is named by what differs between them.
    """
    names = _differing([each.name for each in answer.standings])
    shown = [score for each in answer.standings if (score := each.execution) is not None]
    headers = ["configuration", "chosen as", "seeds", f"test {answer.metric}", "less the best"]
    headers += [f"test {EXECUTION}"] if shown else []
    lines = []
    for each, name in zip(answer.standings, names, strict=True):
        cells = [
            name,
            each.reason,
            str(len(each.runs)),
            _cell(each.score),
            "-"
            if each.difference is None
            else f"{signed(each.difference[0], 4)} [{signed(each.difference[1][0])},"
            f" {signed(each.difference[1][1])}]",
        ]
        lines.append(cells + ([_cell(each.execution)] if shown else []))
    return headers, lines


def _differing(names: Sequence[str]) -> list[str]:
    """Returns configurations without the words that all of them have, but with the technique."""
    words = [name.split() for name in names]
    common = set.intersection(*map(set, words)) if len(words) > 1 else set()
    return [" ".join([own[0], *(w for w in own[1:] if w not in common)]) for own in words]


def _cell(score: Score | None) -> str:
    if score is None or math.isnan(score.value):
        return "-"
    return with_interval(score.value, *(score.interval or (None, None)))


def words(answer: ConfirmedAnswer) -> list[str]:
    """Returns the answer as lines for a person."""
    return [basis_words(answer), *found_words(answer), *unknown_words(answer)]


def found_words(answer: ConfirmedAnswer) -> list[str]:
    """Returns what was found of each parameter that is asked about, and which is best."""
    said = []
    for name in answer.ask:
        said += [_contrast(answer, name, each) for each in answer.asked.get(name, ())]
        if name not in answer.asked:
            said.append(f"{name}: not known from what was confirmed.")
    return said + _best(answer)


def unknown_words(answer: ConfirmedAnswer) -> list[str]:
    """Returns what the answer is about and what not, what it would take, and what is missing."""
    said = []
    if answer.best_rates is not None:
        rates = ", ".join(brief(rate) for rate in answer.best_rates)
        said.append(
            f"This is about {' and '.join(answer.ask)}, every combination at the learning rate that"
            " suits it best, within the range that was searched: each was trained at rates around"
            " the chosen one, and a score is taken to have one best rate, falling off to each side"
            f" as steeply as the runs tell. They lie near {rates}, in the order of the table; what"
            " is not known of that is in the intervals of these differences."
        )
    elif answer.settings is not None and answer.not_at_their_best is None:
        said.append(
            f"This is about {' and '.join(answer.ask)}, every combination at the learning rate that"
            " suits it best: the optimum of a surface over all that tuning trained in full. What is"
            " not known of that optimum is in the intervals of these differences."
        )
    elif answer.settings is not None:
        low, high = answer.settings
        count = f"{low}" if low == high else f"{low} to {high}"
        said.append(
            f"This is about these configurations, each the best of {count} settings that were tried"
            f" in its combination. What {' and '.join(answer.ask)} would do where every value has"
            f" the setting that suits it best is not known: {answer.not_at_their_best}."
        )
    said += [_could(answer, name, could) for name, could in answer.detectable.items()]
    return [*said, *answer.remarks]


def asked_words(answer: ConfirmedAnswer, parameter: str) -> list[str]:
    """Returns what was confirmed of one parameter, a sentence a contrast; none where not asked."""
    return [_contrast(answer, parameter, each) for each in answer.asked.get(parameter, ())]


def basis_words(answer: ConfirmedAnswer) -> str:
    """Returns what was confirmed, and on which rows."""
    count = len(answer.standings)
    which = "configuration was" if count == 1 else "configurations were"
    chosen = f"the best of each {' and '.join(answer.ask)}" if answer.ask else "the best"
    count_around = len(answer.around)
    rates = "rate" if count_around == 1 else "rates"
    beside = f", and at {count_around} further {rates} around its own" if answer.around else ""
    seeds = counted(answer.seeds, "new seed")
    rows = f"; scores are on {counted(answer.test_rows, 'test row')}, which nothing was chosen on"
    return (
        f"From {counted(answer.tried, 'trial')} {count} {which} chosen, {chosen}, and trained again"
        f" under {seeds} each{beside}{rows if answer.test_rows else ''}."
    )


def _contrast(answer: ConfirmedAnswer, name: str, each: Answered) -> str:
    value, (low, high) = each.found.value, each.interval
    level = f"{100 * each.level:.4g} % interval {signed(low)} to {signed(high)}"
    numeric = not isinstance(each.asked.value, str | bool)
    if not each.differs:
        where = (
            f"from {brief(each.asked.against)} to {brief(each.asked.value)}"
            if numeric
            else f"between {brief(each.asked.against)} and {brief(each.asked.value)}"
        )
        return (
            f"{name}: no difference in {answer.metric} is shown {where} ({signed(value)}, {level}):"
            f" one of more than {size(max(abs(low), abs(high)))} is unlikely."
        )
    if numeric:
        moves = "rises" if value > 0 else "falls"
        span = f"from {brief(each.asked.against)} to {brief(each.asked.value)}"
        return f"{name}: {answer.metric} {moves} by {size(value)} {span} ({level})."
    side = "above" if value > 0 else "below"
    return (
        f"{name}: {brief(each.asked.value)} is {size(value)} {side}"
        f" {brief(each.asked.against)} in {answer.metric} ({level})."
    )


def _could(answer: ConfirmedAnswer, name: str, could: Detectable) -> str:
    now = (
        f"{name}: an estimate from the spread of these runs: four of five sweeps like this one"
        f" would show a difference of {could.difference:.3f}"
    )
    if could.difference <= could.asked:
        return f"{now}."
    if could.seeds is None or could.rows is None:
        return (
            f"{now}; none of {could.asked} is shown by any number of seeds or rows: too much is"
            " unknown of where the best learning rates lie, of which more trials tell."
        )
    rows = "as many" if could.rows == answer.test_rows else f"about {could.rows:,}"
    return (
        f"{now}; one of {could.asked} would take about {could.seeds} seeds of each configuration"
        f" (confirm.seeds) on {rows} test rows."
    )


def _best(answer: ConfirmedAnswer) -> list[str]:
    first = answer.standings[0]
    label = "Best by tuning" if answer.has_best else "First of those that completed"
    scores = [text for each in (first.score, first.execution) if (text := _scored(each))]
    said = [f"{label}: {first.name}" + (f", with {' and '.join(scores)}." if scores else ".")]
    sign = 1.0 if answer.rises_to_better else -1.0
    ahead = [
        (sign * each.difference[0], each)
        for each in answer.standings
        if each.difference is not None and sign * each.difference[0] > 0
    ]
    if ahead:
        _, other = max(ahead, key=lambda pair: pair[0])
        assert other.difference is not None
        value, (low, high) = other.difference
        verdict = "and is better" if low > 0 or high < 0 else "which may be luck"
        said.append(
            f"Confirmed higher is {other.name}, {verdict}: {signed(value)}"
            f" (simultaneous 95 % interval {signed(low)} to {signed(high)})."
        )
    return said


def _scored(score: Score | None) -> str | None:
    if score is None or math.isnan(score.value):
        return None
    text = f"{score.metric} {score.value:.3f}"
    if score.interval is None:
        return f"{text} (one seed: another may reverse it)"
    low, high = score.interval
    return f"{text} (95 % interval {low:.3f} to {high:.3f} over seeds and rows)"
