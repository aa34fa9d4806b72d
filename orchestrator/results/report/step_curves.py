"""Training between the rungs: loss, rate and gradient norm of some trials, step by step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from orchestrator.results.report.charts import (
    COLOURS,
    Layers,
    layers,
    named,
    specification,
    value_scale,
)
from orchestrator.results.report.parts import Figure, Table
from orchestrator.store import reader
from orchestrator.store.place import Root
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.terminal.values import brief

_POINTS = 120
"""Of a trial's curve; of more, neighbours are taken together."""
_LINES = 8
"""Of a trial in the table."""
_DIVERGED = 2
"""Of such trials at most, beside the best of those that completed."""
_HEIGHT = 180
_QUANTITIES = (
    ("loss", "training loss", "Mean loss on what was trained on"),
    ("gradient_norm", "gradient norm", "Norm of the gradient before it was clipped"),
    ("learning_rate", "learning rate", "Learning rate"),
)
_Point = Mapping[str, float]


def step_figures(
    root: Root, sweep_id: str, rows: Sequence[Row], names: Mapping[str, str]
) -> list[Figure]:
    """Returns a figure for loss, gradient norm and rate; none where no step is stored.

    Args:
        root: Of the store.
        sweep_id: The sweep.
        rows: Final rows of trials that train, of which some are drawn: a page of all would be
            neither read nor sent.
        names: By trial id, what the trial is called.

    Raises:
        StoreError: The store cannot be read.
    """
    drawn = _drawn(rows)
    if not drawn:
        return []
    reports = reader.reports(root, sweep_id, trial_ids=[row["trial_id"] for row in drawn])
    points: dict[str, list[_Point]] = {row["trial_id"]: [] for row in drawn}
    for trial, steps in zip(
        reports["trial_id"].to_pylist(), reports["steps"].to_pylist(), strict=True
    ):
        points[trial] += steps or []
    curves = {trial: _few(own) for trial, own in points.items() if own}
    ends = {row["trial_id"]: row for row in drawn}
    found = (_figure(*each, curves, names, ends) for each in _QUANTITIES)
    return [figure for figure in found if figure is not None]


def _drawn(rows: Sequence[Row]) -> list[Row]:
    """Returns the best that completed, best first, and the first that diverged."""
    diverged = [row for row in rows if row["outcome"] == "diverged"][:_DIVERGED]
    ranked = [
        row
        for row in rows
        if row["outcome"] == "completed" and finite_or_none(row["objective"]) is not None
    ]
    ranked.sort(key=_best_first)
    return [*ranked[: COLOURS - len(diverged)], *diverged]


def _best_first(row: Row) -> float:
    value = float(row["objective"])
    return value if row["objective_mode"] == "min" else -value


def _figure(
    quantity: str,
    title: str,
    what: str,
    curves: Mapping[str, Sequence[_Point]],
    names: Mapping[str, str],
    ends: Mapping[str, Row],
) -> Figure | None:
    techniques = {trial: str(ends[trial]["technique"]) for trial in curves}
    differ = len(set(techniques.values())) > 1
    rows: list[dict[str, Any]] = [
        {
            "trial": trial,
            "label": f"{techniques[trial]} {trial}" if differ else trial,
            "name": names.get(trial, trial),
            "outcome": ends[trial]["outcome"],
            "examples": [examples for examples, _ in own],
            "values": [value for _, value in own],
        }
        for trial, points in curves.items()
        if (own := list(_values(points, quantity)))
    ]
    if not rows:
        return None
    diverged = sum(row["outcome"] == "diverged" for row in rows)
    count = len(rows) - diverged
    which = f"the {count} best that completed, best first," if count else ""
    which += " and " if count and diverged else ""
    which += f"{diverged} that diverged" if diverged else ""
    which = which.rstrip(",")
    lines = [
        [row["trial"], row["name"], f"{examples:,.0f}", brief(float(value))]
        for row in rows
        for examples, value in _spread(list(zip(row["examples"], row["values"], strict=True)))
    ]
    headers = ["trial", "configuration", "examples", title]
    return Figure(
        f"{what}, between the rungs too: of {which}.",
        f"Curves of the {title} of {len(rows)} trials over the examples seen: {which}.",
        specification(_chart(rows, title, _scale(quantity, rows)), _HEIGHT, rows=rows),
        Table(f"{title} by examples seen", headers, lines, set(headers[2:])),
    )


def _scale(quantity: str, rows: Sequence[Mapping[str, Any]]) -> alt.Scale:
    """Returns the scale of what was measured; of rates that of their peaks.

    On a logarithmic scale the last steps of a rate that decays to nothing take most of the plot.
    """
    if quantity == "learning_rate":
        return value_scale([max(row["values"]) for row in rows])
    return value_scale([value for row in rows for value in row["values"]])


def _chart(rows: Sequence[Mapping[str, Any]], title: str, scale: alt.Scale) -> Layers:
    labels = [row["label"] for row in rows]
    colour: Any = alt.value("var(--c1)")
    if len(labels) > 1:
        colour = alt.Color("label:N", title=None, sort=labels, legend=alt.Legend(columns=2))
    lines = (
        named("rows")
        .transform_flatten(["examples", "values"])
        .mark_line(strokeWidth=1.4)
        .encode(
            x=alt.X("examples:Q", title="examples seen", axis=alt.Axis(format=",d", tickCount=6)),
            y=alt.Y("values:Q", title=title, scale=scale),
            color=colour,
            detail="trial:N",
            tooltip=["name:N", "trial:N", "outcome:N", "examples:Q", "values:Q"],
        )
    )
    return layers(lines)


def _values(points: Iterable[_Point], quantity: str) -> Iterator[tuple[float, float]]:
    for point in points:
        value = finite_or_none(point[quantity])
        if value is not None:
            yield point["examples_seen"], value


def _few(points: Sequence[_Point]) -> list[_Point]:
    """Returns at most `_POINTS` points, each the mean of neighbours; the rate is their last."""
    size = math.ceil(len(points) / _POINTS)
    parts = (points[start : start + size] for start in range(0, len(points), size))
    return [
        {
            "examples_seen": part[-1]["examples_seen"],
            "learning_rate": part[-1]["learning_rate"],
            "loss": _mean(part, "loss"),
            "gradient_norm": _mean(part, "gradient_norm"),
        }
        for part in parts
    ]


def _mean(points: Sequence[_Point], quantity: str) -> float:
    values = [point[quantity] for point in points]
    return math.nan if None in values else math.fsum(values) / len(values)


def _spread(items: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns at most `_LINES` items at like distances, the last among them."""
    step = math.ceil(len(items) / _LINES)
    return list(items[::-1][::step][::-1])
