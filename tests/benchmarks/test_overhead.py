from __future__ import annotations

import pytest

from benchmarks.overhead import TRIALS, WAYS, main, table
from benchmarks.overhead_huggingface import optuna_backend


def test_ratios_are_of_medians() -> None:
    text = table({"ours": [0.1, 0.2, 9.0], "nested": [30.0, 10.0]})
    assert "| ours | 3 | 0.20 | 0.10 | 9.00 | 1.0 |" in text
    assert "| nested | 2 | 20.00 | 10.00 | 30.00 | 100.0 |" in text


def test_every_way_has_a_number_of_trials() -> None:
    assert set(TRIALS) == set(WAYS)


def test_one_trial_has_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--trials", "1"])
    assert "--trials is 1" in capsys.readouterr().err


def test_the_optuna_backend_ends_each_trial_once() -> None:
    times = optuna_backend(3)
    assert len(times) == 3
    assert times == sorted(times)
