"""On how many rows a score was measured, and the interval of a score on those."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.results.selection import is_score
from orchestrator.results.statistics import Interval, score_interval
from orchestrator.store.rows import Row
from orchestrator.store.schema import SCORE_COLUMNS


def measured_rows(row: Row, metric: str, prefix: str = "") -> int | None:
    """Returns the rows that a score is the mean of; of a loss, all that were evaluated.

    Files of the first version of the schema do not say; there all evaluated rows are taken.

    Args:
        row: Of the table `trials`.
        metric: The score or loss.
        prefix: "" for validation rows, "test_" for test rows.
    """
    counted: int | None = row.get(f"{prefix}{metric}_rows")
    if counted is not None:
        return counted
    evaluated: int | None = row["test_rows" if prefix else "eval_rows"]
    return evaluated


def interval_of(row: Row, metric: str, prefix: str = "") -> Interval | None:
    """Returns the interval of a score over the rows that it was measured on; arguments as above."""
    if not is_score(metric):
        return None
    name = f"{prefix}{metric}"
    return score_interval(
        metric,
        row[name],
        row[f"{name}_se"],
        measured_rows(row, metric, prefix),
        row.get("test_schemas" if prefix else "eval_schemas"),
    )


def partly_measured(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns a sentence for each score that some trial's validation rows do not all have.

    Args:
        rows: With `eval_rows` and each score's `_rows` and `_unjudged`.
    """
    said = []
    for metric in SCORE_COLUMNS:
        counts = {
            (row[f"{metric}_rows"], row["eval_rows"])
            for row in rows
            if row[f"{metric}_rows"] is not None and row["eval_rows"]
        }
        partly = sorted(count for count in counts if count[0] < count[1])
        if not partly:
            continue
        least, most = partly[0], partly[-1]
        over = f"{least[0]:,}" if least == most else f"{least[0]:,} to {most[0]:,}"
        text = f"{metric} is over {over} of {most[1]:,} validation rows: "
        unjudged = max((row[f"{metric}_unjudged"] or 0) for row in rows)
        if unjudged == max(evaluated - measured for measured, evaluated in partly):
            text += "what was predicted for the others could not be judged"
        else:
            text += "the others cannot be measured"
            if unjudged:
                text += f", or up to {unjudged:,} of them not for what was predicted"
        said.append(f"{text}.")
    return said


def mixed_scoring(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns a warning if trials were scored by different versions of the scoring or of SQLite.

    Args:
        rows: With `scoring_version` and `sqlite_version`, None in the first version of the schema.
    """
    ways = sorted({(row["scoring_version"] or 1, row["sqlite_version"] or "?") for row in rows})
    if len(ways) < 2:
        return []
    named = " and ".join(f"{version} with SQLite {sqlite}" for version, sqlite in ways)
    return [f"Scored by different versions, so that scores may not compare: {named}."]
