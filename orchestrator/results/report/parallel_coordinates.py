"""The configurations that were tried as lines across one axis for each parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from orchestrator.results.configurations import parameters
from orchestrator.results.effect import varied_in
from orchestrator.results.log_scale import is_log_scale
from orchestrator.results.report.charts import (
    FAINT,
    INK,
    MANY,
    RAMP,
    Layers,
    layers,
    named,
    specification,
)
from orchestrator.results.report.parts import Figure, Table
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.terminal.json_text import json_text
from orchestrator.terminal.values import brief, number

_MOST_AXES = 8
_MOST_LABELS = 6
_LABEL_WIDTH = 100
"""Pixels of a name or value; `_MOST_AXES` stand so far from each other on a wide page."""
_LACKING = -0.12
"""Place of a configuration that lacks a parameter, below those that have it."""


@dataclass(frozen=True)
class _Axis:
    """An axis from 0 to 1, and below for what has no place on it.

    Attributes:
        name: Of the parameter.
        places: Value -> place; None where a line ends before the axis.
        labels: Text -> place.
    """

    name: str
    places: Mapping[Any, float | None]
    labels: Mapping[str, float]


def configurations_figure(rows: Sequence[Row], metric: str) -> Figure | None:
    """Returns the configurations of trials that train; None where fewer than two parameters vary.

    Args:
        rows: Final rows of trials that train and are no repetition of others.
        metric: The objective; its axis is the last, which only trials that completed reach.
    """
    names = varied_in(rows)[:_MOST_AXES]
    if len(names) < 2:
        return None
    settings = [parameters(row) for row in rows]
    axes = [_axis(name, [each.get(name) for each in settings]) for name in names]
    scores = [
        finite_or_none(row[metric]) if row["outcome"] == "completed" else None for row in rows
    ]
    axes.append(_axis(metric, scores, lacking=None))
    lines, table = [], []
    for row, own, score in zip(rows, settings, scores, strict=True):
        values = [*(own.get(name) for name in names), score]
        lines.append(
            {"trial": row["trial_id"], "score": score, "outcome": row["outcome"]}
            | {f"a{n}": axes[n].places[value] for n, value in enumerate(values)}
        )
        cells = [_cell(value) for value in values[:-1]]
        table.append([row["trial_id"], *cells, number(score), row["outcome"]])
    labels = [
        {"axis": f"a{number}", "place": place, "text": text}
        for number, axis in enumerate(axes)
        for text, place in axis.labels.items()
    ]
    order = [axis.name for axis in axes]
    return Figure(
        f"Every configuration that was tried, as a line; the colour is its {metric}, and a grey one"
        " did not train to the end.",
        f"{len(rows)} configurations across {', '.join(names)} and their {metric}.",
        specification(_chart(order, metric, len(rows)), 320, rows=lines, labels=labels),
        Table(
            "Configurations",
            ["trial", *order, "outcome"],
            table,
            {metric, *(a.name for a in axes if _is_numeric(a.places))},
        ),
    )


def _chart(order: Sequence[str], metric: str, count: int) -> Layers:
    """Returns the chart; its fields are a0, a1, ...: a parameter may be called anything."""
    fields = [f"a{number}" for number in range(len(order))]
    x = alt.X(
        "axis:N",
        sort=fields,
        title=None,
        scale=alt.Scale(type="point", padding=0.35),
        axis=alt.Axis(
            orient="top",
            labelAngle=0,
            labelExpr=f"{json_text(list(order))}[toNumber(slice(datum.value, 1))]",
            domain=False,
            ticks=False,
            labelPadding=14,
            labelLimit=_LABEL_WIDTH,
        ),
    )
    y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[_LACKING, 1]))
    folded = named("rows").transform_fold([*fields], as_=["axis", "place"])
    faint = 0.5 if count <= MANY else 0.12
    others = (
        folded.transform_filter("datum.score === null")
        .mark_line(strokeWidth=1, color=FAINT, opacity=faint)
        .encode(x=x, y=y, detail="trial:N")
    )
    completed = (
        folded.transform_filter("datum.score !== null")
        .mark_line(strokeWidth=1.6, opacity=0.85 if count <= MANY else 0.4)
        .encode(
            x=x,
            y=y,
            detail="trial:N",
            color=alt.Color("score:Q", title=metric, scale=alt.Scale(range=RAMP, zero=False)),
            tooltip=["trial:N", "score:Q"],
        )
    )
    rules = (
        named("labels")
        .transform_aggregate(groupby=["axis"])
        .transform_calculate(low="0", high="1")
        .mark_rule(color=FAINT)
        .encode(x=x, y=alt.Y("low:Q", axis=None), y2="high:Q")
    )
    text = named("labels").encode(x=x, y=y, text="text:N")
    # Without a limit a long text takes the whole width, and all axes stand on one place.
    style: dict[str, Any] = {"align": "left", "dx": 6, "fontSize": 11, "limit": _LABEL_WIDTH}
    halo = text.mark_text(**style, stroke="var(--paper)", strokeWidth=4, strokeJoin="round")
    label = text.mark_text(**style, color=INK)
    return layers(others, completed, rules, halo, label)


def _axis(name: str, values: Sequence[Any], lacking: float | None = _LACKING) -> _Axis:
    """Returns the axis of some values: numbers by size, those of a factor by their logarithm.

    Args:
        name: Of the parameter.
        values: Of each configuration; None where it lacks the parameter.
        lacking: The place of those; None ends their lines before this axis.
    """
    given = list(dict.fromkeys(value for value in values if value is not None))
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in given)
    places: dict[Any, float | None]
    if given and numeric:
        given.sort()
        scale = math.log if is_log_scale(given[0], given[-1]) else float
        low, high = scale(given[0]), scale(given[-1])
        places = {value: _share(scale(value), low, high) for value in given}
        all_shown = all(isinstance(v, int) for v in given) and len(given) <= _MOST_LABELS
    else:
        given.sort(key=str)
        places = {value: _share(index, 0, len(given) - 1) for index, value in enumerate(given)}
        all_shown = len(given) <= 2 * _MOST_LABELS
    shown = given if all_shown else [given[0], given[-1]]
    if None in values:
        places[None] = lacking
        shown = [*shown, None]
    labels = {_cell(value): place for value in shown if (place := places[value]) is not None}
    return _Axis(name, places, labels)


def _share(value: float, low: float, high: float) -> float:
    return 0.5 if high == low else (value - low) / (high - low)


def _is_numeric(places: Mapping[Any, float | None]) -> bool:
    return all(isinstance(value, int | float | None) for value in places)


def _cell(value: Any) -> str:
    return "-" if value is None else brief(value)
