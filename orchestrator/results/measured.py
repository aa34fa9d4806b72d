"""On how many rows a score was measured, its interval on those, and which scores compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.results.selection import is_score
from orchestrator.results.statistics import Interval, score_interval
from orchestrator.store.rows import Row
from orchestrator.store.schema import SCORE_COLUMNS
from trainables.contract.scores import METRICS


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
    """Returns a score's interval over its measured rows; arguments as of `measured_rows`."""
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


def reasons(predictions: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Returns how often each reason stands for an execution accuracy that there is none of.

    Args:
        predictions: Of one evaluation, with `execution_reason`.

    Returns:
        Kind of reason (`trainables.contract.scores.REASONS`) -> rows, most frequent first.
    """
    kinds = (row["execution_reason"] for row in predictions)
    return dict(Counter(kind for kind in kinds if kind is not None).most_common())


def way_of_scoring(row: Mapping[str, Any], metric: str) -> str:
    """Returns what a metric's values depend on beside trial and rows: those of one way compare.

    Losses depend on nothing more, scores of texts on the version of the scoring, scores of what
    statements do on SQLite's version too (`CONCAT(s, NULL)` is NULL in 3.40, and s in 3.51).

    Args:
        row: With `scoring_version` and `sqlite_version`, None in the first version of the schema.
        metric: The score or loss.
    """
    kind = METRICS[metric].kind
    if kind == "loss":
        return ""
    version = f"scoring {row['scoring_version'] or 1}"
    if kind == "text":
        return version
    return f"{version} with SQLite {row['sqlite_version'] or '(of unknown version)'}"


def mixed_scoring(rows: Iterable[Mapping[str, Any]], metrics: Iterable[str]) -> list[str]:
    """Returns a warning for trials that stand beside each other and were scored in several ways.

    Args:
        rows: As for `way_of_scoring`, with `eval_rows`: None where nothing was scored.
        metrics: What they are ranked, compared or shown by; one that is no metric is passed over.
    """
    scored = [row for row in rows if row["eval_rows"] is not None]
    found: dict[str, list[str]] = {}
    for metric in dict.fromkeys(metrics):
        if metric not in METRICS:
            continue
        ways = Counter(way_of_scoring(row, metric) for row in scored)
        if len(ways) > 1:
            named = " and ".join(f"{way} ({count:,})" for way, count in sorted(ways.items()))
            found.setdefault(named, []).append(metric)
    return [
        f"Trials were scored by different versions, so that their {', '.join(names)} may not"
        f" compare: {ways}."
        for ways, names in found.items()
    ]


def mixed_dtypes(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns a warning for trials that are compared and were trained in several types of numbers.

    As on a cluster of GPUs and CPUs: what differs between them is then not their configuration
    alone.

    Args:
        rows: Final rows with `sweep_id`, `technique`, `stratum` and `dtype`, which is None where
            nothing was trained.
    """
    groups: dict[tuple[Any, ...], Counter[str]] = {}
    for row in rows:
        if row["dtype"] is not None:
            key = row["sweep_id"], row["technique"], row["stratum"]
            groups.setdefault(key, Counter())[row["dtype"]] += 1
    mixed = {key: found for key, found in groups.items() if len(found) > 1}
    if not mixed:
        return []
    (_, technique, stratum), found = next(iter(mixed.items()))
    of = technique if stratum is None else f"{technique} with {stratum}"
    named = " and ".join(f"{dtype} ({count:,})" for dtype, count in sorted(found.items()))
    more = f", and so were those of {len(mixed) - 1:,} other groups" if len(mixed) > 1 else ""
    return [
        f"Trials of {of} were trained in {named}{more}: a difference between them may be that of"
        " the devices. The column dtype says which; resources.kinds keeps a sweep to one kind."
    ]
