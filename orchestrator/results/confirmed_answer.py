"""The answer of a sweep that has confirmed what it chose: one object, and its words.

It speaks of these configurations, under seeds and on rows like those that they were confirmed with:
what tuning may have missed is not in it.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestrator.results.configurations import parameters, telling
from orchestrator.results.confirmed import (
    ConfirmedConfiguration,
    ConfirmedSweep,
    scores_of,
)
from orchestrator.results.selection import is_score
from orchestrator.state.confirmation_log import Confirmation
from orchestrator.statistics.asked import Answered, Settings, against_best, answer_asked
from orchestrator.statistics.contrasts import Interval, contrast, score_interval
from orchestrator.statistics.run_scores import Array, RunScores
from orchestrator.store import reader
from orchestrator.store.rows import Row
from orchestrator.terminal.values import brief, configuration, with_interval
from trainables.contract.scores import METRICS

if TYPE_CHECKING:
    from rich.console import RenderableType

EXECUTION = "execution_accuracy"


@dataclass(frozen=True)
class Score:
    """A configuration's score, the mean over its runs and the test rows.

    Attributes:
        metric: Of what.
        value: The mean; the middle of what it may be where predictions could not be judged.
        interval: At 95 %, over seeds and rows; None where one run alone completed.
        rows: That it was measured on.
    """

    metric: str
    value: float
    interval: Interval | None
    rows: int


@dataclass(frozen=True)
class Standing:
    """A confirmed configuration.

    Attributes:
        name: The configuration in the parameters that tell most of it.
        configuration: Technique, data size and parameters.
        reason: Why it was chosen.
        runs: Ids of the runs that completed.
        score: By the sweep's objective, or none where that is not measured row by row.
        execution: Its execution accuracy, where that is another one and was measured.
        difference: Its score less that of the best by tuning, and the interval of that,
            simultaneous with those of the other configurations; None for the best itself.
    """

    name: str
    configuration: Mapping[str, Any]
    reason: str
    runs: tuple[str, ...]
    score: Score | None
    execution: Score | None
    difference: tuple[float, Interval] | None


@dataclass(frozen=True)
class ConfirmedAnswer:
    """What the confirming runs say.

    Attributes:
        metric: The sweep's objective.
        rises_to_better: Whether more of it is better.
        ask: What the sweep asks about.
        seeds: Under how many seeds configurations were confirmed.
        test_rows: On how many rows.
        tried: Runs of the search that were chosen from.
        settings: How many settings of the rest were tried in a combination of what is asked, the
            fewest and the most; None where nothing is asked.
        not_at_their_best: Why what is said is of the configurations alone, and not of the values,
            each at the learning rate that suits it best; None where it is of the values.
        asked: By parameter, its contrasts; empty where they are not known.
        standings: The configurations, the best by tuning first.
        remarks: Whole sentences on what is missing or to be minded.
    """

    metric: str
    rises_to_better: bool
    ask: tuple[str, ...]
    seeds: int
    test_rows: int
    tried: int
    settings: tuple[int, int] | None
    not_at_their_best: str | None
    asked: Mapping[str, Sequence[Answered]]
    standings: tuple[Standing, ...]
    remarks: tuple[str, ...]


def confirmed_answer(
    root: Path, confirmed: ConfirmedSweep, rows: Sequence[Row]
) -> ConfirmedAnswer | None:
    """Returns the answer; None while no confirming run has completed.

    Args:
        root: Folder of the store.
        confirmed: What was confirmed; from `confirmed_sweep`.
        rows: The sweep's final rows.
    """
    configurations, record = confirmed.configurations, confirmed.record
    if not configurations:
        return None
    first = configurations[0].rows[0]
    metric = str(first["objective_metric"])
    scores = scores_of(root, configurations, metric) if is_score(metric) else None
    executed = None
    if metric != EXECUTION:
        executed = scores_of(root, configurations, EXECUTION)
    asked: Mapping[str, Sequence[Answered]] = {}
    if scores is not None:
        settings = [_settings(record.terms.ask, each) for each in configurations]
        missing, degrees = _missing(record, configurations)
        asked = answer_asked(
            scores, settings, record.terms.ask, 0, missing=missing, missing_degrees=degrees
        )
    return ConfirmedAnswer(
        metric,
        first["objective_mode"] == "max",
        record.terms.ask,
        record.terms.seeds,
        0 if scores is None else scores.rows,
        record.terms.tried,
        _settings_tried(rows),
        record.optima if isinstance(record.optima, str) else None,
        asked,
        _standings(configurations, metric, scores, executed),
        tuple(_remarks(root, confirmed, rows, metric, scores)),
    )


def _missing(
    record: Confirmation, configurations: Sequence[ConfirmedConfiguration]
) -> tuple[Array | None, float]:
    """Returns what is unknown of the configurations as optima, with its degrees of freedom."""
    if isinstance(record.optima, str):
        return None, math.inf
    order = [record.confirmed.index(each.confirmed) for each in configurations]
    return np.array(record.optima.missing)[np.ix_(order, order)], record.optima.degrees


def as_data(answer: ConfirmedAnswer) -> dict[str, Any]:
    """Returns the answer for programs; a contrast's weights are in the order of the standings."""
    data = dataclasses.asdict(answer)
    for contrasts in data["asked"].values():
        for each in contrasts:
            each["asked"]["weights"] = [round(float(w), 12) for w in each["asked"]["weights"]]
    return data


def view(answer: ConfirmedAnswer) -> RenderableType:
    """Returns the table of what was confirmed, the best by tuning first."""
    from orchestrator.terminal.output import table

    shown = [score for each in answer.standings if (score := each.execution) is not None]
    headers = ["configuration", "chosen as", "seeds", f"test {answer.metric}", "less the best"]
    headers += [f"test {EXECUTION}"] if shown else []
    lines = []
    for each in answer.standings:
        cells = [
            each.name,
            each.reason,
            str(len(each.runs)),
            _cell(each.score),
            "-"
            if each.difference is None
            else f"{each.difference[0]:+.4f} [{each.difference[1][0]:+.3f},"
            f" {each.difference[1][1]:+.3f}]",
        ]
        lines.append(cells + ([_cell(each.execution)] if shown else []))
    return table(headers, lines, {"seeds"})


def _cell(score: Score | None) -> str:
    if score is None or math.isnan(score.value):
        return "-"
    return with_interval(score.value, *(score.interval or (None, None)))


def _settings_tried(rows: Sequence[Row]) -> tuple[int, int] | None:
    """Returns the fewest and the most configurations that were tuned in a stratum."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["phase"] == "tune" and row["stratum"] is not None:
            found.setdefault(row["stratum"], set()).add(row["configuration_id"])
    counts = [len(each) for each in found.values()]
    return (min(counts), max(counts)) if counts else None


def _settings(ask: Sequence[str], each: ConfirmedConfiguration) -> Settings:
    """Returns what a configuration has of what is asked about, as its final row says it."""
    row = each.rows[0]
    values = {name: row[name] if name in row else _parameter(row, name) for name in ask}
    return {name: value for name, value in values.items() if value is not None}


def _parameter(row: Row, name: str) -> Any:
    return parameters(row).get(name)


def _standings(
    configurations: Sequence[ConfirmedConfiguration],
    metric: str,
    scores: RunScores | None,
    executed: RunScores | None,
) -> tuple[Standing, ...]:
    differences: dict[int, tuple[float, Interval]] = {}
    if scores is not None:
        differences = {
            index: (found.value, interval) for index, found, interval in against_best(scores, 0)
        }
    return tuple(
        Standing(
            telling(each.rows[0]),
            each.confirmed.choice.configuration,
            each.confirmed.choice.reason,
            tuple(str(row["trial_id"]) for row in each.rows),
            None if scores is None else _score(metric, scores, index),
            None if executed is None else _score(EXECUTION, executed, index),
            differences.get(index),
        )
        for index, each in enumerate(configurations)
    )


def _score(metric: str, scores: RunScores, index: int) -> Score:
    own = scores.runs[index]
    known = own[~np.isnan(own)]
    found = contrast(scores, np.eye(len(scores.runs))[index])
    value = found.value if found is not None else float(known.mean()) if known.size else math.nan
    return Score(
        metric, value, score_interval(scores, index, binary=METRICS[metric].binary), scores.rows
    )


def _remarks(
    root: Path,
    confirmed: ConfirmedSweep,
    rows: Sequence[Row],
    metric: str,
    scores: RunScores | None,
) -> list[str]:
    said = []
    if confirmed.running:
        said.append(f"{confirmed.running} confirming runs have not ended yet.")
    for each in confirmed.without:
        name = configuration(each.choice.configuration)
        said.append(f"No confirming run of {name} has completed.")
    if not is_score(metric):
        said.append(
            f"{metric} is not measured row by row, so that differences in it have no interval; a"
            " sweep whose objective is a score has."
        )
    elif scores is None:
        said.append(f"{metric} could not be measured on two test rows that all runs share.")
    elif max(confirmed.seeds) < 2:
        said.append(
            "No configuration has completed under two seeds, so that what another seed would"
            " change is not known, and nothing is claimed."
        )
    if scores is not None and scores.unjudged:
        said.append(
            f"{scores.unjudged:,} predictions could not be judged; intervals hold with them right"
            " and wrong."
        )
    names = {each.confirmed.choice.tuned for each in confirmed.configurations}
    if (text := _constant_text(root, confirmed)) is not None:
        said.append(f"The best writes one and the same text for every test row: {text!r}.")
    failed = Counter(
        str(row["outcome"])
        for row in rows
        if row["outcome"] not in ("completed", "stopped") and row["trial_id"] not in names
    )
    if failed:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(failed.items()))
        said.append(f"Of {len(rows)} trials some gave no result: {counts}.")
    return said


def _constant_text(root: Path, confirmed: ConfirmedSweep) -> str | None:
    """Returns the one text that the best model wrote for every test row, if it did."""
    row = confirmed.configurations[0].rows[0]
    predicted = reader.predictions(root, row["sweep_id"], trial_ids=[row["trial_id"]])
    texts = {
        text
        for split, text in zip(
            predicted["split"].to_pylist(), predicted["prediction"].to_pylist(), strict=True
        )
        if split == "test"
    }
    return next(iter(texts)) if len(texts) == 1 and predicted.num_rows > 1 else None


def words(answer: ConfirmedAnswer) -> list[str]:
    """Returns the answer as lines for a person."""
    said = [_basis(answer)]
    for name in answer.ask:
        said += [_contrast(answer, name, each) for each in answer.asked.get(name, ())]
        if name not in answer.asked:
            said.append(f"{name}: not known from what was confirmed.")
    said += _best(answer)
    if answer.settings is not None and answer.not_at_their_best is None:
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
    return [*said, *answer.remarks]


def asked_words(answer: ConfirmedAnswer, parameter: str) -> list[str]:
    """Returns what was confirmed of one parameter, a sentence a contrast; none where not asked."""
    return [_contrast(answer, parameter, each) for each in answer.asked.get(parameter, ())]


def _basis(answer: ConfirmedAnswer) -> str:
    count = len(answer.standings)
    which = "configuration was" if count == 1 else "configurations were"
    chosen = f"the best of each {' and '.join(answer.ask)}" if answer.ask else "the best"
    return (
        f"From {answer.tried} trials {count} {which} chosen, {chosen}, and trained again under"
        f" {answer.seeds} new seeds each; scores are on {answer.test_rows:,} test rows, which"
        " nothing was chosen on."
    )


def _contrast(answer: ConfirmedAnswer, name: str, each: Answered) -> str:
    value, (low, high) = each.found.value, each.interval
    level = f"{100 * each.level:.4g} % interval {low:+.3f} to {high:+.3f}"
    numeric = not isinstance(each.asked.value, str | bool)
    if not each.differs:
        where = (
            f"from {brief(each.asked.against)} to {brief(each.asked.value)}"
            if numeric
            else f"between {brief(each.asked.against)} and {brief(each.asked.value)}"
        )
        return (
            f"{name}: no difference in {answer.metric} is shown {where} ({value:+.3f}, {level}):"
            f" one of more than {max(abs(low), abs(high)):.3f} is unlikely."
        )
    if numeric:
        moves = "rises" if value > 0 else "falls"
        span = f"from {brief(each.asked.against)} to {brief(each.asked.value)}"
        return f"{name}: {answer.metric} {moves} by {abs(value):.3f} {span} ({level})."
    side = "above" if value > 0 else "below"
    return (
        f"{name}: {brief(each.asked.value)} is {abs(value):.3f} {side}"
        f" {brief(each.asked.against)} in {answer.metric} ({level})."
    )


def _best(answer: ConfirmedAnswer) -> list[str]:
    first = answer.standings[0]
    name = first.name
    label = "Best by tuning" if first.reason == "best" else "First of those that completed"
    scores = [text for each in (first.score, first.execution) if (text := _scored(each))]
    said = [f"{label}: {name}" + (f", with {' and '.join(scores)}." if scores else ".")]
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
            f"Confirmed higher is {other.name}, {verdict}: {value:+.3f}"
            f" (simultaneous 95 % interval {low:+.3f} to {high:+.3f})."
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
