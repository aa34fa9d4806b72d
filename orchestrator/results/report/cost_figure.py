"""What a sweep has cost, drawn."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from orchestrator.results.report.charts import BAR, named, specification
from orchestrator.results.report.parts import Figure, Table
from orchestrator.results.spent import Saved, Spent
from orchestrator.terminal.values import duration

_PHASES = {
    "baseline": "untuned model",
    "point": "fixed points",
    "tune": "search",
    "confirm": "confirming runs",
    "running": "not ended yet",
}
_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))
_SAVED = "left untrained by early stopping (an estimate)"


def cost_figure(spent: Sequence[Spent], saved: Saved | None) -> Figure:
    """Returns the device time of each phase, and beside the search what it would have taken.

    Args:
        spent: What each phase took; at least one.
        saved: What early stopping left untrained.
    """
    total = sum(each.train_seconds + each.eval_seconds for each in spent)
    unit, seconds_of_it = next(each for each in _UNITS if total >= 3 * each[1] or each[1] == 1)
    rows, lines = [], []
    for each in spent:
        name = _PHASES[each.phase]
        parts = {"training": each.train_seconds, "evaluation": each.eval_seconds}
        if saved is not None and each.phase == "tune":
            parts[_SAVED] = saved.seconds
        rows += [
            {
                "phase": name,
                "what": what,
                "long": seconds / seconds_of_it,
                "time": duration(seconds),
            }
            for what, seconds in parts.items()
        ]
        times = [duration(parts.get(what)) for what in ("training", "evaluation", _SAVED)]
        lines.append([name, str(each.trials), *times])
    kinds = ["training", "evaluation", _SAVED]
    chart = (
        named("rows")
        .mark_bar(height=18)
        .encode(
            y=alt.Y("phase:N", title=None, sort=None),
            x=alt.X("long:Q", title=f"device time in {unit}"),
            color=alt.Color(
                "what:N",
                title=None,
                sort=kinds,
                scale=alt.Scale(
                    domain=kinds if saved is not None else kinds[:2],
                    range=["var(--c1)", "var(--c2)", "var(--grid)"],
                ),
            ),
            order=alt.Order("order:Q"),
            tooltip=["phase:N", "what:N", "time:N"],
        )
        .transform_calculate(order=f"indexof({kinds!r}, datum.what)")
    )
    said = "; ".join(f"{row['phase']}, {row['what']}: {row['time']}" for row in rows)
    headers = ["phase", "trials", "training", "evaluation", "left untrained"]
    return Figure(
        "Device time by phase.",
        f"Device time: {said}.",
        specification(chart, 70 + BAR * len(spent), rows=rows),
        Table("Device time", headers, lines, set(headers[1:])),
    )
