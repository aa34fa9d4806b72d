"""The answer, what was confirmed for it, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.results.confirmed_answer import ConfirmedAnswer
from orchestrator.results.confirmed_words import (
    basis_words,
    found_words,
    standings,
    unknown_words,
)
from orchestrator.results.report.confirmed_figures import (
    difference_figure,
    score_figures,
    surface_figure,
)
from orchestrator.results.report.parts import Listing, Paragraph, Part, Section, Table
from orchestrator.store.rows import Row

_ONLY_SEARCHED = (
    "Nothing was confirmed: scores are on the validation rows by which these configurations were"
    " chosen, and what is said of parameters describes what the search left. `ask` and `confirm`"
    " in the search space test it."
)
_ONLY_POINTS = (
    "Nothing was confirmed: these are fixed configurations, the best of which was chosen on"
    " validation rows, and what is said of parameters describes them. Under how many seeds each"
    " runs is `replicates` in the search space; under one, luck of the seed is not told from merit."
)


def answer_section(stated: ConfirmedAnswer | None, text: str) -> Section:
    """Returns what the sweep answers.

    Args:
        stated: What the confirming runs say; None while none has completed.
        text: The answer in words; from `orchestrator.results.answer.answered`.
    """
    if stated is None:
        return Section("Answer", [Listing(text.splitlines(), leads=True)])
    return Section("Answer", [Listing(found_words(stated), leads=True), _basis(stated)])


def confirmed_section(stated: ConfirmedAnswer | None) -> Section:
    """Returns what was confirmed, drawn; without parts where nothing was."""
    title = "What was confirmed"
    if stated is None:
        return Section(title, [])
    figures = [*score_figures(stated), difference_figure(stated), surface_figure(stated)]
    drawn: list[Part] = [figure for figure in figures if figure is not None]
    if not drawn:
        headers, lines = standings(stated)
        drawn = [Table(title, headers, lines, set(headers[2:]))]
    return Section(title, drawn)


def unknown_section(stated: ConfirmedAnswer | None, rows: Sequence[Row]) -> Section:
    """Returns what is not known; without parts where nothing is.

    Args:
        stated: What the confirming runs say; None while none has completed.
        rows: The sweep's final rows.
    """
    if stated is not None:
        said = unknown_words(stated)
    else:
        is_searched = any(row["phase"] in (None, "tune") for row in rows)
        said = [_ONLY_SEARCHED if is_searched else _ONLY_POINTS]
        said = said if any(row["outcome"] == "completed" for row in rows) else []
    return Section("What is not known", [Listing(said)] if said else [])


def _basis(stated: ConfirmedAnswer) -> Paragraph:
    return Paragraph(basis_words(stated))
