"""How often a model is right, by kind of statement, drawn."""

from __future__ import annotations

import altair as alt

from orchestrator.results.report.charts import BAR, interval_points, layers, specification
from orchestrator.results.report.parts import Figure, Table
from orchestrator.results.statement_kinds import ByKind
from orchestrator.terminal.values import with_interval


def kinds_figure(found: ByKind) -> Figure:
    """Returns the share of right predictions of each kind, with its interval over rows."""
    rows = [
        {
            "kind": f"{each.name} ({each.measured:,})",
            "value": each.right,
            "low": each.interval[0] if each.interval else None,
            "high": each.interval[1] if each.interval else None,
        }
        for each in found.kinds
        if each.right is not None
    ]
    place = {"y": alt.Y("kind:N", title=None, sort=None)}
    domain = alt.Scale(domain=[0, 1])
    points = interval_points(place, "x", found.metric, scale=domain, tooltip=["kind:N"])
    lines = [
        [
            each.name,
            f"{each.rows:,}",
            f"{each.rows - each.measured:,}",
            with_interval(each.right, *(each.interval or (None, None))),
        ]
        for each in found.kinds
    ]
    said = "; ".join(f"{line[0]} {line[3]} of {line[1]} rows" for line in lines)
    headers = [found.of, "rows", "not measured", found.metric]
    return Figure(
        f"{found.metric} by {found.of}, with 95 % intervals over rows; in brackets how many rows.",
        f"{found.metric} by {found.of}: {said}.",
        specification(layers(*points), 60 + BAR * len(rows), rows=rows),
        Table(f"{found.metric} by {found.of}", headers, lines, set(headers[1:])),
    )
