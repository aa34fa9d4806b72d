"""The answer of a sweep that has confirmed what it chose, as one object.

It speaks of seeds and rows like those that the configurations were confirmed with: of these
configurations, or where tuning has found the optimum of each combination, of the values themselves.
Its words are in `orchestrator.results.confirmed_words`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from orchestrator.results.basis import Basis, curves_of
from orchestrator.results.configurations import parameters, telling
from orchestrator.results.confirmed import (
    ConfirmedConfiguration,
    ConfirmedSweep,
    confirmed_sweep,
    scores_of,
    test_predictions,
)
from orchestrator.results.missing_files import absent_from, missing_files, was_measured
from orchestrator.results.selection import final_rows, is_score
from orchestrator.state.confirmation_log import Confirmation
from orchestrator.statistics.asked import Answered, MissedOptima, Settings, against_best
from orchestrator.statistics.contrasts import Interval, contrast, score_interval
from orchestrator.statistics.detectable import Detectable
from orchestrator.statistics.rate_curves import NoCurves, RateCurves
from orchestrator.statistics.run_scores import RunScores
from orchestrator.store.arrays import having
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.store.schema import PREDICTIONS
from orchestrator.terminal.values import configuration
from trainables.contract.scores import METRICS

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
        around: Decades from each of them at which its combination was trained, too.
        test_rows: On how many rows.
        tried: Runs of the search that were chosen from.
        settings: How many settings of the rest were tried in a combination of what is asked, the
            fewest and the most; None where nothing is asked.
        not_at_their_best: Why what is said is of the configurations alone, and not of the values,
            each at the learning rate that suits it best; None where it is of the values.
        best_rates: Where the best rate of each configuration's combination is thought to lie, if
            runs at rates around it tell; in the order of `standings`.
        asked: By parameter, its contrasts; empty where they are not known.
        has_best: Whether a run of what tuning found best has completed; it is then the first.
        detectable: By parameter of which no difference is shown: what these runs can show, and
            what a difference of `basis.WORTH` would take. An estimate.
        standings: The configurations, in the order in which they were chosen.
        remarks: Whole sentences on what is missing or to be minded.
    """

    metric: str
    rises_to_better: bool
    ask: tuple[str, ...]
    seeds: int
    around: tuple[float, ...]
    test_rows: int
    tried: int
    settings: tuple[int, int] | None
    not_at_their_best: str | None
    best_rates: tuple[float, ...] | None
    asked: Mapping[str, Sequence[Answered]]
    detectable: Mapping[str, Detectable]
    has_best: bool
    standings: tuple[Standing, ...]
    remarks: tuple[str, ...]


def confirmed_answer_of(
    root: Root, sweep_id: str, rows: Sequence[Row] | None = None
) -> ConfirmedAnswer | None:
    """Returns what a sweep's confirming runs say; None while none has completed.

    Args:
        root: Of the store, or of a compacted copy.
        sweep_id: The sweep.
        rows: Its final rows; None reads them.

    Raises:
        ResultsError: No trial has ended.
        StoreError: The store cannot be read.
    """
    rows = final_rows(root, [sweep_id]) if rows is None else rows
    confirmed = confirmed_sweep(root, sweep_id, rows)
    return None if confirmed is None else confirmed_answer(root, confirmed, rows)


def confirmed_answer(
    root: Root, confirmed: ConfirmedSweep, rows: Sequence[Row]
) -> ConfirmedAnswer | None:
    """Returns the answer; None while no confirming run has completed.

    Args:
        root: Of the store.
        confirmed: What was confirmed; from `confirmed_sweep`.
        rows: The sweep's final rows.
    """
    configurations, record = confirmed.configurations, confirmed.record
    if not configurations:
        return None
    first = configurations[0].rows[0]
    metric = str(first["objective_metric"])
    rises = first["objective_mode"] == "max"
    everything = (*configurations, *confirmed.beside)
    predicted = test_predictions(root, everything)
    all_scores = scores_of(predicted, everything, metric) if is_score(metric) else None
    scores = None if all_scores is None else all_scores.first(len(configurations))
    executed = None if metric == EXECUTION else scores_of(predicted, configurations, EXECUTION)
    asked: Mapping[str, Sequence[Answered]] = {}
    could: dict[str, Detectable] = {}
    curves: RateCurves | NoCurves | None = None
    if all_scores is not None and scores is not None:
        settings = [_settings(record.terms.ask, each) for each in configurations]
        curves = curves_of(confirmed, all_scores, rises_to_better=rises)
        basis = (
            Basis(all_scores, curves)
            if isinstance(curves, RateCurves)
            else Basis(scores, _missed(record, configurations))
        )
        asked = basis.answered(settings, record.terms.ask)
        could = basis.detectable(asked)
    return ConfirmedAnswer(
        metric,
        rises,
        record.terms.ask,
        record.terms.seeds,
        record.terms.around,
        0 if scores is None else scores.rows,
        record.terms.tried,
        _settings_tried(rows),
        _not_at_their_best(record, curves),
        curves.rates if isinstance(curves, RateCurves) else None,
        asked,
        could,
        confirmed.best is not None,
        _standings(configurations, metric, scores, executed),
        tuple(_remarks(root, predicted, confirmed, rows, metric, scores)),
    )


def _not_at_their_best(record: Confirmation, curves: RateCurves | NoCurves | None) -> str | None:
    """Returns why the answer is not about each value at its best rate; None where it is."""
    match curves:
        case RateCurves():
            return None
        case NoCurves(reason):
            return reason
        case None:
            return record.optima if isinstance(record.optima, str) else None


def _missed(
    record: Confirmation, configurations: Sequence[ConfirmedConfiguration]
) -> MissedOptima | None:
    """Returns how far configurations may lie below their optima, where that is known."""
    if isinstance(record.optima, str):
        return None
    order = [record.confirmed.index(each.confirmed) for each in configurations]
    moments = np.array(record.optima.missing)[np.ix_(order, order)]
    return MissedOptima(moments, record.optima.degrees)


def _settings_tried(rows: Sequence[Row]) -> tuple[int, int] | None:
    """Returns the fewest and the most configurations that were tuned in a stratum."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["phase"] == "tune" and row["stratum"] is not None:
            found.setdefault(row["stratum"], set()).add(row["configuration_id"])
    counts = [len(each) for each in found.values()]
    return (min(counts), max(counts)) if counts else None


def _settings(ask: Sequence[str], each: ConfirmedConfiguration) -> Settings:
    """Returns a configuration's values of the asked parameters, from its final row."""
    own = parameters(each.rows[0])
    return {name: own[name] for name in ask if own.get(name) is not None}


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
    root: Root,
    predicted: pa.Table,
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
    elif scores is None and (lost := _lost(predicted, confirmed, metric)):
        said.append(missing_files(root, PREDICTIONS, lost, "the predictions on test rows"))
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
    if (text := _constant_text(predicted, confirmed)) is not None:
        said.append(f"The best writes one and the same text for every test row: {text!r}.")
    failed = Counter(
        str(row["outcome"]) for row in rows if row["outcome"] not in ("completed", "stopped")
    )
    if failed:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(failed.items()))
        said.append(f"Of {len(rows)} trials some gave no result: {counts}.")
    return said


def _lost(predicted: pa.Table, confirmed: ConfirmedSweep, metric: str) -> list[Row]:
    """Returns the confirming runs that have a score, but whose predictions are not there."""
    runs = [row for each in (*confirmed.configurations, *confirmed.beside) for row in each.rows]
    return [row for row in absent_from(predicted, runs) if was_measured(row, f"test_{metric}")]


def _constant_text(predicted: pa.Table, confirmed: ConfirmedSweep) -> str | None:
    """Returns the one text that the first model wrote for every test row, if it did."""
    own = having(predicted, "trial_id", [confirmed.configurations[0].rows[0]["trial_id"]])
    texts = set(own["prediction"].to_pylist())
    return texts.pop() if len(texts) == 1 and own.num_rows > 1 else None
