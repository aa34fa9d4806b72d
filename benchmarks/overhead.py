"""What a trial costs beyond its training: ours beside what people would use instead.

    python -m benchmarks.overhead                          # about ten minutes on two cores
    python -m benchmarks.overhead --quick                  # one turn of few trials
    python -m benchmarks.overhead --ways ours hf-optuna    # only these

All run trials that report three times and train next to nothing, one at a time:

ours       `orchestrator.ray_tune.tuner`, with every report, prediction and checkpoint stored.
nested     the way that Ray's user guide documents: a `TorchTrainer` with one worker inside a Tune
           function.
hf-ray     Hugging Face's `Trainer.hyperparameter_search` with its Ray backend.
hf-optuna  the same with its Optuna backend: a loop in one process, without a store of results,
           recovery from crashes, or a second device.

They run in turns, each in processes and a Ray cluster of its own. The overhead of a trial is the
time between the ends of two trials, so the start of the cluster and the first trial's imports do
not count.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.search.proposals import Proposal
from orchestrator.search.run_report import RunReport
from orchestrator.store.rows import Row
from orchestrator.terminal.console import console

REPORTS = 3


class _Ends:
    """A watcher that notes when trials end."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def started(self, proposal: Proposal) -> None:
        pass

    def reported(self, proposal: Proposal, report: RunReport) -> None:
        pass

    def ended(self, proposal: Proposal, row: Row) -> None:
        assert row["outcome"] == "completed", row["error"]
        self.times.append(time.perf_counter())

    def paused(self, proposal: Proposal) -> None:
        """Does nothing."""

    def interrupted(self, proposal: Proposal, *, goes_on: bool = True) -> None:
        raise AssertionError(f"trial {proposal.trial_number} was interrupted")

    def passed(self) -> None:
        pass


def ours(trials: int) -> list[float]:
    """Runs the trials under `orchestrator.ray_tune.tuner`; returns when each ended, in seconds."""
    from orchestrator.outcomes.conclusions import Conclusions
    from orchestrator.outcomes.standing import standing
    from orchestrator.ray_tune.cluster import cluster
    from orchestrator.ray_tune.placement import slots
    from orchestrator.ray_tune.room import FixedRoom
    from orchestrator.ray_tune.tuner import SweepTuner
    from orchestrator.search_space import load
    from orchestrator.state.stored_sweep import latest
    from orchestrator.store import Store

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "overhead.yaml"
        file.write_text(
            "name: overhead\n"
            "question: What does a trial cost beyond its training?\n"
            "objective: {metric: rouge_l}\n"
            "space: {technique: {lora: {dropout: {uniform: [0, 0.5]}}}, data_size: 100}\n"
            f"trials: {trials}\n"
            "search: {method: random}\n"
            "budget: {examples: 900}\n"
            # The idle trials score alike, so none is ever stopped: three reports each.
            "stopping: {first_rung: 0.2, reduction_factor: 3}\n"
            "limits: {max_concurrent: 1}\n"
        )
        sweep = load(file, profile="embedded")
        assert len(sweep.rungs(900)) == REPORTS
        stored, ends = latest(sweep, Store(Path(folder) / "store")), _Ends()
        conclusions = Conclusions(stored, "{}")
        with cluster(None, dashboard=False) as ray:
            state, room = standing(stored, conclusions), FixedRoom(slots(sweep, ray["resources"]))
            tuner = SweepTuner(stored, state, conclusions, [ends], room=room)
            tuner.run("benchmarks.idle_learner:finetune")
        return ends.times


def nested(trials: int) -> list[float]:
    """Runs the trials as the user guide says; returns when each ended, in seconds."""
    import ray
    from ray import tune

    times: list[float] = []

    class Ends(tune.Callback):
        def on_trial_complete(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

    ray.init(address="local", include_dashboard=True, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        tune.Tuner(
            _nested_trial,
            param_space={"rate": tune.uniform(0, 1), "folder": folder},
            tune_config=tune.TuneConfig(num_samples=trials, max_concurrent_trials=1),
            run_config=tune.RunConfig(storage_path=folder, verbose=0, callbacks=[Ends()]),
        ).fit()
    ray.shutdown()
    return times


def _nested_trial(config: dict[str, Any]) -> None:
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer
    from ray.tune.integration.ray_train import TuneReportCallback

    TorchTrainer(
        _nested_loop,
        train_loop_config=config,
        scaling_config=ScalingConfig(num_workers=1),
        run_config=RunConfig(storage_path=config["folder"], callbacks=[TuneReportCallback()]),
    ).fit()


def _nested_loop(config: dict[str, Any]) -> None:
    import ray.train

    for step in range(REPORTS):
        ray.train.report({"rouge_l": config["rate"] * step})


def hf_ray(trials: int) -> list[float]:
    """Runs the trials by the Trainer's Ray backend; returns when each ended, in seconds."""
    from benchmarks.overhead_huggingface import ray_backend

    return ray_backend(trials)


def hf_optuna(trials: int) -> list[float]:
    """Runs the trials by the Trainer's Optuna backend; returns when each ended, in seconds."""
    from benchmarks.overhead_huggingface import optuna_backend

    return optuna_backend(trials)


WAYS: dict[str, Callable[[int], list[float]]] = {
    "ours": ours,
    "nested": nested,
    "hf-ray": hf_ray,
    "hf-optuna": hf_optuna,
}
TRIALS = {"ours": 8, "nested": 3, "hf-ray": 4, "hf-optuna": 8}


def table(seconds: Mapping[str, Sequence[float]]) -> str:
    """Returns the times between the ends of trials as Markdown, with ratios of medians to ours."""
    median = {way: statistics.median(found) for way, found in seconds.items()}
    lines = [
        "| way | intervals | median s | min s | max s | times ours |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for way, found in seconds.items():
        ratio = f"{median[way] / median['ours']:.1f}" if "ours" in median else "-"
        lines.append(
            f"| {way} | {len(found)} | {median[way]:.2f} | {min(found):.2f} | {max(found):.2f} "
            f"| {ratio} |"
        )
    return "\n".join(lines)


def _in_a_process(way: str, trials: int) -> list[float]:
    """Returns the seconds between the ends of consecutive trials."""
    command = [sys.executable, "-m", "benchmarks.overhead", "--only", way, str(trials)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    times = json.loads(done.stdout.splitlines()[-1])
    return [after - before for before, after in itertools.pairwise(times)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overhead",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=2, help="turns of each way (2)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="(all)")
    usual = ", ".join(f"{way} {trials}" for way, trials in TRIALS.items())
    parser.add_argument("--trials", type=int, help=f"trials a turn, at least 2 ({usual})")
    parser.add_argument("--quick", action="store_true", help="one turn of 2 trials: does it run?")
    parser.add_argument("--only", nargs=2, metavar=("WAY", "TRIALS"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.only:
        way, trials = given.only
        print(json.dumps(WAYS[way](int(trials))))
        return
    if given.trials is not None and given.trials < 2:
        parser.error(f"--trials is {given.trials}, but an interval takes at least 2")
    seconds: dict[str, list[float]] = {way: [] for way in given.ways}
    out = console()
    for turn in range(1 if given.quick else given.rounds):
        for way in given.ways:
            trials = 2 if given.quick else given.trials or TRIALS[way]
            found = _in_a_process(way, trials)
            seconds[way] += found
            out.print(f"turn {turn + 1}, {way}: {statistics.median(found):.2f} s a trial")
    print(f"\n{table(seconds)}")


if __name__ == "__main__":
    main()
