"""The same trials, four ways, in turns: how long each takes, and whether they learn the same.

    python -m benchmarks.same_work                            # about ten minutes on one CPU thread
    python -m benchmarks.same_work --model flan-t5-large      # on one GPU
    python -m benchmarks.same_work --quick                    # does it run?

study: the way of the study that this project generalises. Hugging Face's Seq2SeqTrainer, every row
    padded to 256 and 128 tokens, batches of 2 accumulated to the trial's 16, rows tokenised anew
    for each trial, one evaluation at the end, SQL generated one row at a time with 4 beams.
tuned: the same Trainer as its users tune it. Rows tokenised once, padded to the longest of a batch,
    grouped by length; loss at three rungs; SQL generated at the end, greedily, in batches.
ours: `trainables.finetune.finetune`, as a sweep calls it: at each of three rungs loss, SQL, all
    scores (execution too) and a checkpoint.
packed: the same of all trials of a turn together, by the engine that packs run in; each has its
    share of the time.

The same rows, epochs, effective batch, optimiser, schedule, rates, validation rows, seeds and
initial weights. A turn runs the trials of one seed by each way, in rotating order, in this process,
after a warm-up that is not counted; imports are in none of the figures. All losses are one
measurement (mean over target tokens). The gate: ours must have the same final loss as each other
way, within the 95 % interval of the mean difference over seeds, or 2 % where that is narrower; the
exit code is 1 if not.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence

import torch
from transformers.utils import logging

from benchmarks.phases import PHASES, split_table
from benchmarks.same_work import hugging_face
from benchmarks.same_work.gate import judge
from benchmarks.same_work.trial import (
    CONFIGURATIONS,
    Ended,
    Size,
    configurations,
    ours,
    packed,
)
from benchmarks.setting import MODELS, Setting, machine, prepared
from trainables.contract.configuration import TrialConfiguration
from trainables.runtime.device import choose_device

Trial = Callable[[TrialConfiguration, Sequence[int], torch.device], Ended]
Way = Callable[[Sequence[TrialConfiguration], Sequence[int], torch.device], list[Ended]]


def one_by_one(trial: Trial) -> Way:
    """Returns the way that runs trials one after another."""

    def run(
        configurations: Sequence[TrialConfiguration], rungs: Sequence[int], device: torch.device
    ) -> list[Ended]:
        return [trial(configuration, rungs, device) for configuration in configurations]

    return run


WAYS: dict[str, Way] = {
    "study": one_by_one(hugging_face.study),
    "tuned": one_by_one(hugging_face.tuned),
    "ours": one_by_one(ours),
    "packed": packed,
}
SIZES = {"embedded": Size(240, 2, 50), "flan-t5-large": Size(1920, 1, 50)}
RATES = {"embedded": 3e-3, "flan-t5-large": 1e-4}
QUICK = Size(48, 1, 8)

Turns = dict[str, list[list[Ended]]]
"""By way: one list a turn, in it the trials in the order of the configurations."""


def run(
    setting: Setting, size: Size, rate: float, rounds: int, ways: Sequence[str], device: str
) -> Turns:
    """Runs every trial by every way, in turns; prints a line for each."""
    chosen = choose_device(device)
    for way in ways:
        WAYS[way](configurations(setting, QUICK, rate, seed=0)[:1], QUICK.rungs, chosen)
    found: Turns = {way: [] for way in ways}
    for turn in range(rounds):
        order = [*ways[turn % len(ways) :], *ways[: turn % len(ways)]]
        for way in order:
            trials = configurations(setting, size, rate, seed=turn + 1)
            ended = WAYS[way](trials, size.rungs, chosen)
            found[way].append(ended)
            seconds = sum(sum(trial.seconds.values()) for trial in ended)
            losses = ", ".join(f"{trial.loss:.4f}" for trial in ended)
            print(f"turn {turn + 1}, {way}: {seconds:.1f} s; losses {losses}", flush=True)
    return found


def table(found: Turns) -> str:
    """Returns the result as Markdown: seconds a trial, ratio to ours, quality; then the split."""
    trials = len(CONFIGURATIONS)
    seconds = {
        way: [sum(sum(t.seconds.values()) for t in turn) / trials for turn in turns]
        for way, turns in found.items()
    }
    median = {way: statistics.median(each) for way, each in seconds.items()}
    processor = {
        way: statistics.median(statistics.fmean(t.cpu_seconds for t in turn) for turn in turns)
        for way, turns in found.items()
    }
    lines = [
        "| way | s a trial, median | min | max | times ours | CPU s | times ours | loss | rouge_l "
        "| exact match |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for way, turns in found.items():
        ended = [trial for turn in turns for trial in turn]
        ratio, cpu_ratio = (
            f"{each[way] / each['ours']:.2f}" if "ours" in each else "-"
            for each in (median, processor)
        )
        quality = " | ".join(
            f"{statistics.fmean(getattr(trial, name) for trial in ended):.3f}"
            for name in ("loss", "rouge_l", "exact_match")
        )
        low, high = min(seconds[way]), max(seconds[way])
        lines.append(
            f"| {way} | {median[way]:.2f} | {low:.2f} | {high:.2f} | {ratio} "
            f"| {processor[way]:.2f} | {cpu_ratio} | {quality} |"
        )
    split = [
        (
            way,
            {
                phase: statistics.median(
                    statistics.fmean(trial.seconds[phase] for trial in turn) for turn in turns
                )
                for phase in PHASES
            },
        )
        for way, turns in found.items()
    ]
    return "\n".join([*lines, "", split_table(split, "s a trial, by phase")])


def gate(found: Turns) -> tuple[list[str], bool]:
    """Returns a line for each way that ours is compared with, and whether none of them differs."""
    losses = {
        way: [
            list(seeds) for seeds in zip(*([t.loss for t in turn] for turn in turns), strict=True)
        ]
        for way, turns in found.items()
    }
    verdicts = {
        way: judge(losses["ours"], losses[way])
        for way in losses
        if way != "ours" and "ours" in losses
    }
    lines = [f"Final loss, ours - {way}: {verdict}." for way, verdict in verdicts.items()]
    return lines, all(verdict.equal is not False for verdict in verdicts.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.same_work",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", choices=MODELS, default="embedded", help="(embedded)")
    parser.add_argument("--device", default="auto", help="cpu, cuda or mps (the best there is)")
    parser.add_argument("--rounds", type=int, default=5, help="turns, each another seed (5)")
    parser.add_argument("--rows", type=int, help="training rows (240; flan-t5-large 1920)")
    parser.add_argument("--epochs", type=int, help="passes over them (2; flan-t5-large 1)")
    parser.add_argument("--validation-rows", type=int, help="rows evaluated (50)")
    parser.add_argument("--learning-rate", type=float, help="(3e-3; flan-t5-large 1e-4)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="(all)")
    parser.add_argument("--quick", action="store_true", help="48 rows, one turn: does it run?")
    given = parser.parse_args(arguments)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    usual = QUICK if given.quick else SIZES[given.model]
    try:
        size = Size(
            given.rows or usual.rows,
            given.epochs or usual.epochs,
            given.validation_rows or usual.held_out,
        )
    except ValueError as error:
        parser.error(str(error))
    rate = given.learning_rate or RATES[given.model]
    with prepared(given.model) as setting:
        print(
            f"{setting.description}; {machine(choose_device(given.device))}\n"
            f"{len(CONFIGURATIONS)} trials a turn: {size.rows} rows, {size.epochs} epoch(s), batch "
            f"16, {size.held_out} validation rows, learning rate {rate:g}",
            flush=True,
        )
        rounds = 1 if given.quick else given.rounds
        found = run(setting, size, rate, rounds, given.ways, given.device)
    lines, passed = gate(found)
    print("\n".join(["", table(found), "", *lines]))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
