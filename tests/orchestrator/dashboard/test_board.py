"""The Grafana board: complete, and of the shape of those that Ray ships."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from ray.dashboard.modules.metrics import grafana_dashboard_factory as factory
from typer.testing import CliRunner

from orchestrator.dashboard.board import board
from orchestrator.dashboard.catalogue import METRICS
from orchestrator.dashboard.cli import app
from tests import small_disk


def _rays_board() -> dict[str, Any]:
    text, _ = factory.generate_train_grafana_dashboard()
    document: dict[str, Any] = json.loads(text)
    return document


def test_each_metric_is_on_the_board_and_nothing_else_is_asked_for() -> None:
    asked = {
        target["expr"].partition("{")[0]
        for panel in board()["panels"]
        for target in panel["targets"]
    }
    assert asked == {metric.exported for metric in METRICS}
    labels = {label for metric in METRICS for label in metric.labels}
    legends = json.dumps(board())
    assert set(re.findall(r"\{\{(\w+)\}\}", legends)) <= labels


def test_it_has_what_boards_of_ray_have() -> None:
    ours, rays = board(), _rays_board()
    unneeded = {
        "style",
        "rayMeta",
        "tags",
        "timepicker",
        "timezone",
        "links",
        "fiscalYearStartMonth",
    }
    assert set(rays) - set(ours) <= unneeded
    assert ours["schemaVersion"] == rays["schemaVersion"]
    for name in ("datasource", "SessionName"):
        theirs = next(each for each in rays["templating"]["list"] if each["name"] == name)
        own = next(each for each in ours["templating"]["list"] if each["type"] == theirs["type"])
        assert set(own) >= {"name", "type", "query", "refresh", "hide", "includeAll", "multi"}
        assert {key: type(own[key]) for key in ("query", "hide")} == {
            key: type(theirs[key]) for key in ("query", "hide")
        }
    panel = next(each for each in rays["panels"] if each["type"] != "row")
    for own in ours["panels"]:
        assert set(own) <= set(panel) | {"options", "fieldConfig"}
        assert set(own["targets"][0]) <= set(panel["targets"][0])


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = board()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)

    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        return {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }

    for one, other in combinations(panels, 2):
        assert not cells(one) & cells(other)


def test_the_command_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    done = CliRunner().invoke(app, ["-o", str(file)])
    assert done.exit_code == 0, done.output
    assert json.loads(file.read_text()) == board()
    assert json.loads(CliRunner().invoke(app, []).stdout) == board()


@pytest.mark.parametrize(
    ("output", "said"),
    [("absent/board.json", "cannot be written: "), (".", "is a folder, but a file is to be")],
)
def test_what_cannot_be_written_is_one_clear_message(
    tmp_path: Path, output: str, said: str
) -> None:
    done = CliRunner().invoke(app, ["-o", str(tmp_path / output)])
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize("content", ["mine", "{}", "[1]", '{"uid": "other"}', "[" * 100_000])
def test_a_file_of_another_is_not_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "notes.json"
    file.write_text(content)
    done = CliRunner().invoke(app, ["-o", str(file)])
    assert done.exit_code == 2
    assert "was not written by this command; name another file" in done.stderr.replace("\n", " ")
    assert file.read_text() == content


def test_on_a_full_disk_the_board_before_stays(tmp_path: Path) -> None:
    with small_disk.mounted(tmp_path / "disk") as disk:
        file = disk / "board.json"
        assert CliRunner().invoke(app, ["-o", str(file)]).exit_code == 0
        filler = small_disk.fill(disk, 0)
        done = CliRunner().invoke(app, ["-o", str(file)])
        assert done.exit_code == 2
        assert "the disk is full" in done.stderr.replace("\n", " ")
        assert "--root" not in done.stderr
        assert json.loads(file.read_text()) == board()
        assert sorted(disk.iterdir()) == [file, filler]
