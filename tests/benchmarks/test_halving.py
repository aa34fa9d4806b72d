"""The simulation behind the defaults of early stopping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.halving.__main__ import TRIALS, asked, main, simulate
from benchmarks.halving.world import LAYERS, RANKS, World


def test_a_configuration_is_what_was_recorded_and_between_two_rates_between_them() -> None:
    world = World(0)
    recorded = [world.truth(8, "q,v", rate) for rate in (0.004, 0.008)]
    assert recorded == pytest.approx([0.724, 0.718], abs=1e-3)
    assert min(recorded) <= world.truth(8, "q,v", 0.005) <= max(recorded)
    assert World(2).truth(8, "q,v", 0.004) == recorded[0] != World(1).truth(8, "q,v", 0.004)


def test_noise_is_fresh_in_every_sweep_and_repeats_in_one() -> None:
    fractions = [0.15, 0.45, 1.0]
    first, again = (World(0).trial(3, 8, "q,v", 0.004, fractions) for _ in range(2))
    other = World(2).trial(3, 8, "q,v", 0.004, fractions)
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[1], other[1])
    assert np.all(np.abs(np.log(first[0] / other[0])) < 0.5)


def test_without_stopping_all_train_in_full_and_with_it_fewer_do(tmp_path: Path) -> None:
    whole = simulate(asked(tmp_path, "", 0), World(0))
    assert (whole.trainings, whole.completed) == (TRIALS, TRIALS)
    assert not any(whole.best_stopped)
    stopped = simulate(asked(tmp_path, "by: eval_loss", 0), World(0))
    assert len(stopped.of_strata) == len(LAYERS) * (len(RANKS) - 1)
    assert len(stopped.of_strata) <= stopped.completed < TRIALS
    assert stopped.trainings < 0.75 * TRIALS
    assert all(0.0 <= regret < 0.3 for regret in (stopped.regret, *stopped.of_strata))
    assert simulate(asked(tmp_path, "by: eval_loss", 0), World(0)) == stopped


def test_the_table_has_a_line_for_each_way(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--sweeps", "2", "--one-group", "--ways", "", "by: objective, first_rung: 0.3"])
    _, _, none, objective = capsys.readouterr().out.splitlines()
    assert none.startswith("| none |  | 36.0 | 36.0 |")
    assert objective.startswith("| by: objective, first_rung: 0.3 | 30, 60 |")


def test_of_the_recorded_grid_regret_is_over_the_best_of_all(tmp_path: Path) -> None:
    world = World(0)
    best = world.best_recorded()
    assert best == pytest.approx(0.786, abs=1e-3)
    few = simulate(asked(tmp_path, "by: eval_loss", 0, of_grid=4), world, best)
    tried = simulate(asked(tmp_path, "by: eval_loss", 0, of_grid=4), world)
    assert few.regret > tried.regret >= 0.0
    assert few.trainings < 4
