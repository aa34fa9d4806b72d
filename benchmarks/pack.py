"""What it saves to train and evaluate several adapters on one base together.

    python -m benchmarks.pack                                 # perhaps 30 minutes
    python -m benchmarks.pack --packs 8 --batches 4 --turns 1 # does it run?

The same trials in three ways, in turns: `together` in an engine (`trainables.engine`), `alone` one
after another by the same passes, and by transformers' model with PEFT's layers around it, one after
another too (`transformers`; its dropout draws other numbers). Ranks, layers, rates and seeds differ
within a pack. Training, and then an evaluation with SQL written, are timed apart: wall-clock
seconds on one thread; the model is loaded before.

Equal quality is checked, not assumed: `together` ends with the losses of `alone` to 1e-3 (sums are
taken in another order, and a step's rounding goes on through all that follow), and with at least 99
of 100 of its texts; else the line says so and the exit status is 1.
"""

from __future__ import annotations

import argparse
import datetime
import os
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import product
from unittest import mock

import torch

from benchmarks.setting import MODELS, OTHERS, Setting, machine, prepared
from orchestrator.terminal.console import console
from trainables.contract.configuration import Scalar, TrialConfiguration
from trainables.contract.reports import Evaluation
from trainables.engine.engine import Engine
from trainables.finetune import Finetuning
from trainables.inference.predictor import be_quiet
from trainables.passes.frozen_decoder import FrozenDecoder
from trainables.passes.frozen_t5 import FrozenT5
from trainables.runtime.device import choose_device
from trainables.techniques.registry import complete

WAYS = ("together", "alone", "transformers")
_LOW_RANK: tuple[Mapping[str, Scalar], ...] = (
    {"rank": 2, "target_modules": "q,v"},
    {"rank": 4, "target_modules": "q,k,v,o"},
    {"rank": 8, "target_modules": "q,v"},
    {"rank": 16, "target_modules": "q,k,v,o"},
)
_PREFIXES: tuple[Mapping[str, Scalar], ...] = tuple(
    {"virtual_tokens": tokens} for tokens in (5, 10, 20, 40)
)
_DIFFERENT = {
    "lora": (_LOW_RANK, (1e-3, 2e-3, 4e-3)),
    "qlora": (_LOW_RANK, (1e-3, 2e-3, 4e-3)),
    "prefix": (_PREFIXES, (5e-3, 1e-2, 2e-2)),
}
"""Of each technique, parameters and learning rates."""


@dataclass(frozen=True)
class Taken:
    """What one way took, and what came of it.

    Attributes:
        training: Seconds.
        evaluation: Seconds.
        losses: On validation rows, of each trial.
        texts: What each trial wrote.
    """

    training: float
    evaluation: float
    losses: list[float]
    texts: list[str]

    @property
    def whole(self) -> float:
        """Seconds of both."""
        return self.training + self.evaluation


def trials(
    setting: Setting, pack: int, batch: int, examples: int, technique: str = "lora"
) -> list[TrialConfiguration]:
    """Returns the configurations of a pack, no two alike."""
    different, rates = _DIFFERENT[technique]
    return [
        TrialConfiguration(
            technique=technique,
            parameters=complete(
                technique,
                {
                    **different[number % len(different)],
                    "learning_rate": rates[number % len(rates)],
                    "batch_size": batch,
                },
            ),
            data_size=examples,
            budget_examples=examples,
            seed=number,
            data_seed=0,
            base_model=setting.base_model,
            dataset=setting.dataset,
            validation_rows=64,
            test_rows=1,
        )
        for number in range(pack)
    ]


def take(way: str, configurations: Sequence[TrialConfiguration]) -> Taken:
    """Trains and evaluates all of them in one way."""
    with ExitStack() as stack:
        if way == "transformers":
            for kind in (FrozenT5, FrozenDecoder):
                stack.enter_context(mock.patch.object(kind, "suits", return_value=False))
        made = [stack.enter_context(closing(Finetuning(each))) for each in configurations]
        budget = configurations[0].budget_examples
        began = time.perf_counter()
        if way == "together":
            engine = Engine()
            for number, trial in enumerate(made):
                engine.join(str(number), trial)
                engine.advance(str(number), budget)
            while engine.on_the_way:
                engine.step()
            trained = time.perf_counter()
            by_key = engine.evaluate([str(number) for number in range(len(made))], "validation")
            found = [each for each in by_key.values() if isinstance(each, Evaluation)]
        else:
            for trial in made:
                trial.advance(budget)
            trained = time.perf_counter()
            found = [trial.evaluate("validation") for trial in made]
        ended = time.perf_counter()
    losses = [float(each.metrics["eval_loss"] or 0.0) for each in found]
    texts = [row["prediction"] for each in found for row in each.predictions]
    return Taken(trained - began, ended - trained, losses, texts)


def differs(one: Taken, other: Taken) -> str:
    """Says in what two ways differ by more than rounding; "" if in nothing."""
    pairs = zip(one.losses, other.losses, strict=True)
    worst = max(abs(a - b) / max(abs(b), 1e-9) for a, b in pairs)
    equal = sum(a == b for a, b in zip(one.texts, other.texts, strict=True))
    if worst > 1e-3 or equal < 0.99 * len(one.texts):
        return f"losses differ by {worst:.1e}, {equal} of {len(one.texts)} texts are equal"
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints every turn and the medians of the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", choices=[*MODELS, *OTHERS], default="embedded", help="(embedded)"
    )
    parser.add_argument("--technique", choices=[*_DIFFERENT], default="lora", help="(lora)")
    parser.add_argument("--packs", type=int, nargs="+", default=[2, 4, 8, 16], help="trials")
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 4, 8, 16], help="examples")
    parser.add_argument("--examples", type=int, default=320, help="that a trial trains on (320)")
    parser.add_argument("--turns", type=int, default=7, help="of all ways (7)")
    given = parser.parse_args(arguments)
    be_quiet()
    torch.set_num_threads(1)
    out = console()
    failed = False
    with prepared(given.model) as setting:
        when = datetime.datetime.now(datetime.UTC)
        load = os.getloadavg()[0]
        out.print(f"{setting.description}; {machine(choose_device('auto'))}", markup=False)
        out.print(f"{when:%d %B %Y, %H:%M} UTC, load {load:.1f}", markup=False)
        out.print(
            "| trials | batch | turn | together s | alone s | transformers s | ratios: "
            "training | evaluation | whole | whole to transformers |",
            markup=False,
        )
        out.print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|", markup=False)
        for pack, batch in product(given.packs, given.batches):
            configurations = trials(setting, pack, batch, given.examples, given.technique)
            ratios: list[tuple[float, ...]] = []
            for turn in range(given.turns):
                taken = {way: take(way, configurations) for way in WAYS}
                together, alone, theirs = (taken[way] for way in WAYS)
                of_turn = (
                    alone.training / together.training,
                    alone.evaluation / together.evaluation,
                    alone.whole / together.whole,
                    theirs.whole / together.whole,
                )
                ratios.append(of_turn)
                cells = [pack, batch, turn + 1, *(f"{taken[way].whole:.1f}" for way in WAYS)]
                out.print(_line([*cells, *_rounded(of_turn)]), markup=False)
                if said := differs(together, alone):
                    failed = True
                    out.print(f"NOT EQUAL: {said}", markup=False)
            medians = map(statistics.median, zip(*ratios, strict=True))
            out.print(_line([pack, batch, "median", "", "", "", *_rounded(medians)]), markup=False)
    return 1 if failed else 0


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _rounded(ratios: Iterable[float]) -> list[str]:
    return [f"{ratio:.2f}" for ratio in ratios]


if __name__ == "__main__":
    sys.exit(main())
