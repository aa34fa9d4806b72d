"""The report of a sweep, put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.results.answer import answered
from orchestrator.results.errors import ResultsError
from orchestrator.results.find_trial import BEST, pick
from orchestrator.results.profile_words import profile_words
from orchestrator.results.report.answer_sections import (
    answer_section,
    confirmed_section,
    unknown_section,
)
from orchestrator.results.report.model_sections import predictions_section, scoring_section
from orchestrator.results.report.parts import Paragraph, Report, Section
from orchestrator.results.report.provenance import provenance_section
from orchestrator.results.report.search_sections import (
    cost_section,
    failures_section,
    search_section,
)
from orchestrator.results.report.study_section import study_section
from orchestrator.results.selection import latest_tries
from orchestrator.results.spent import spent
from orchestrator.results.start import is_left_unfinished, start_of
from orchestrator.results.sweeps import overview
from orchestrator.store import OUTCOMES, index, reader
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.terminal.values import counted
from trainables.contract.scores import METRICS

_OF_REPORTS = ("trial_id", "rung_examples", "train_seconds", "eval_seconds", *METRICS)


def report(root: Root, sweep_id: str) -> Report:
    """Returns the report of a sweep, which may have ended or not.

    Args:
        root: Of the store, or of a compacted copy.
        sweep_id: The sweep.

    Raises:
        StoreError: The store cannot be read.
    """
    (standing,) = overview(root, [sweep_id]).data
    assert isinstance(standing, dict)
    trials = index.trials(root, sweep_id)
    reports = index.reports(root, sweep_id, columns=_OF_REPORTS)
    rows: list[Row] = latest_tries(trials).to_pylist()
    start = start_of(root, sweep_id)
    is_open = bool(standing["running"]) or is_left_unfinished(root, sweep_id, start)
    cost = cost_section(spent(trials, reports), standing["device_seconds"], rows)
    if not rows:
        said = "There is no answer yet: no trial has ended."
        sections = [Section("Answer", [Paragraph(said)]), cost]
        sections.append(provenance_section(root, sweep_id, rows, start))
        return _report(standing, rows, sections, is_open)
    stated, text = answered(root, sweep_id)
    metric = str(rows[0]["objective_metric"])
    sections = [
        answer_section(stated, text),
        study_section(root, sweep_id, rows),
        confirmed_section(stated),
        search_section(root, sweep_id, rows, reports.to_pylist(), metric),
        failures_section(rows),
        cost,
        *_of_the_best(root, sweep_id, rows),
        unknown_section(stated, rows),
        provenance_section(root, sweep_id, rows, start),
    ]
    return _report(standing, rows, sections, is_open)


def _of_the_best(root: Root, sweep_id: str, rows: Sequence[Row]) -> list[Section]:
    """Returns the sections of the best model; none where no trial completed."""
    try:
        best = pick(root, rows, BEST)
    except ResultsError:
        return []
    predictions = reader.predictions(root, sweep_id, trial_ids=[best["trial_id"]]).to_pylist()
    return [predictions_section(best, predictions), scoring_section(best, predictions)]


def _report(
    standing: dict[str, Any], rows: list[Row], sections: list[Section], is_open: bool
) -> Report:
    return Report(
        standing["sweep_id"],
        standing["question"] or standing["name"],
        _setting(standing, rows, is_open),
        [section for section in sections if section.parts],
    )


def _setting(standing: dict[str, Any], rows: list[Row], is_open: bool) -> str:
    """Returns what was trained on what, and how far the sweep is, in a sentence or two."""
    ends = [f"{standing[outcome]:,} {outcome}" for outcome in OUTCOMES if standing[outcome]]
    if standing["running"]:
        ends.append(f"{standing['running']:,} not ended yet")
    count = counted(standing["trials"] + standing["running"], "trial")
    said = f"{'So far ' if is_open else ''}{count}: {', '.join(ends) or 'none ended'}."
    said += " The sweep is not finished." if is_open else ""
    if not rows:
        return said
    first = rows[0]
    profile = profile_words(first["profile"], first["base_model"], first["dataset"])
    return (
        f"Base model {first['base_model']}, data set {first['dataset']}, profile {profile}. {said}"
    )
