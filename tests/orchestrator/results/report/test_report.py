"""A report says what the other verbs say of the same sweep."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.results.answer import answer
from orchestrator.results.report.content import report
from orchestrator.results.report.parts import Figure, Table
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import Store
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.report.conftest import Open
from tests.orchestrator.results.synthetic import SWEEP, trial_name, write_sweep, write_trial


def cells(out: str) -> list[str]:
    """What stands in the lines of a table that was printed into a pipe."""
    return [cell for line in out.splitlines()[1:] for cell in line.split("  ") if cell.strip()]


def test_the_answer_of_a_confirmed_sweep_is_the_terminals(
    confirmed: StoredSweep, open_page: Open, run: Run
) -> None:
    page = open_page(confirmed.root)
    assert confirmed.sweep.question in page.text
    for line in answer(confirmed.root, confirmed.id).splitlines():
        assert line in page.text
    _, out, _ = run("answer", store=confirmed.root)
    table = out[: out.index("From 9 trials")]
    for cell in cells(table):
        assert cell.strip() in page.text


def test_what_was_confirmed_is_drawn_with_the_answers_numbers(
    confirmed: StoredSweep, ask: Callable[..., Any], open_page: Open
) -> None:
    (found,) = ask("answer", store=confirmed.root)
    standings, asked = found["confirmed"]["standings"], found["confirmed"]["asked"]
    by_rank, by_size, differences, surface, *_ = open_page(confirmed.root).charts
    scores = sorted((each["score"]["value"], *each["score"]["interval"]) for each in standings)
    for chart in (by_rank, by_size):
        rows = chart["datasets"]["rows"]
        drawn = sorted((row["value"], row["low"], row["high"]) for row in rows)
        assert np.array(drawn) == pytest.approx(np.array(scores), rel=1e-5)
    shown = sorted(row["score"] for row in surface["datasets"]["rows"])
    assert shown == pytest.approx([value for value, *_ in scores], rel=1e-5)
    ends = [(row["low"], row["high"]) for row in differences["datasets"]["rows"]]
    stated = [each["interval"] for contrasts in asked.values() for each in contrasts]
    assert np.array(ends) == pytest.approx(np.array(stated), rel=1e-5)


def test_a_sweep_that_was_searched_alone_says_so(root: Path, open_page: Open, run: Run) -> None:
    page = open_page(root)
    for line in answer(root, SWEEP).splitlines():
        assert line in page.text
    assert "Nothing was confirmed" in page.text
    assert "What was confirmed" not in page.text
    _, out, _ = run("leaderboard", "--limit", "10", store=root)
    first = out.splitlines()[2]
    assert first.split()[1] in page.text
    assert "  ".join(first.split("  ")).split(" [")[0].split()[-1] in page.text


def test_the_best_is_shown_as_show_shows_it(root: Path, open_page: Open, run: Run) -> None:
    page = open_page(root)
    _, out, _ = run("show", "best")
    shown = out.split("Predictions on validation rows, by rouge_l")[1].splitlines()
    predictions = [
        line.strip().split("prediction  ")[1] for line in shown if "prediction  " in line
    ]
    assert len(predictions) == 10
    for text in predictions:
        assert text in page.text


def test_every_plot_has_its_data_as_a_table_and_says_what_it_shows(
    confirmed: StoredSweep,
) -> None:
    found = report(confirmed.root, confirmed.id)
    figures = [part for each in found.sections for part in each.parts if isinstance(part, Figure)]
    assert len(figures) >= 7
    for figure in figures:
        assert figure.table.lines
        assert {len(line) for line in figure.table.lines} == {len(figure.table.headers)}
        assert set(figure.table.right) <= set(figure.table.headers)
        assert figure.alt
        assert all(figure.chart["datasets"].values())


def test_a_sweep_that_runs_says_what_there_is_so_far(tmp_path: Path, open_page: Open) -> None:
    ends = [row["outcome"] for row in write_sweep(tmp_path)]
    assert "So far" not in open_page(tmp_path).text
    ends.pop(5)
    (tmp_path / "trials" / f"sweep={SWEEP}" / f"{trial_name(5)}.parquet").unlink()
    page = open_page(tmp_path)
    counts = f"{ends.count('completed')} completed, {ends.count('stopped')} stopped"
    assert f"So far 13 trials: {counts}, 1 not ended yet." in page.text
    (curves,) = [chart for chart in page.charts if "examples" in chart["datasets"]["rows"][0]]
    running = [row for row in curves["datasets"]["rows"] if row["outcome"] == "running"]
    assert [row["trial"] for row in running] == [trial_name(5)]


def test_a_sweep_of_which_no_trial_has_ended_is_reported(tmp_path: Path, open_page: Open) -> None:
    write_sweep(tmp_path)
    shutil.rmtree(tmp_path / "trials")
    page = open_page(tmp_path)
    assert "There is no answer yet: no trial has ended." in page.text
    assert "So far 13 trials: 13 not ended yet." in page.text


def test_a_sweep_that_failed_says_what_the_errors_were(tmp_path: Path, open_page: Open) -> None:
    errors = ["Traceback\nOSError: no such model", "Traceback\nOSError: no such model", None]
    for number, error in enumerate(errors):
        parameters = {"technique": "lora", "rank": 8, "data_size": 100}
        write_trial(
            Store(tmp_path), number, parameters, "failed", rungs=0, predictions=False, error=error
        )
    found = report(tmp_path, SWEEP)
    (failed,) = [each for each in found.sections if each.title == "What gave no result"]
    (table,) = failed.parts
    assert isinstance(table, Table)
    assert [list(line) for line in table.lines] == [
        ["failed", "2", "OSError: no such model", trial_name(0)],
        ["failed", "1", "none was recorded", trial_name(2)],
    ]
    page = open_page(tmp_path)
    assert "none of 3 trials trained to the full budget" in page.text
    assert page.charts == []


def test_predictions_that_are_not_stored_are_said_to_be_missing(
    tmp_path: Path, open_page: Open
) -> None:
    write_trial(
        Store(tmp_path), 1, {"technique": "lora", "rank": 8, "data_size": 100}, predictions=False
    )
    assert f"No predictions of {trial_name(1)} are stored." in open_page(tmp_path).text


def test_predictions_that_nobody_can_judge_are_counted(tmp_path: Path, open_page: Open) -> None:
    write_trial(Store(tmp_path), 1, {"technique": "lora", "rank": 8, "data_size": 100}, unjudged=7)
    page = open_page(tmp_path)
    assert "validation 7 unjudged the row can be measured, but this prediction is none" in page.text


def test_a_compacted_copy_has_the_same_report(
    confirmed: StoredSweep, run: Run, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    assert run("export", copy, store=confirmed.root)[0] == 0
    of_store, of_copy = (report(root, confirmed.id) for root in (confirmed.root, copy))
    assert of_store.sections[:-1] == of_copy.sections[:-1]  # commands name their store
