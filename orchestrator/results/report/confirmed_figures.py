"""What was confirmed, drawn: scores, differences between values, and two values at once."""

from __future__ import annotations

from typing import Any

import altair as alt

from orchestrator.results.confirmed_answer import ConfirmedAnswer, Standing
from orchestrator.results.confirmed_words import standings
from orchestrator.results.report.charts import (
    BAR,
    COLOURS,
    FAINT,
    in_order,
    interval_points,
    layers,
    named,
    specification,
)
from orchestrator.results.report.parts import Figure, Table
from orchestrator.terminal.values import brief, signed

_TOOLTIP = ("name:N", "seeds:Q")


def score_figures(answer: ConfirmedAnswer) -> list[Figure]:
    """Returns a figure of the confirmed scores over each parameter that is asked about.

    Where none is, or none has several values, one with a line for each configuration.
    """
    known = _scored(answer)
    if not known:
        return []
    varied = _varied(answer, known)
    if not varied:
        return [_by_configuration(answer, known)]
    return [_by_value(answer, known, name) for name in varied]


def difference_figure(answer: ConfirmedAnswer) -> Figure | None:
    """Returns the differences that the asked values make, each with its interval, around 0."""
    rows: list[dict[str, Any]] = []
    for name, contrasts in answer.asked.items():
        for each in contrasts:
            against, value = brief(each.asked.against), brief(each.asked.value)
            rows.append(
                {
                    "what": f"{name}: {value} less {against}",
                    "value": each.found.value,
                    "low": each.interval[0],
                    "high": each.interval[1],
                    "verdict": "a difference" if each.differs else "no difference is shown",
                    "level": each.level,
                }
            )
    if not rows:
        return None
    zero = named("zero").mark_rule(color=FAINT, strokeDash=[4, 3]).encode(x="at:Q")
    place = {"y": alt.Y("what:N", title=None, sort=None)}
    title = f"difference in {answer.metric}"
    points = interval_points(place, "x", title, tooltip=["what:N", "verdict:N"])
    lines = [
        [
            row["what"],
            signed(row["value"]),
            f"{signed(row['low'])} to {signed(row['high'])}",
            f"{100 * row['level']:.4g} %",
            row["verdict"],
        ]
        for row in rows
    ]
    said = "; ".join(f"{line[0]} {line[1]} ({line[2]})" for line in lines)
    return Figure(
        f"What each asked value changes in {answer.metric}, with its interval over seeds and rows."
        " An interval that leaves out 0 is a difference.",
        f"Differences in {answer.metric}: {said}.",
        specification(
            layers(zero, *points),
            60 + BAR * len(rows),
            rows=rows,
            zero=[{"at": 0}],
        ),
        Table(
            "Differences",
            ["of", "difference", "interval", "level", "verdict"],
            lines,
            {"difference", "interval", "level"},
        ),
    )


def surface_figure(answer: ConfirmedAnswer) -> Figure | None:
    """Returns the scores over two asked parameters at once; None unless two are asked about."""
    known = _scored(answer)
    varied = _varied(answer, known)
    if len(varied) != 2:
        return None
    across, down = varied
    known = _having(_having(known, across), down)
    if min(len(_values(known, name)) for name in varied) < 2:
        return None
    scores = {
        (brief(_setting(each, across)), brief(_setting(each, down))): each.score.value
        for each in known
        if each.score is not None
    }
    rows = [
        {"x": x, "y": y, "score": score, "text": f"{score:.3f}"} for (x, y), score in scores.items()
    ]
    columns, lines_of = (_values(known, name) for name in varied)
    x = alt.X("x:O", title=across, sort=columns, axis=alt.Axis(labelAngle=0))
    y = alt.Y("y:O", title=down, sort=lines_of)
    middle = (max(scores.values()) + min(scores.values())) / 2
    cells = (
        named("rows")
        .mark_rect(stroke="var(--paper)", strokeWidth=2)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "score:Q", title=answer.metric, scale=alt.Scale(scheme="viridis", zero=False)
            ),
        )
    )
    texts = (
        named("rows")
        .mark_text(fontSize=13)
        .encode(
            x=x,
            y=y,
            text="text:N",
            color=alt.condition(f"datum.score > {middle}", alt.value("#000"), alt.value("#fff")),
        )
    )
    cells_of = {place: f"{score:.3f}" for place, score in scores.items()}
    table = [[each, *(cells_of.get((name, each), "-") for name in columns)] for each in lines_of]
    return Figure(
        f"Confirmed {answer.metric} over {across} and {down}, each combination at the setting that"
        " was chosen for it.",
        f"{answer.metric} by {across} and {down}: "
        + "; ".join(f"{row['x']} and {row['y']}: {row['text']}" for row in rows),
        specification(layers(cells, texts), 80 + 46 * len(lines_of), rows=rows),
        Table(
            f"{answer.metric} by {down} and {across}",
            [f"{down} \\ {across}", *columns],
            table,
            set(columns),
        ),
    )


def _by_value(answer: ConfirmedAnswer, known: list[Standing], name: str) -> Figure:
    """Returns the scores over one parameter, side by side where others differ."""
    others = [other for other in _varied(answer, known) if other != name]
    known = _having(known, name)
    rows = [
        {"x": brief(_setting(each, name)), "group": _group(each, others)} | _score(each)
        for each in known
    ]
    values = _values(known, name)
    groups = in_order(str(row["group"]) for row in rows)
    x = alt.X(
        "x:O",
        title=name,
        sort=values,
        axis=alt.Axis(labelAngle=0),
        scale=alt.Scale(paddingInner=0.6, paddingOuter=0.3),
    )
    offset = {"xOffset": alt.XOffset("group:N", sort=groups)} if others else {}
    colour = None
    if others and len(groups) <= COLOURS:
        colour = alt.Color("group:N", title=None, sort=groups)
    points = interval_points(
        {"x": x, **offset}, "y", answer.metric, colour=colour, tooltip=_TOOLTIP
    )
    return Figure(
        f"Confirmed {answer.metric} by {name}, each with its 95 % interval over seeds and test"
        " rows.",
        f"{answer.metric} by {name}: "
        + "; ".join(f"{name} {row['x']} {row['group']} {row['value']:.3f}" for row in rows),
        specification(layers(*points), rows=rows),
        _standings_table(answer),
    )


def _by_configuration(answer: ConfirmedAnswer, known: list[Standing]) -> Figure:
    names = dict(zip([each.name for each in answer.standings], standings(answer)[1], strict=True))
    rows = [{"x": names[each.name][0]} | _score(each) for each in known]
    place = {"y": alt.Y("x:N", title=None, sort=None)}
    points = interval_points(place, "x", answer.metric, tooltip=_TOOLTIP)
    return Figure(
        f"Confirmed {answer.metric}, with 95 % intervals over seeds and test rows.",
        f"{answer.metric}: " + "; ".join(f"{row['x']} {row['value']:.3f}" for row in rows),
        specification(layers(*points), 60 + BAR * len(rows), rows=rows),
        _standings_table(answer),
    )


def _score(each: Standing) -> dict[str, Any]:
    assert each.score is not None
    low, high = each.score.interval or (None, None)
    own = {"name": each.name, "seeds": len(each.runs)}
    return own | {"value": each.score.value, "low": low, "high": high}


def _standings_table(answer: ConfirmedAnswer) -> Table:
    headers, lines = standings(answer)
    return Table("What was confirmed", headers, lines, set(headers[2:]))


def _scored(answer: ConfirmedAnswer) -> list[Standing]:
    return [each for each in answer.standings if each.score is not None]


def _varied(answer: ConfirmedAnswer, known: list[Standing]) -> list[str]:
    """Returns what is asked about and has more than one value."""
    return [name for name in answer.ask if len(_values(_having(known, name), name)) > 1]


def _having(known: list[Standing], name: str) -> list[Standing]:
    """Returns the configurations that have a parameter: a technique may lack it."""
    return [each for each in known if _setting(each, name) is not None]


def _group(each: Standing, names: list[str]) -> str:
    own = {name: _setting(each, name) for name in names}
    return ", ".join(
        f"no {name}" if value is None else f"{name} {brief(value)}" for name, value in own.items()
    )


def _setting(each: Standing, name: str) -> Any:
    return each.configuration.get(name)


def _values(known: list[Standing], name: str) -> list[str]:
    return [brief(value) for value in in_order(_setting(each, name) for each in known)]
