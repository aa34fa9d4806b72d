"""The study's figures beside ours, in the report of a sweep of its runs."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.results.notebooks import beside_study
from orchestrator.results.report.parts import Listing, Section, Table
from orchestrator.store.place import Root
from orchestrator.store.rows import Row


def study_section(root: Root, sweep_id: str, rows: Sequence[Row]) -> Section:
    """Returns the study's table beside ours; without parts where its runs are not the study's.

    Args:
        root: Of the store.
        sweep_id: The sweep.
        rows: Its final rows.

    Raises:
        StoreError: The store cannot be read.
    """
    title = "Beside the study"
    found = beside_study(root, sweep_id, rows)
    if found is None:
        return Section(title, [])
    table = Table(title, found.headers, found.lines, set(found.headers[2:]))
    return Section(title, [table, Listing(found.remarks)])
