"""What a trial costs beyond its training: ours beside the documented way.

    python -m benchmarks.overhead                    # about six minutes on two cores
    python -m benchmarks.overhead --rounds 1 --nested-trials 2

Both run trials that report three times and train nothing, one at a time, under Ray Tune with Ray
Train; `ours` is `orchestrator.tuning`, with every report and prediction stored, `nested` is the way
that Ray's user guide documents: a `TorchTrainer` with one worker inside a Tune function. The two
run in turns, each in processes and a Ray cluster of its own. The overhead of a trial is the time
between the ends of two trials, so the start of the cluster and the first trial's imports do not
count.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.console import console
from orchestrator.proposals import Proposal
from orchestrator.store.rows import Row

REPORTS = 3


class _Ends:
    """A watcher that notes when trials end."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def started(self, proposal: Proposal) -> None:
        pass

    def reported(self, proposal: Proposal, rung_examples: int, objective: float | None) -> None:
        pass

    def ended(self, proposal: Proposal, row: Row) -> None:
        assert row["outcome"] == "completed", row["error"]
        self.times.append(time.perf_counter())

    def interrupted(self, proposal: Proposal) -> None:
        raise AssertionError(f"trial {proposal.trial_number} was interrupted")


def ours(trials: int) -> list[float]:
    """Runs the trials under `orchestrator.tuning`; returns when each ended, in seconds."""
    from orchestrator.devices import slots
    from orchestrator.identity import sweep_id
    from orchestrator.outcome import Conclusions
    from orchestrator.resume import standing
    from orchestrator.spec import load
    from orchestrator.store import Store
    from orchestrator.tuning import cluster, run_trials

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "overhead.yaml"
        file.write_text(
            "name: overhead\n"
            "question: What does a trial cost beyond its training?\n"
            "objective: {metric: rouge_l}\n"
            "space: {technique: {lora: {}}, data_size: 100}\n"
            f"trials: {trials}\n"
            "search: {method: random}\n"
            "budget: {examples: 900}\n"
            # The idle trials score alike, so none is ever stopped: three reports each.
            "stopping: {first_rung: 0.2, reduction_factor: 3}\n"
            "limits: {max_concurrent: 1}\n"
        )
        sweep = load(file, profile="embedded")
        assert len(sweep.rungs(900)) == REPORTS
        store, identifier, ends = Store(Path(folder) / "store"), sweep_id(sweep), _Ends()
        conclusions = Conclusions(sweep, identifier, store, "{}")
        with cluster(None, dashboard=False) as ray:
            run_trials(
                sweep,
                identifier,
                store,
                standing(sweep, identifier, store, conclusions),
                conclusions,
                slots(sweep, ray["resources"]),
                [ends],
                "benchmarks.idle_learner:finetune",
            )
        return ends.times


def nested(trials: int) -> list[float]:
    """Runs the trials as the user guide says; returns when each ended, in seconds."""
    import ray
    from ray import tune

    times: list[float] = []

    class Ends(tune.Callback):
        def on_trial_complete(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

    ray.init(include_dashboard=True, log_to_driver=False)
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
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2, help="turns of each way (2)")
    parser.add_argument("--our-trials", type=int, default=8, help="trials a turn, ours (8)")
    parser.add_argument("--nested-trials", type=int, default=3, help="trials a turn, nested (3)")
    parser.add_argument("--only", nargs=2, metavar=("WAY", "TRIALS"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.only:
        way, trials = given.only
        print(json.dumps({"ours": ours, "nested": nested}[way](int(trials))))
        return
    seconds: dict[str, list[float]] = {"ours": [], "nested": []}
    out = console()
    for turn in range(given.rounds):
        for way, trials in (("ours", given.our_trials), ("nested", given.nested_trials)):
            found = _in_a_process(way, trials)
            seconds[way] += found
            out.print(f"turn {turn + 1}, {way}: {statistics.median(found):.2f} s a trial")
    out.print(f"\n{'way':8} {'trials':>6} {'median s':>9} {'min s':>7} {'max s':>7}")
    for way, found in seconds.items():
        low, high = min(found), max(found)
        out.print(f"{way:8} {len(found):6d} {statistics.median(found):9.2f} {low:7.2f} {high:7.2f}")
    ratio = statistics.median(seconds["nested"]) / statistics.median(seconds["ours"])
    out.print(f"\nnested / ours: {ratio:.0f}")


if __name__ == "__main__":
    main()
