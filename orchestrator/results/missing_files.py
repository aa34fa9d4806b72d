"""What a store lacks that its final rows tell of, and how to have it again.

A store that was copied without a folder has scores whose reports, or predictions, are elsewhere:
these trials were measured all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from orchestrator.store.place import Root
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.store.schema import Table

_MOST_NAMED = 3


def was_measured(row: Row, column: str) -> bool:
    """Returns whether a trial's final row has a value; True where it was not asked for."""
    return column not in row or finite_or_none(row[column]) is not None


def absent_from(content: pa.Table, rows: Sequence[Row]) -> list[Row]:
    """Returns the trials of which a table has no row."""
    names = (content[name].to_pylist() for name in ("sweep_id", "trial_id"))
    there = set(zip(*names, strict=True))
    return [row for row in rows if (row["sweep_id"], row["trial_id"]) not in there]


def missing_files(root: Root, table: Table, rows: Sequence[Row], what: str) -> str:
    """Returns a sentence that says which files are missing, and how to have them again.

    Args:
        root: Of the store.
        table: Whose files.
        rows: Final rows of the trials; at least one.
        what: What is missing of them, e.g. "reports with a rouge_l".
    """
    names = [row["trial_id"] for row in rows]
    shown = ", ".join(names[:_MOST_NAMED])
    if len(names) > _MOST_NAMED:
        shown += f" and {len(names) - _MOST_NAMED} more"
    folders = " and ".join(
        f"{table.name}/sweep={name}" for name in dict.fromkeys(row["sweep_id"] for row in rows)
    )
    return (
        f"{root} lacks {what} of {shown}, whose scores it has: copy {folders} from the store that"
        " it was made of (`results export` copies all of it), or train these trials anew"
        " (`sweep --fresh`)."
    )
