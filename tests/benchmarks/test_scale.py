"""What the driver costs as a sweep grows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.scale import COLUMNS, REQUEST_COLUMNS, Setting, line, main, measure, price
from benchmarks.scale import request_lines as lines_of

PRICES = (0.005, 0.0004)


def test_requests_have_the_price_of_their_kind() -> None:
    counts = {"PUT": 2000, "LIST": 1000, "GET": 3000, "HEAD": 2000, "DELETE": 9000}
    assert price(counts, PRICES) == pytest.approx(3 * 0.005 + 5 * 0.0004)


def test_in_a_bucket_the_requests_of_driver_and_trials_are_told_apart(tmp_path: Path) -> None:
    setting = Setting("random", 12, slots=4, place="bucket")
    found = measure(setting, tmp_path)
    assert found["results"] == len(found["wall"]) == len(found["cpu"]) > 12
    driver, trials = found["requests"]["driver"], found["requests"]["trials"]
    # A report and a start are the trial's; a proposal, a pause, a verdict and a final row are not.
    assert trials["PUT"] > found["results"]
    assert driver["PUT"] > 2 * 12
    assert set(found["restart_requests"]["driver"]) == {"LIST", "GET"}
    assert len(line(setting, found)) == len(COLUMNS)
    lines = list(lines_of(setting, found, PRICES))
    assert [len(each) for each in lines] == [len(REQUEST_COLUMNS)] * 3
    assert [each[0].rpartition(": ")[2] for each in lines] == ["driver", "trials", "restart"]


def test_the_same_sweep_takes_the_same_results_in_a_folder(tmp_path: Path) -> None:
    found = {}
    for place in ("folder", "bucket"):
        (folder := tmp_path / place).mkdir()
        found[place] = measure(Setting("random", 6, slots=3, place=place), folder)
    assert found["folder"]["results"] == found["bucket"]["results"]
    assert found["folder"]["requests"] == {}


def test_a_sweep_is_measured_in_a_process_that_writes_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--one", json.dumps({"method": "random", "trials": 6}), "--folder", str(tmp_path)])
    assert json.loads(capsys.readouterr().out)["results"] > 6
    assert not list(tmp_path.iterdir())
