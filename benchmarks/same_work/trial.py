"""The trials that all ways run, and how ours runs them, one at a time and together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import torch

from benchmarks.phases import Phases, watching
from benchmarks.rung_writer import RungWriter
from benchmarks.setting import Setting
from trainables.contract.configuration import Scalar, TrialConfiguration
from trainables.contract.reports import RungReport, Training
from trainables.engine.engine import Engine
from trainables.finetune import Finetuning, finetune
from trainables.techniques.registry import complete

Outcome = TypeVar("Outcome")

BATCH = 16
RUNGS = 3
SOURCE_TOKENS, TARGET_TOKENS = 256, 128  # the study's
CONFIGURATIONS: tuple[dict[str, Scalar], ...] = (
    {"rank": 8, "target_modules": "q,v"},
    {"rank": 16, "target_modules": "q,k,v,o"},
)
"""The two adapters of the study."""


@dataclass(frozen=True)
class Size:
    """How much work a trial is.

    Attributes:
        rows: Distinct training rows; rows * epochs is a multiple of `BATCH` * `RUNGS`, so that all
            ways take the same steps and look at the model at the same ones.
        epochs: Passes over them.
        held_out: Validation rows.
    """

    rows: int
    epochs: int
    held_out: int

    def __post_init__(self) -> None:
        """Checks the sizes.

        Raises:
            ValueError: A batch would be incomplete, or a rung would fall into one.
        """
        if self.rows % BATCH or self.rows * self.epochs % (BATCH * RUNGS) or self.rows < BATCH:
            raise ValueError(
                f"rows is {self.rows} and epochs is {self.epochs}, but rows must be a multiple of "
                f"{BATCH} and rows * epochs one of {BATCH * RUNGS}"
            )

    @property
    def rungs(self) -> tuple[int, ...]:
        """Examples after which the tuned loop and ours look at the model."""
        return tuple(self.rows * self.epochs * part // RUNGS for part in range(1, RUNGS + 1))


@dataclass(frozen=True)
class Ended:
    """A trial that has ended.

    Attributes:
        seconds: Time of each phase.
        cpu_seconds: Processor time of the whole trial.
        loss: Final mean cross-entropy per target token of the validation rows, in nats.
        rouge_l: Mean over the validation rows.
        exact_match: The same.
    """

    seconds: dict[str, float]
    cpu_seconds: float
    loss: float
    rouge_l: float
    exact_match: float


def configurations(
    setting: Setting, size: Size, learning_rate: float, seed: int
) -> list[TrialConfiguration]:
    """Returns the trials of one seed: the study's adapters, by the Trainer's default schedule."""
    return [
        TrialConfiguration(
            technique="lora",
            parameters=complete(
                "lora",
                {
                    **adapter,
                    "dropout": 0.1,
                    "learning_rate": learning_rate,
                    "batch_size": BATCH,
                    "schedule": "linear",
                    "warmup": 0.0,
                },
            ),
            data_size=size.rows,
            budget_examples=size.rows * size.epochs,
            seed=seed,
            data_seed=0,
            base_model=setting.base_model,
            dataset=setting.dataset,
            validation_rows=size.held_out,
            test_rows=1,  # as few as there can be: the other ways look at no test rows
            source_tokens=SOURCE_TOKENS,
            target_tokens=TARGET_TOKENS,
        )
        for adapter in CONFIGURATIONS
    ]


def ours(configuration: TrialConfiguration, rungs: Sequence[int], device: torch.device) -> Ended:
    """Runs a trial by `trainables.finetune`: loss, SQL, scores and a checkpoint at every rung."""
    phases = Phases()
    with TemporaryDirectory() as folder:
        report = RungWriter(Path(folder))
        with watching(phases):
            finetune(configuration, rungs, report, device=device)
    phases.stop()
    return _ended(phases, report)


def packed(
    configurations: Sequence[TrialConfiguration], rungs: Sequence[int], device: torch.device
) -> list[Ended]:
    """Runs trials together in an engine: of each what `ours` does, in passes that they share.

    Returns:
        Of each its share of the time.
    """
    phases, engine = Phases(), Engine()
    with ExitStack() as stack:
        writers = [
            RungWriter(Path(stack.enter_context(TemporaryDirectory()))) for _ in configurations
        ]
        stack.enter_context(watching(phases))
        keys = [str(number) for number in range(len(configurations))]
        trials = [stack.enter_context(closing(Finetuning(c, device))) for c in configurations]
        for key, trial in zip(keys, trials, strict=True):
            engine.join(key, trial)
        for number, rung in enumerate(rungs):
            arrived: dict[str, Training | Exception] = {}
            for key in keys:
                engine.advance(key, rung)
            while engine.on_the_way:
                arrived |= engine.step()
            found = engine.evaluate(keys, "validation")
            for key, trial, writer in zip(keys, trials, writers, strict=True):
                training, evaluation = _sound(arrived[key]), _sound(found[key])
                reached = trial.reached(training, evaluation)
                writer.rung(
                    RungReport(
                        rung=number,
                        rung_examples=rung,
                        step=reached.step,
                        metrics=reached.metrics,
                        predictions=evaluation.predictions,
                        save=trial.save,
                    )
                )
        for protocol in configurations[0].test_protocols:
            for tested in engine.evaluate(keys, "test", protocol).values():
                _sound(tested)
    phases.stop()
    return [_ended(phases, writer, share=1 / len(writers)) for writer in writers]


def _sound(outcome: Outcome | Exception) -> Outcome:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _ended(phases: Phases, report: RungWriter, share: float = 1.0) -> Ended:
    last = report.metrics
    return Ended(
        {phase: share * seconds for phase, seconds in phases.seconds.items()},
        share * phases.cpu_seconds,
        float(last["eval_loss"]),
        float(last["rouge_l"]),
        float(last["exact_match"]),
    )
