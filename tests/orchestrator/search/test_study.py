"""The search: the same proposals whether or not the sweep was interrupted."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from optuna.samplers._tpe.sampler import _split_trials

from orchestrator.search.identity import configuration_id
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_queue import RunQueue
from orchestrator.search.run_result import RunResult
from orchestrator.search.study import ConfigurationStudy
from orchestrator.search_space import Sweep
from tests.orchestrator import sweeps


def _score(configuration: Configuration) -> float:
    rate = configuration.get("learning_rate", 0.0)
    assert isinstance(rate, float)
    return rate


def _result(configuration: Configuration, number: int) -> RunResult:
    score = _score(configuration)
    if number % 7 == 3:
        return RunResult("diverged", ())
    if number % 3 == 1:
        return RunResult("stopped", ((90, score / 10),))
    return RunResult("completed", ((90, score / 10), (900, score)))


class _Driver:
    """Runs a queue to its end, one trial at a time."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.proposals: dict[int, Proposal] = {}
        self.finished: dict[int, RunResult] = {}

    def run(self, most: int = 10_000) -> list[int]:
        order: list[int] = []

        def propose(proposal: Proposal) -> Proposal:
            return self.proposals.setdefault(proposal.trial_number, proposal)

        queue = RunQueue(self.sweep, self.proposals, self.finished, propose)
        while len(order) < most and (proposal := queue.next()) is not None:
            order.append(proposal.trial_number)
            ended = _result(proposal.configuration, proposal.trial_number)
            self.finished[proposal.trial_number] = ended
            queue.ended(proposal, ended)
        return order


@pytest.mark.parametrize("method", ["tpe", "random"])
@pytest.mark.parametrize("cut", [1, 5, 14, 20])
def test_an_interrupted_search_proposes_what_an_undisturbed_one_does(
    tmp_path: Path, method: str, cut: int
) -> None:
    sweep = sweeps.toy(tmp_path, trials=24, search={"method": method})
    undisturbed = _Driver(sweep)
    undisturbed.run()
    interrupted = _Driver(sweep)
    interrupted.run(cut)
    interrupted.run()
    assert interrupted.proposals == undisturbed.proposals
    assert interrupted.finished == undisturbed.finished


def test_what_was_proposed_but_not_finished_comes_first_and_under_its_number(
    tmp_path: Path,
) -> None:
    driver = _Driver(sweeps.toy(tmp_path))
    driver.run()
    lost = driver.proposals[4]
    del driver.finished[4], driver.finished[8], driver.proposals[8]
    assert driver.run() == [4, 8]
    assert driver.proposals[4] == lost


def test_a_finished_search_is_extended_without_repeating_a_trial(tmp_path: Path) -> None:
    short = _Driver(sweeps.toy(tmp_path, trials=5))
    assert short.run() == [0, 1, 2, 3, 4, 5]
    longer = _Driver(sweeps.toy(tmp_path, trials=7))
    longer.proposals, longer.finished = dict(short.proposals), dict(short.finished)
    assert longer.run() == [6, 7]
    whole = _Driver(sweeps.toy(tmp_path, trials=7))
    whole.run()
    assert whole.proposals == longer.proposals


def test_another_seed_proposes_something_else(tmp_path: Path) -> None:
    one, two = _Driver(sweeps.toy(tmp_path)), _Driver(sweeps.toy(tmp_path, seed=1))
    one.run(), two.run()
    assert one.proposals[1] != two.proposals[1]


def test_the_baseline_is_first_and_outside_the_search(tmp_path: Path) -> None:
    driver = _Driver(sweeps.toy(tmp_path))
    driver.run()
    baseline = driver.proposals[0]
    assert baseline.configuration == {"technique": "pretrained"}
    assert baseline.configuration_number is None


def test_points_come_before_the_search_and_may_lie_outside_the_space(tmp_path: Path) -> None:
    points = [
        {"technique": "lora", "data_size": 100, "rank": 8, "learning_rate": 0.5},
        {"technique": "prefix", "data_size": 100, "learning_rate": 5.0e-5},
    ]
    driver = _Driver(sweeps.toy(tmp_path, points=points, trials=2))
    driver.run()
    assert [driver.proposals[n].configuration for n in (1, 2)] == points
    assert len(driver.proposals) == 5


def test_replicates_run_one_configuration_under_several_seeds(tmp_path: Path) -> None:
    driver = _Driver(sweeps.toy(tmp_path, replicates=3, trials=2))
    driver.run()
    runs = [driver.proposals[n] for n in range(1, 7)]
    assert [run.replicate for run in runs] == [0, 1, 2, 0, 1, 2]
    assert runs[0].configuration == runs[1].configuration == runs[2].configuration
    assert runs[3].configuration_number == 1


def test_a_grid_runs_every_configuration_once(tmp_path: Path) -> None:
    space: dict[str, Any] = {
        "technique": {"lora": {"rank": {"choice": [4, 8, 16]}}, "full": {}},
        "data_size": {"choice": [100, 200]},
    }
    driver = _Driver(sweeps.toy(tmp_path, space=space, trials=None, search={"method": "grid"}))
    study = ConfigurationStudy(driver.sweep)
    found = [study.propose(number) for number in range(driver.sweep.trials)]
    assert len(found) == 8
    assert all(found.count(each) == 1 for each in found)


@pytest.mark.parametrize("method", ["grid", "tpe"])
def test_a_point_inside_the_space_runs_once(tmp_path: Path, method: str) -> None:
    space: dict[str, Any] = {
        "technique": {"lora": {"rank": {"choice": [4, 8, 16]}}, "full": {}},
        "data_size": {"choice": [100, 200]},
    }
    points = [
        {"technique": "lora", "data_size": 200},  # rank 8, the default
        {"technique": "lora", "data_size": 200, "rank": 16, "dropout": 0.3},
    ]
    given = {"space": space, "points": points, "search": {"method": method}, "baseline": None}
    sweep = sweeps.toy(tmp_path, trials=100, **given)
    driver = _Driver(sweep)
    driver.run()
    found = [configuration_id(each.configuration) for each in driver.proposals.values()]
    assert len(found) == len(set(found)) == sweep.runs == 9


@pytest.mark.parametrize("method", ["tpe", "random"])
@pytest.mark.parametrize("cut", [9, 20])
def test_no_configuration_is_proposed_twice(tmp_path: Path, method: str, cut: int) -> None:
    space: dict[str, Any] = {
        "technique": {"lora": {"rank": {"choice": [4, 8, 16]}}, "full": {}, "prefix": {}},
        "data_size": {"choice": [100, 200, 300, 400]},
    }
    point = {"technique": "lora", "data_size": 200, "rank": 8}
    sweep = sweeps.toy(
        tmp_path, space=space, points=[point], trials=19, search={"method": method}, baseline=None
    )
    undisturbed = _Driver(sweep)
    undisturbed.run()
    found = [proposal.configuration for proposal in undisturbed.proposals.values()]
    assert len(found) == 20  # all that there are
    assert all(found.count(each) == 1 for each in found)
    interrupted = _Driver(sweep)
    interrupted.run(cut)
    interrupted.run()
    assert interrupted.proposals == undisturbed.proposals
    longer = _Driver(sweep.model_copy(update={"trials": 25}))
    longer.proposals, longer.finished = undisturbed.proposals, undisturbed.finished
    assert longer.run() == []


def test_the_study_learns_which_region_is_good(tmp_path: Path) -> None:
    driver = _Driver(sweeps.toy(tmp_path, trials=40, baseline=None))
    driver.run()
    scores = [_score(driver.proposals[n].configuration) for n in range(40)]
    assert sum(scores[25:]) / 15 > 2 * sum(scores[:10]) / 10


def _ranked(study: ConfigurationStudy) -> list[int]:
    """Returns the trials as TPE parts the good from the others: one more is good at each step."""
    trials = study._study.get_trials()
    ranked: list[int] = []
    for count in range(1, len(trials) + 1):
        good, _ = _split_trials(study._study, trials, count)
        ranked += [trial.number for trial in good if trial.number not in ranked]
    return ranked


@pytest.mark.parametrize("metric", ["rouge_l", "eval_loss"])
def test_a_failure_ranks_below_the_stopped_and_these_below_the_completed(
    tmp_path: Path, metric: str
) -> None:
    sign = 1.0 if metric == "rouge_l" else -1.0
    study = ConfigurationStudy(sweeps.toy(tmp_path, objective={"metric": metric}))
    ends = [
        RunResult("diverged", ()),
        RunResult("stopped", ((90, sign * 0.9),)),
        RunResult("failed", ((90, sign * 0.9), (270, sign * 0.9))),
        RunResult("completed", ((90, sign * 0.1), (900, sign * 0.2))),
        RunResult("stopped", ((90, sign * 0.1), (270, sign * 0.2))),
        RunResult("completed", ((90, sign * 0.1), (900, sign * 0.3))),
        RunResult("stopped", ((90, sign * 0.1), (270, sign * 0.3))),
        RunResult("out_of_memory", ()),
        RunResult("completed", ()),  # its objective could not be measured
    ]
    for number in range(len(ends)):
        study.propose(number)
    for number, end in enumerate(ends):
        study.finish(number, [end])
    assert _ranked(study) == [5, 3, 6, 4, 1, 0, 2, 7, 8]


def test_replicates_are_averaged_where_all_of_them_are(tmp_path: Path) -> None:
    study = ConfigurationStudy(sweeps.toy(tmp_path, replicates=3))
    stopped, survivor = ((90, 0.1),), ((90, 0.4), (270, 0.8), (810, 0.9))
    for number in range(3):
        study.propose(number)
    study.finish(0, [RunResult("stopped", stopped)] * 2 + [RunResult("completed", survivor)])
    study.finish(1, [RunResult("stopped", ((90, 0.3),))] * 3)
    study.finish(2, [RunResult("completed", survivor)] * 2 + [RunResult("failed", ())])
    trials = study._study.get_trials()
    assert trials[0].intermediate_values == pytest.approx({90: 0.2})
    assert _ranked(study) == [1, 0, 2]


@pytest.mark.parametrize(
    ("name", "fails"),
    [
        ("diverges above 3e-3", lambda found: found["learning_rate"] > 3e-3),
        ("rank 64 is too large", lambda found: found["rank"] == 64),
        ("all but few fail", lambda found: found["learning_rate"] > 2e-4),
    ],
)
def test_the_search_is_not_drawn_to_where_trials_fail(
    tmp_path: Path, name: str, fails: Callable[[Configuration], bool]
) -> None:
    branch = {
        "rank": {"choice": [4, 8, 16, 32, 64]},
        "learning_rate": {"loguniform": [1e-4, 1e-2]},
    }
    space = {"technique": {"lora": branch}, "data_size": {"choice": [1000, 5000, 20000]}}
    budget = {"examples": 20000}
    failed = {"tpe": 0, "random": 0}
    for method in failed:
        for seed in range(4):
            search = {"search": {"method": method}, "seed": seed}
            study = ConfigurationStudy(
                sweeps.toy(tmp_path, space=space, trials=32, budget=budget, **search)
            )
            for number in range(32):
                found = study.propose(number)
                assert found is not None
                if fails(found):
                    failed[method] += 1
                    study.finish(number, [RunResult("diverged", ())])
                    continue
                rate, rank = found["learning_rate"], found["rank"]
                assert isinstance(rate, float)
                assert isinstance(rank, int)
                value = 0.5 + 0.1 * math.log10(rate / 1e-4) + 0.02 * math.log2(rank)
                study.finish(number, [RunResult("completed", ((20000, value),))])
    assert failed["tpe"] <= failed["random"] * 1.1
