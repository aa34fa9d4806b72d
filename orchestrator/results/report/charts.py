"""Charts of Altair's as Vega-Lite: their data beside them, their colours the page's own.

A colour is a variable of the page's style sheet, so that a dark page or a printed one recolours a
plot that is drawn already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import altair as alt

from orchestrator.errors import visible_line
from orchestrator.results.log_scale import is_log_scale
from orchestrator.store.rows import finite_or_none

Data: TypeAlias = Sequence[Mapping[str, Any]]
Layers: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart

COLOURS = 7
"""So many the style sheet has: Okabe and Ito's, which people with any vision tell apart."""

BAR = 28
"""Pixels of a line of a plot that has one line for each thing."""

MANY = 100
"""Lines beyond which those that matter less are drawn so faintly that they do not hide the rest."""

INK, FAINT = "var(--ink)", "var(--faint)"

RAMP = ["#4a6fd0", "#2a9d8f", "#e0a100"]
"""For lines, from little to much: seen on white as on black, and by people with any vision."""

_HEIGHT = 280
_FONT = "system-ui, sans-serif"
_SIGNIFICANT = 6


def specification(chart: Layers, height: int = _HEIGHT, **data: Data) -> dict[str, Any]:
    """Returns a chart in Vega-Lite, as wide as its place in the page.

    Args:
        chart: Whose data are named.
        height: In pixels.
        data: Of each name, the rows. Numbers keep six digits, which no eye tells from more; texts
            are shown as they are.
    """
    sized = chart.properties(width="container", height=height)
    made: dict[str, Any] = sized.to_dict(validate=False)  # which a test does: it takes a while
    found: dict[str, Any] = _shown(made | {"datasets": data, "config": _CONFIG})
    return found


def named(name: str) -> alt.Chart:
    """Returns a chart of the data of a name, to be given to `specification`."""
    return alt.Chart(alt.NamedData(name=name))


def layers(*charts: alt.Chart) -> Layers:
    """Returns charts on top of each other, the last one in front."""
    return alt.layer(*charts)


def interval_points(
    place: Mapping[str, Any],
    along: Literal["x", "y"],
    title: str,
    *,
    scale: alt.Scale | None = None,
    colour: alt.Color | None = None,
    tooltip: Sequence[str] = (),
) -> tuple[alt.Chart, alt.Chart]:
    """Returns intervals as rules and values as points, of rows with `value`, `low` and `high`.

    A row without an interval has its point alone.

    Args:
        place: Channels that say where a row stands across.
        along: The axis of the values.
        title: Of that axis.
        scale: Of that axis; None means one that need not begin at 0.
        colour: Of both; None means points of one colour, and rules in ink.
        tooltip: Further fields that are shown beside the numbers.
    """
    axis = alt.X if along == "x" else alt.Y
    own = scale or alt.Scale(zero=False)
    ends = {along: axis("low:Q", title=title, scale=own), f"{along}2": "high:Q"}
    rule = named("rows").mark_rule(strokeWidth=2).encode(**place, **ends)
    point = (
        named("rows")
        .mark_point(filled=True, size=70, opacity=1)
        .encode(
            **place,
            **{along: axis("value:Q", title=title, scale=own)},
            tooltip=[*tooltip, "value:Q", "low:Q", "high:Q"],
        )
    )
    if colour is not None:
        return rule.encode(color=colour), point.encode(color=colour)
    return rule.encode(color=alt.value(INK)), point.encode(color=alt.value("var(--c1)"))


def value_scale(values: Sequence[float]) -> alt.Scale:
    """Returns the scale of some measured values: logarithmic where they differ by their factor."""
    if values and is_log_scale(min(values), max(values)):
        return alt.Scale(type="log", nice=False)
    return alt.Scale(zero=False)


def in_order(values: Iterable[Any]) -> list[Any]:
    """Returns the different values: numbers by size, texts with the numbers in them by theirs."""
    return sorted(set(values), key=lambda value: (isinstance(value, str), _natural(value)))


def _natural(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    parts = re.split(r"(\d+)", value)
    return [int(part) if part.isdecimal() and part.isascii() else part for part in parts]


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return visible_line(value)
    if isinstance(value, dict):
        return {_shown(name): _shown(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    if isinstance(value, float):
        finite = finite_or_none(value)
        return None if finite is None else float(f"{finite:.{_SIGNIFICANT}g}")
    return value


_AXIS = {"labelColor": INK, "titleColor": INK, "titleFontWeight": "normal"}
_CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    "font": _FONT,
    "view": {"stroke": None},
    "axis": _AXIS
    | {
        "gridColor": "var(--grid)",
        "domainColor": FAINT,
        "tickColor": FAINT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelLimit": 220,
    },
    "axisQuantitative": {"tickCount": 6},
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "orient": "top",
        "labelLimit": 320,
        "symbolOpacity": 1,
        "gradientOpacity": 1,
        "symbolBaseFillColor": INK,
    },
    "range": {"category": [f"var(--c{number})" for number in range(1, COLOURS + 1)]},
}
