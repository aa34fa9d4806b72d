"""Rows with their scores, kept for the evaluations that follow: many texts come again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

Scored = Mapping[str, Any]


class ScoredRows:
    """The scores of the texts that came last; a model that learns writes most of them again.

    Args:
        most: How many are kept; the one unused for longest goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: OrderedDict[tuple[int, str], Scored] = OrderedDict()

    def find(self, row: int, prediction: str) -> Scored | None:
        """Returns what was kept of a row's prediction, if anything."""
        if (row, prediction) in self._rows:
            self._rows.move_to_end((row, prediction))
        return self._rows.get((row, prediction))

    def keep(self, row: int, prediction: str, scored: Scored) -> None:
        """Keeps a row's prediction with its scores."""
        self._rows[row, prediction] = scored
        if len(self._rows) > self._most:
            self._rows.popitem(last=False)
