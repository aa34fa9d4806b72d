"""What training costs, technique by technique, and where the time of a trial goes.

    python -m benchmarks.step                                     # a few minutes on one CPU thread
    python -m benchmarks.step --model flan-t5-large --batch 32    # on one GPU
    python -m benchmarks.step --quick                             # does it run?

Each technique trains whole epochs through `trainables.finetune.finetune`, evaluates at two rungs,
writes a checkpoint at each, and is measured in turns, after a warm-up trial that is not counted.

tokens/s     source and target tokens without padding, over the time in `Finetuning.advance`.
MFU          model FLOPs of the trained rows (`benchmarks.step.flops`: the formula), over that time
             and over the peak: measured by a large matrix product here, and by the data sheet of
             the device where it is known. The target on an H200, 35 %, is a share of 790 TFLOP/s.
phases       seconds of the whole trial by what it is busy with (`benchmarks.phases`).
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import AutoConfig
from transformers.utils import logging

from benchmarks.phases import PHASES, Phases, split_table, watching
from benchmarks.rung_writer import RungWriter
from benchmarks.setting import MODELS, Setting, machine, prepared
from benchmarks.step import peak
from benchmarks.step.flops import TrainedT5
from trainables.base_models.locations import locate
from trainables.base_models.tokenizer import load_tokenizer
from trainables.contract.configuration import Scalar, TrialConfiguration
from trainables.contract.reports import Training
from trainables.data.prompt import prompt
from trainables.data.spelling import SqlTokens, collapse_white_space
from trainables.data.splits import splits_of
from trainables.finetune import finetune
from trainables.runtime.device import choose_device
from trainables.techniques.registry import TRAINED, complete


@dataclass(frozen=True)
class Measured:
    """One trial.

    Attributes:
        seconds: Time of each phase.
        tokens: Tokens trained on, without padding.
        training_seconds: Time in `advance`.
        flops: Model FLOPs of what was trained on.
    """

    seconds: dict[str, float]
    tokens: int
    training_seconds: float
    flops: int


def lengths(configuration: TrialConfiguration) -> list[tuple[int, int]]:
    """Returns the source and target tokens of every training row, cut as the trial cuts them."""
    splits = splits_of(configuration)
    rows = splits.training_rows(configuration.data_size)
    tokens = SqlTokens(load_tokenizer(configuration.base_model))
    prompts = [collapse_white_space(prompt(row)) for row in rows]
    sources = tokens.prompt_ids(prompts, configuration.source_tokens)
    statements = [row.sql for row in rows]
    targets = tokens.statement_ids(statements, configuration.target_tokens)
    return [(len(source), len(target)) for source, target in zip(sources, targets, strict=True)]


def measure(configuration: TrialConfiguration, device: torch.device) -> Measured:
    """Runs a trial of whole epochs and measures it.

    Args:
        configuration: The trial; its budget is a multiple of its data size.
        device: Where it runs.

    Raises:
        ValueError: The budget is not whole epochs.
        RuntimeError: The trial trained on other tokens than its rows have.
    """
    epochs, rest = divmod(configuration.budget_examples, configuration.data_size)
    if rest:
        raise ValueError("the budget must be whole epochs, so that each row counts alike")
    rows = lengths(configuration)
    base = configuration.base_model
    config = AutoConfig.from_pretrained(locate(base).source)
    model = TrainedT5.of(config, configuration.technique, configuration.parameters)
    trainings: list[Training] = []
    half = configuration.budget_examples // 2
    phases = Phases()
    with TemporaryDirectory() as folder, watching(phases, trainings):
        finetune(
            configuration,
            (half, configuration.budget_examples),
            RungWriter(Path(folder)),
            device=device,
        )
    phases.stop()
    tokens = sum(training.tokens for training in trainings)
    expected = epochs * sum(source + target for source, target in rows)
    if tokens != expected:
        raise RuntimeError(f"{tokens} tokens were trained on, but the rows have {expected}")
    return Measured(
        phases.seconds,
        tokens,
        sum(training.seconds for training in trainings),
        epochs * model.rows(rows),
    )


def table(found: dict[str, list[Measured]], peaks: dict[str, float]) -> str:
    """Returns the medians as Markdown.

    Args:
        found: The turns of each technique.
        peaks: Operations a second by the heading of their column.
    """
    headings = ["technique", "tokens/s", "GFLOP a token", "TFLOP/s"]
    headings += [f"MFU, {name}" for name in peaks]
    lines = [f"| {' | '.join(headings)} |", "|---|" + "---:|" * (len(headings) - 1)]
    for technique, turns in found.items():
        rate = statistics.median(turn.tokens / turn.training_seconds for turn in turns)
        speed = statistics.median(turn.flops / turn.training_seconds for turn in turns)
        cells = [
            f"{rate:,.0f}",
            f"{turns[0].flops / turns[0].tokens / 1e9:.4g}",
            f"{speed / 1e12:.4g}",
            *(f"{100 * speed / most:.1f} %" for most in peaks.values()),
        ]
        lines.append(f"| {technique} | {' | '.join(cells)} |")
    split = [
        (
            technique,
            {phase: statistics.median(t.seconds[phase] for t in turns) for phase in PHASES},
        )
        for technique, turns in found.items()
    ]
    return "\n".join([*lines, "", split_table(split, "seconds of a trial")])


def trial(
    setting: Setting, technique: str, rows: int, epochs: int, held_out: int, batch: int
) -> TrialConfiguration:
    """Returns the trial that is measured for a technique, with its default parameters."""
    given: dict[str, Scalar] = {"batch_size": batch}
    return TrialConfiguration(
        technique=technique,
        parameters=complete(technique, given),
        data_size=rows,
        budget_examples=rows * epochs,
        seed=0,
        data_seed=0,
        base_model=setting.base_model,
        dataset=setting.dataset,
        validation_rows=held_out,
        test_rows=1,  # as few as there can be
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.step",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", choices=MODELS, default="embedded", help="(embedded)")
    parser.add_argument("--device", default="auto", help="cpu, cuda or mps (the best there is)")
    parser.add_argument(
        "--techniques", nargs="+", choices=TRAINED, default=list(TRAINED), help="(all)"
    )
    parser.add_argument("--batch", type=int, help="examples a step (16; flan-t5-large 32)")
    parser.add_argument("--rows", type=int, help="training rows (480; flan-t5-large 3200)")
    parser.add_argument("--epochs", type=int, default=1, help="passes over them (1)")
    parser.add_argument("--validation-rows", type=int, default=50, help="(50)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each technique (3)")
    parser.add_argument("--quick", action="store_true", help="32 rows, one turn: does it run?")
    given = parser.parse_args(arguments)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    large = given.model == "flan-t5-large"
    batch = given.batch or (32 if large else 16)
    rows = given.rows or (32 if given.quick else 3200 if large else 480)
    held_out = 8 if given.quick else given.validation_rows
    rounds = 1 if given.quick else given.rounds
    device = choose_device(given.device)
    found: dict[str, list[Measured]] = {technique: [] for technique in given.techniques}
    with prepared(given.model) as setting:
        print(
            f"{setting.description}; {machine(device)}\nbatch {batch}, {rows} rows, "
            f"{given.epochs} epoch(s), {held_out} validation rows at 2 rungs",
            flush=True,
        )
        peaks = {"measured product": peak.measured(device)}
        known = peak.data_sheet(device)
        if known is not None:
            peaks |= {"data sheet": known, "reachable": peak.REACHABLE}
        for technique in given.techniques:
            measure(trial(setting, technique, 2 * batch, 1, 8, batch), device)
        for turn in range(rounds):
            for technique in given.techniques:
                one = measure(
                    trial(setting, technique, rows, given.epochs, held_out, batch), device
                )
                found[technique].append(one)
                rate = one.tokens / one.training_seconds
                print(f"turn {turn + 1}, {technique}: {rate:,.0f} tokens/s", flush=True)
    told = ", ".join(f"{name} {value / 1e12:.4g} TFLOP/s" for name, value in peaks.items())
    print(f"\n{table(found, peaks)}\n\nPeaks: {told}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
