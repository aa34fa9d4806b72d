"""Every trial's reports as a curve, with where it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from orchestrator.results.ends import ends_in_words
from orchestrator.results.report.charts import (
    COLOURS,
    MANY,
    Layers,
    in_order,
    layers,
    named,
    specification,
    value_scale,
)
from orchestrator.results.report.parts import Figure, Table
from orchestrator.results.selection import is_score
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.terminal.values import number

RUNNING = "running"

_MOST_RUNGS = 12
"""Of a trial's curve; of more reports some in between are left out."""
_SHAPES = {"completed": "circle", "stopped": "cross", RUNNING: "triangle-right"}
_FAILED = "triangle-down"


def curves_figure(
    reports: Sequence[Row], ends: Mapping[str, Row], names: Mapping[str, str], objective: str
) -> Figure | None:
    """Returns the curves of the trials that train; None where none has reported.

    Args:
        reports: Of trials that train, by trial and rung.
        ends: By trial id, the final row of those that have ended.
        names: By trial id, what the trial is called.
        objective: The metric that trials are ranked by. Curves are of that where every report has
            it, else of the validation loss, which early stopping goes by then.
    """
    metric = objective if all(row[objective] is not None for row in reports) else "eval_loss"
    curves: dict[str, list[Row]] = {}
    for row in reports:
        if finite_or_none(row[metric]) is not None:
            curves.setdefault(row["trial_id"], []).append(row)
    if not curves:
        return None
    rows = [
        _curve(trial, own, metric, ends.get(trial), names.get(trial, trial))
        for trial, own in curves.items()
    ]
    ended = ends_in_words(row["outcome"] for row in rows)
    return Figure(
        f"{metric} of every trial over its training, on the validation rows; a mark is where it"
        f" ended ({ended}).",
        f"Curves of {metric} of {len(rows)} trials: {ended}.",
        specification(_chart(rows, metric), 340, rows=rows),
        _table(metric, curves, rows),
    )


def _curve(
    trial: str, reports: Sequence[Row], metric: str, end: Row | None, name: str
) -> dict[str, Any]:
    """Returns a trial as one row: its curve in two lists, and where it ended."""
    few = _few(reports)
    return {
        "trial": trial,
        "name": name,
        # What it has of what the sweep asks about, or its technique.
        "group": RUNNING if end is None else end["stratum"] or end["technique"],
        "outcome": RUNNING if end is None else end["outcome"],
        "examples": [row["rung_examples"] for row in few],
        "values": [row[metric] for row in few],
        "end": few[-1]["rung_examples"],
        "last": few[-1][metric],
    }


def _chart(rows: Sequence[Mapping[str, Any]], metric: str) -> Layers:
    seen = [value for row in rows for value in row["examples"]]
    x_title, y_title = "examples seen", metric
    x_scale, x_axis = value_scale(seen), alt.Axis(format=",d", tickCount=6)
    y_scale = alt.Scale(zero=False)
    if not is_score(metric):  # a score is a share: what it has grown by counts, not its factor
        y_scale = value_scale([value for row in rows for value in row["values"]])
    groups = in_order(row["group"] for row in rows)
    colour: Any = alt.value("var(--c1)")
    if 1 < len(groups) <= COLOURS:
        colour = alt.Color("group:N", title=None, sort=groups)
    strong, faint = (0.9, 0.5) if len(rows) <= MANY else (0.4, 0.15)
    lines = (
        named("rows")
        .transform_flatten(["examples", "values"])
        .mark_line(strokeWidth=1.2)
        .encode(
            x=alt.X("examples:Q", title=x_title, scale=x_scale, axis=x_axis),
            y=alt.Y("values:Q", title=y_title, scale=y_scale),
            color=colour,
            detail="trial:N",
            opacity=alt.condition(
                "datum.outcome == 'completed'", alt.value(strong), alt.value(faint)
            ),
        )
    )
    outcomes = sorted(
        {row["outcome"] for row in rows}, key=lambda each: (each != "completed", each)
    )
    shapes = alt.Scale(domain=outcomes, range=[_SHAPES.get(each, _FAILED) for each in outcomes])
    marks = (
        named("rows")
        .mark_point(filled=True, size=50, opacity=0.9)
        .encode(
            x=alt.X("end:Q", title=x_title, scale=x_scale, axis=x_axis),
            y=alt.Y("last:Q", title=y_title, scale=y_scale),
            color=colour,
            shape=alt.Shape(
                "outcome:N", title=None, legend=alt.Legend(orient="bottom"), scale=shapes
            ),
            tooltip=["name:N", "trial:N", "outcome:N", "end:Q", "last:Q"],
        )
    )
    return layers(lines, marks)


def _table(
    metric: str, curves: Mapping[str, Sequence[Row]], rows: Sequence[Mapping[str, Any]]
) -> Table:
    rungs = _few(sorted({row["rung_examples"] for own in curves.values() for row in own}))
    lines = []
    for row in rows:
        own = {each["rung_examples"]: each[metric] for each in curves[row["trial"]]}
        values = [number(own.get(rung)) for rung in rungs]
        lines.append([row["trial"], row["name"], row["outcome"], *values])
    headers = [f"{rung:,}" for rung in rungs]
    title = f"{metric} by examples seen"
    return Table(title, ["trial", "configuration", "outcome", *headers], lines, headers)


def _few(items: Sequence[Any]) -> list[Any]:
    """Returns at most `_MOST_RUNGS` items at like distances, the last among them."""
    step = -(-len(items) // _MOST_RUNGS) or 1
    return list(items[::-1][::step][::-1])
