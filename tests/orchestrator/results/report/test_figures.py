"""What is drawn of which trial, where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.results.confirmed_answer import ConfirmedAnswer, Score, Standing
from orchestrator.results.report.charts import in_order, named, specification
from orchestrator.results.report.confirmed_figures import score_figures, surface_figure
from orchestrator.results.report.cost_figure import cost_figure
from orchestrator.results.report.learning_curves import curves_figure
from orchestrator.results.report.parallel_coordinates import configurations_figure
from orchestrator.results.report.step_curves import step_figures
from orchestrator.results.selection import final_rows
from orchestrator.results.spent import Saved, Spent
from orchestrator.store import Store, index
from tests.orchestrator.results.synthetic import RUNGS, SWEEP, trial_name, write_trial

TRIALS: list[tuple[dict[str, Any], str]] = [
    ({"technique": "lora", "rank": 4, "learning_rate": 1e-4}, "completed"),
    ({"technique": "lora", "rank": 64, "learning_rate": 1e-2}, "stopped"),
    ({"technique": "prefix", "virtual_tokens": 10, "learning_rate": 1e-3}, "failed"),
]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    root: Path = tmp_path_factory.mktemp("figures")
    for number, (parameters, outcome) in enumerate(TRIALS):
        own = {"data_size": 100, **parameters}
        rungs = {"completed": 3, "stopped": 1, "failed": 0}[outcome]
        write_trial(Store(root), number, own, outcome, rungs=rungs, predictions=False)
    return final_rows(root, [SWEEP])


def test_a_configuration_runs_from_axis_to_axis_by_its_values(rows: list[dict[str, Any]]) -> None:
    figure = configurations_figure(rows, "rouge_l")
    assert figure is not None
    headers = list(figure.table.headers)
    assert headers[0] == "trial"
    assert headers[-2:] == ["rouge_l", "outcome"]
    axes = {name: f"a{number}" for number, name in enumerate(headers[1:-1])}
    completed, stopped, failed = figure.chart["datasets"]["rows"]
    # Rates that differ by their factor stand by their logarithm.
    rates = [row[axes["learning_rate"]] for row in (completed, stopped, failed)]
    assert rates == [0, 1, pytest.approx(0.5)]
    assert (completed[axes["rank"]], stopped[axes["rank"]]) == (0, 1)
    # One that lacks a parameter runs below those that have it; one that did not complete ends.
    assert failed[axes["rank"]] < 0
    assert completed[axes["rouge_l"]] is not None
    assert stopped[axes["rouge_l"]] is failed[axes["rouge_l"]] is None
    assert figure.table.lines[2][headers.index("rank")] == "-"


def test_a_long_value_takes_no_more_width_than_there_is_between_axes(
    rows: list[dict[str, Any]],
) -> None:
    figure = configurations_figure(rows, "rouge_l")
    assert figure is not None
    marks = [layer["mark"] for layer in figure.chart["layer"]]
    texts = [mark for mark in marks if mark["type"] == "text"]
    assert [mark["limit"] <= 100 for mark in texts] == [True, True]


def test_fewer_than_two_varied_parameters_have_no_axes(rows: list[dict[str, Any]]) -> None:
    assert configurations_figure(rows[:1], "rouge_l") is None
    assert configurations_figure([], "rouge_l") is None


def standing(technique: str, rank: int | None, value: float | None) -> Standing:
    own: dict[str, Any] = {"technique": technique}
    own |= {} if rank is None else {"rank": rank}
    score = None if value is None else Score("rouge_l", value, (value - 0.1, value + 0.1), 200)
    name = " ".join(f"{key}={each}" for key, each in own.items())
    return Standing(name, own, "best of its stratum", ("t-a", "t-b"), score, None, None)


def stated(ask: tuple[str, ...], *standings: Standing) -> ConfirmedAnswer:
    return ConfirmedAnswer(
        "rouge_l", True, ask, 2, (), 200, 9, None, None, None, {}, {}, True, standings, ()
    )


def test_a_technique_that_lacks_an_asked_parameter_is_left_out_of_its_figure() -> None:
    answer = stated(
        ("technique", "rank"),
        standing("lora", 16, 0.7),
        standing("lora", 4, 0.5),
        standing("prefix", None, 0.4),
        standing("qlora", 4, None),  # not measured
    )
    by_technique, by_rank = score_figures(answer)
    drawn = [(row["x"], row["group"]) for row in by_technique.chart["datasets"]["rows"]]
    assert drawn == [("lora", "rank 16"), ("lora", "rank 4"), ("prefix", "no rank")]
    drawn = [(row["x"], row["group"]) for row in by_rank.chart["datasets"]["rows"]]
    assert drawn == [("16", "technique lora"), ("4", "technique lora")]
    assert len(by_rank.table.lines) == 4
    assert surface_figure(answer) is None  # of one technique alone


def test_two_asked_values_span_a_surface_of_what_was_measured() -> None:
    answer = stated(
        ("technique", "rank"),
        standing("lora", 16, 0.7),
        standing("lora", 4, 0.5),
        standing("prefix", None, 0.4),
        standing("qlora", 4, 0.6),
        standing("qlora", 16, None),
    )
    surface = surface_figure(answer)
    assert surface is not None
    assert surface.table.headers[1:] == ["lora", "qlora"]
    assert surface.table.lines == [["4", "0.500", "0.600"], ["16", "0.700", "-"]]


@pytest.mark.parametrize("ask", [(), ("rank",)])
def test_without_values_to_compare_each_configuration_has_a_line(ask: tuple[str, ...]) -> None:
    answer = stated(ask, standing("lora", 4, 0.7), standing("full", None, 0.4))
    (figure,) = score_figures(answer)
    assert [row["x"] for row in figure.chart["datasets"]["rows"]] == [
        "technique=lora rank=4",
        "technique=full",
    ]
    assert surface_figure(answer) is None
    assert score_figures(stated(ask, standing("lora", 4, None))) == []


def test_a_curve_ends_where_its_trial_did(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    write_trial(Store(tmp_path), 0, TRIALS[0][0] | {"data_size": 1}, rungs=3, predictions=False)
    write_trial(
        Store(tmp_path), 1, TRIALS[1][0] | {"data_size": 1}, "stopped", rungs=1, predictions=False
    )
    ends = {row["trial_id"]: row for row in final_rows(tmp_path, [SWEEP])}
    reports = index.reports(tmp_path, SWEEP).to_pylist()
    figure = curves_figure(reports, ends, {trial_name(0): "the first"}, "rouge_l")
    assert figure is not None
    first, second = figure.chart["datasets"]["rows"]
    assert first["examples"] == list(RUNGS)
    assert (first["name"], first["outcome"], first["end"]) == ("the first", "completed", RUNGS[-1])
    assert (second["examples"], second["outcome"]) == ([RUNGS[0]], "stopped")
    assert figure.table.lines[1][-2:] == ["-", "-"]
    assert "log" not in str(figure.chart["layer"][0]["encoding"]["y"])
    # Where a report has no score, the loss is drawn of all.
    reports[-1] = reports[-1] | {"rouge_l": None}
    figure = curves_figure(reports, ends, {}, "rouge_l")
    assert figure is not None
    assert figure.chart["datasets"]["rows"][0]["last"] == pytest.approx(
        reports[2]["eval_loss"], 1e-4
    )
    assert curves_figure([], ends, {}, "rouge_l") is None


@pytest.mark.parametrize(
    ("seconds", "unit"), [(40.0, "seconds"), (400.0, "minutes"), (9e4, "hours")]
)
def test_cost_is_in_the_unit_that_suits_it(seconds: float, unit: str) -> None:
    found = [Spent("tune", 3, seconds, seconds / 4), Spent("confirm", 1, seconds / 2, 0.0)]
    chart = cost_figure(found, Saved(2, 100, 50, seconds)).chart
    assert f"device time in {unit}" in str(chart)
    rows = chart["datasets"]["rows"]
    assert [row["what"].split()[0] for row in rows if row["phase"] == "search"] == [
        "training",
        "evaluation",
        "left",
    ]
    factor = {"seconds": 1, "minutes": 60, "hours": 3600}[unit]
    assert rows[0]["long"] == pytest.approx(seconds / factor, rel=1e-5)


@given(st.lists(st.one_of(st.text(), st.integers(), st.floats(allow_nan=False))))
def test_values_have_an_order(values: list[Any]) -> None:
    assert set(in_order(values)) == set(values)
    assert in_order(reversed(values)) == in_order(values)


def test_numbers_in_texts_count_as_numbers() -> None:
    names = ["rank=16, data_size=100", "rank=4, data_size=1000", "rank=4, data_size=100"]
    assert in_order(names) == names[::-1]
    assert in_order([10, 9, "b"]) == [9, 10, "b"]


def test_data_hold_no_number_that_json_lacks() -> None:
    made = specification(named("rows").mark_point(), rows=[{"x": math.nan, "y": 0.123456789}])
    assert made["datasets"]["rows"] == [{"x": None, "y": 0.123457}]


def _steps(until: int, loss: float, rate: float = 1e-3) -> list[dict[str, Any]]:
    """As a rung's report has them: a point for each step of ten examples."""
    return [
        {
            "step": number,
            "examples_seen": 10 * number,
            "loss": loss / number,
            "learning_rate": rate,
            "gradient_norm": 1.0 + number,
            "tokens": 100,
        }
        for number in range(1, until + 1)
    ]


def _write_steps(root: Path, number: int, outcome: str, objective: float | None) -> None:
    own = {"technique": "lora", "rank": 4, "data_size": 100}
    row = write_trial(
        Store(root), number, own, outcome, rungs=1, predictions=False, objective=objective
    )
    report = Store(root).reports(SWEEP, row["trial_id"])[0]
    steps = _steps(300, 2.0) if objective is not None else [*_steps(1, 2.0), *_steps(2, math.inf)]
    Store(root).publish_report(report | {"rung": 1, "rung_examples": 9000, "steps": steps})


def test_steps_between_rungs_are_drawn_of_the_best_and_of_what_diverged(tmp_path: Path) -> None:
    for number in range(9):
        _write_steps(tmp_path, number, "completed", 0.1 * number)
    _write_steps(tmp_path, 9, "diverged", None)
    rows = final_rows(tmp_path, [SWEEP])
    loss, norm, rate = step_figures(tmp_path, SWEEP, rows, {trial_name(8): "the best"})
    drawn = loss.chart["datasets"]["rows"]
    assert [row["trial"] for row in drawn] == [trial_name(n) for n in (8, 7, 6, 5, 4, 3, 9)]
    assert drawn[0]["name"] == "the best"
    # Three steps are one point; what is not finite is none.
    assert drawn[0]["examples"] == list(range(30, 3001, 30))
    assert drawn[0]["values"][0] == pytest.approx((2 + 1 + 2 / 3) / 3, rel=1e-5)
    assert drawn[-1]["values"] == [2.0]
    assert norm.chart["datasets"]["rows"][0]["values"][0] == pytest.approx(3.0)
    assert set(rate.chart["datasets"]["rows"][0]["values"]) == {1e-3}
    assert "the 6 best that completed, best first, and 1 that diverged" in loss.alt
    assert [line[2] for line in loss.table.lines if line[1] == "the best"][-1] == "3,000"


def _rate_of(root: Path, peaks: Sequence[float]) -> dict[str, Any]:
    """The chart of rates that fall from their peaks to a thousandth."""
    for number, peak in enumerate(peaks):
        own = {"technique": ("lora", "full")[number % 2], "rank": 4, "data_size": 100}
        write_trial(Store(root), number, own, rungs=1, predictions=False, objective=0.5)
        report = Store(root).reports(SWEEP, trial_name(number))[0]
        steps = [
            point | {"learning_rate": peak * (1 - 0.999 * (point["step"] - 1) / 29)}
            for point in _steps(30, 2.0)
        ]
        Store(root).publish_report(report | {"rung": 1, "rung_examples": 9000, "steps": steps})
    *_, rate = step_figures(root, SWEEP, final_rows(root, [SWEEP]), {})
    return dict(rate.chart)


def test_rates_are_drawn_by_their_factor_where_their_peaks_differ_by_one(tmp_path: Path) -> None:
    """Else the last steps of rates that decay to nothing would take most of the plot."""
    alike, apart = _rate_of(tmp_path / "a", [1e-3, 2e-3]), _rate_of(tmp_path / "b", [1e-4, 2e-3])
    assert "type" not in alike["layer"][0]["encoding"]["y"]["scale"]
    assert apart["layer"][0]["encoding"]["y"]["scale"]["type"] == "log"


def test_the_legend_of_curves_tells_techniques_apart(tmp_path: Path) -> None:
    chart = _rate_of(tmp_path, [1e-3, 2e-3])
    labels = {row["label"] for row in chart["datasets"]["rows"]}
    assert labels == {f"lora {trial_name(0)}", f"full {trial_name(1)}"}
    assert chart["layer"][0]["encoding"]["color"]["field"] == "label"


def test_a_store_without_steps_has_no_curves_between_rungs(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    write_trial(Store(tmp_path), 0, {"technique": "lora", "rank": 4}, predictions=False)
    assert step_figures(tmp_path, SWEEP, final_rows(tmp_path, [SWEEP]), {}) == []
    assert step_figures(tmp_path, SWEEP, [], {}) == []
