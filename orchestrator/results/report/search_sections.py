"""What was tried, what failed, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.results.configurations import Configurations
from orchestrator.results.ends import failures
from orchestrator.results.errors import ResultsError
from orchestrator.results.leaderboard import Ranking, board
from orchestrator.results.measured import partly_measured
from orchestrator.results.report.cost_figure import cost_figure
from orchestrator.results.report.learning_curves import curves_figure
from orchestrator.results.report.parallel_coordinates import configurations_figure
from orchestrator.results.report.parts import Figure, Listing, Paragraph, Part, Section, Table
from orchestrator.results.report.step_curves import step_figures
from orchestrator.results.spent import Saved, Spent, saved
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.store.schema import CONFIRM
from orchestrator.terminal.values import duration
from trainables.techniques.registry import is_untuned

_LINES = 10
"""Of the leaderboard and of failures; the store has all."""

_LEFT_OUT = frozenset(["bleu", "trainable", "examples", "time", "device"])
"""Columns of the leaderboard for which a page has no room."""


def search_section(
    root: Root, sweep_id: str, rows: Sequence[Row], reports: Sequence[Row], metric: str
) -> Section:
    """Returns ranking, learning curves and configurations of what was tried.

    Args:
        root: Of the store.
        sweep_id: The sweep.
        rows: Its final rows.
        reports: Its reports, by trial and rung.
        metric: Its objective.
    """
    parts: list[Part] = []
    try:
        ranking = Ranking(root, [sweep_id], None, ())
    except ResultsError as error:  # nothing is left to rank, or it does not compare
        parts.append(Paragraph(str(error)))
    else:
        entries = ranking.entries(_LINES)
        headers, lines = board(entries)
        kept = [place for place, header in enumerate(headers) if header not in _LEFT_OUT]
        parts.append(
            Table(
                "Ranking, on validation rows",
                [headers[place] for place in kept],
                [[line[place] for place in kept] for line in lines],
                {"", *headers[3:-1]},
            )
        )
        more = ranking.count - len(lines)
        notes = [f"and {more:,} more {ranking.of}"] if more > 0 else []
        notes += [*partly_measured(entries), *ranking.warnings]
        parts += [Listing(notes)] if notes else []
    untuned = {row["trial_id"] for row in rows if is_untuned(row)}
    names = Configurations(rows)
    figures = (
        curves_figure(
            [row for row in reports if row["trial_id"] not in untuned],
            {row["trial_id"]: row for row in rows},
            {row["trial_id"]: names.describe(row) for row in rows},
            metric,
        ),
        configurations_figure(
            [row for row in rows if row["phase"] != CONFIRM and not is_untuned(row)], metric
        ),
    )
    drawn: list[Figure] = [each for each in figures if each is not None]
    trained = [row for row in rows if row["trial_id"] not in untuned]
    described = {row["trial_id"]: names.describe(row) for row in trained}
    # Behind the learning curves, of which they are the parts between two rungs.
    drawn[1:1] = step_figures(root, sweep_id, trained, described)
    return Section("What was tried", [*parts, *drawn])


def failures_section(rows: Sequence[Row]) -> Section:
    """Returns how trials ended that gave no result; without parts where all gave one."""
    found = failures(rows)
    lines = [
        [each.outcome, f"{len(each.trials):,}", each.error, each.trials[0]]
        for each in found[:_LINES]
    ]
    headers = ["outcome", "trials", "last line of the error", "for example"]
    title = "What gave no result"
    return Section(title, [Table(title, headers, lines, {"trials"})] if lines else [])


def cost_section(spent: Sequence[Spent], device_seconds: float, rows: Sequence[Row]) -> Section:
    """Returns what the sweep took, and what early stopping saved of it.

    Args:
        spent: By phase.
        device_seconds: In all, as `results sweeps` has it.
        rows: Its final rows.
    """
    if not spent:
        return Section("What it cost", [])
    left = saved(rows)
    said = [f"In all {duration(device_seconds)} of device time, training and evaluation."]
    if left is not None:
        said.append(_saved_words(left))
    parts: list[Part] = [Paragraph(" ".join(said))]
    parts += [cost_figure(spent, left)] if device_seconds else []
    return Section("What it cost", parts)


def _saved_words(left: Saved) -> str:
    share = left.examples / (left.examples + left.trained)
    return (
        f"Early stopping ended {left.stopped:,} trials and left {100 * share:.0f} % of their"
        f" examples untrained: {duration(left.seconds)} of training, at the pace that each had"
        " until then."
    )
