"""How often a model is right, by the kind of statement that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.results.clusters import clustered_mean
from orchestrator.results.configurations import whole_configuration
from orchestrator.results.statistics import Interval, score_interval
from orchestrator.store.errors import DamagedError
from orchestrator.store.rows import Row
from trainables.data.errors import DatasetError
from trainables.data.locations import is_on_hub
from trainables.data.reading import Reading
from trainables.data.tables import Example, read
from trainables.sql.statement_form import statement_form

COLUMNS = ("sql_task_type", "sql_complexity")
"""Of a data set; those that it has say what kind a row is."""

FORM = "form of the statement"


@dataclass(frozen=True)
class Kind:
    """The evaluated rows of one kind.

    Attributes:
        name: The kind.
        rows: How many.
        measured: Of how many it is known whether the prediction is right.
        right: The share of these; None where there are none.
        interval: Of that, at 95 %, over rows.
    """

    name: str
    rows: int
    measured: int
    right: float | None
    interval: Interval | None


@dataclass(frozen=True)
class ByKind:
    """The kinds of some predictions.

    Attributes:
        of: What tells the kinds apart: one of `COLUMNS`, or `FORM`.
        metric: What "right" is.
        kinds: The most frequent first.
    """

    of: str
    metric: str
    kinds: tuple[Kind, ...]


def by_kind(predictions: Sequence[Row], trial: Row) -> list[ByKind]:
    """Returns how often predictions are right, by what the data set says of its rows.

    Where it says nothing, or is not on this machine as it was, by the statement's own form.

    Args:
        predictions: Of one evaluation.
        trial: The final row of the trial that made them.
    """
    if not predictions:
        return []
    metric = "execution_accuracy"
    if all(row[metric] is None for row in predictions):
        metric = "exact_match"
    examples = _examples(trial)
    known = [examples.get((row["sql_prompt"], row["reference"])) for row in predictions]
    found = []
    for column in COLUMNS:
        kinds = [str(getattr(example, column, None) or "") for example in known]
        if all(kinds):
            found.append(_counted(column, metric, predictions, kinds))
    forms = [statement_form(row["reference"]) for row in predictions] if not found else []
    return found or [_counted(FORM, metric, predictions, forms)]


def _examples(trial: Row) -> Mapping[tuple[str, str], Example]:
    """Returns the rows of a trial's data set by question and statement; none where it is away.

    A row that has changed since has another question or statement, and is not found.
    """
    try:
        configuration = whole_configuration(trial)
        # The library that reads the hub's data sets takes seconds to load.
        if is_on_hub(configuration.dataset):
            return {}
        rows = read(configuration.dataset, None, None, Reading.of(configuration))
    except (OSError, DamagedError, DatasetError):
        return {}
    return {(each.sql_prompt, each.sql): each for part in rows.values() for each in part}


def _counted(of: str, metric: str, predictions: Sequence[Row], kinds: Sequence[str]) -> ByKind:
    members: dict[str, list[Row]] = {}
    for kind, row in zip(kinds, predictions, strict=True):
        members.setdefault(kind, []).append(row)
    found = [_kind(name, metric, rows) for name, rows in members.items()]
    return ByKind(of, metric, tuple(sorted(found, key=lambda kind: (-kind.rows, kind.name))))


def _kind(name: str, metric: str, rows: Sequence[Row]) -> Kind:
    known = [row for row in rows if row[metric] is not None]
    if not known:
        return Kind(name, len(rows), 0, None, None)
    clusters = [row["schema_group"] or row["sql_context"] for row in known]
    right = clustered_mean([row[metric] for row in known], clusters)
    interval = score_interval(metric, right.mean, right.standard_error, right.rows, right.samples)
    return Kind(name, len(rows), right.rows, right.mean, interval)
