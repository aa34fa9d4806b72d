"""How many operations a device is handed for a step of a pack, and for the texts that it writes.

    python -m benchmarks.launches

Where a GPU waits for launches, and not for its arithmetic, these are the time; they need no GPU to
be counted. The model has the layers of Flan-T5-Large, 24 and 24, but is narrow. Trials of LoRA of
rank 8 on q and v, 8 rows each in bfloat16, in three ways: by transformers and PEFT, one trial after
another (`theirs`); by passes of our own together, each one's updates after another's (`together`);
and with all updates in grouped products, as on CUDA (`grouped`). An operation is a call of torch's
that is not a view of what is there; how many kernels a device makes of it is not counted.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import T5Config, T5ForConditionalGeneration

from benchmarks.setting import random_t5
from orchestrator.terminal.console import console
from trainables.families.registry import family_of_model
from trainables.passes import grouped
from trainables.passes.company import Company
from trainables.passes.frozen_t5 import FrozenT5
from trainables.passes.gradients import Step, add_gradients
from trainables.passes.joined import join_layers
from trainables.passes.parts import Parts
from trainables.techniques.registry import TECHNIQUES, complete

_CPU = torch.device("cpu")
_ROWS, _SOURCE, _TARGET, _WRITTEN = 8, 12, 8, 10
_ONE_PASS = 1e9


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations for a block."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Counts what is no view."""
        if not getattr(function, "is_view", False):
            self.count += 1
        return function(*args, **(kwargs or {}))


def counted(does: Callable[[], object]) -> int:
    """Returns how many operations something does."""
    counting = Counted()
    with counting:
        does()
    return counting.count


class Trial:
    """An adapter on a base that others share, and its next step."""

    def __init__(self, base: T5ForConditionalGeneration, number: int, dropout: float) -> None:
        modules = copy.deepcopy(base, {id(each): each for each in base.parameters()})
        lora = TECHNIQUES["lora"]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(number)
            self.model: Any = lora.adapt(
                modules, complete("lora", {"rank": 8, "target_modules": "q,v", "dropout": dropout})
            )
        for parameter in self.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
                parameter.grad = torch.zeros_like(parameter)
        self.adapter = lora.adapter(self.model)
        draw = np.random.default_rng(number)
        self.sources, self.targets = (
            [draw.integers(3, 60, length).astype(np.int32) for _ in range(_ROWS)]
            for length in (_SOURCE, _TARGET)
        )

    def step_by_transformers(self) -> None:
        """Adds the gradient of its step."""
        family = family_of_model(self.model.get_base_model())
        batch = family.collate(self.sources, self.targets, padding_id=0, device=_CPU)
        self.model.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = family.loss(self.model, batch)
        torch.autograd.backward(loss.float())

    def answers_by_transformers(self) -> None:
        """Writes the texts of its rows."""
        rows = torch.from_numpy(np.stack(self.sources)).long()
        self.model.eval()
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            self.model.generate(
                input_ids=rows,
                attention_mask=torch.ones_like(rows),
                max_new_tokens=_WRITTEN,
                min_new_tokens=_WRITTEN,
            )

    def step(self) -> Step:
        """Returns its step for passes of our own."""
        keys = list(range(_ROWS))
        return Step(self.sources, self.targets, keys, self.adapter, _ROWS)


def answers(frozen: FrozenT5, trials: Sequence[Trial]) -> None:
    """Writes the texts of all rows by passes of our own."""
    company = Company(Parts((_ROWS, trial.adapter) for trial in trials))
    rows = [row for trial in trials for row in trial.sources]
    frozen.read(rows, company).answers(_WRITTEN)


def base_model() -> T5ForConditionalGeneration:
    """Returns a narrow model with the layers of Flan-T5-Large, frozen, in bfloat16."""
    model = random_t5(
        T5Config(
            vocab_size=64,
            d_model=64,
            d_kv=16,
            d_ff=96,
            num_layers=24,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
            decoder_start_token_id=0,
        )
    )
    family_of_model(model).settle(model)
    model = model.to(torch.bfloat16).requires_grad_(False).eval()
    join_layers(model)
    return model


def main() -> None:
    """Prints a table of operations, and of how many times fewer they are than transformers'."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packs", type=int, nargs="+", default=[1, 2, 4, 8, 16], help="trials")
    parser.add_argument("--dropout", type=float, default=0.05, help="of the adapters (0.05)")
    given = parser.parse_args()
    out = console()
    base = base_model()
    frozen = FrozenT5(base)
    trials = [Trial(base, number, given.dropout) for number in range(max(given.packs))]
    theirs = counted(trials[0].step_by_transformers), counted(trials[0].answers_by_transformers)
    out.print("| trials | of | theirs | together | grouped | fewer |", markup=False)
    out.print("|---:|---|---:|---:|---:|---:|", markup=False)
    for pack in given.packs:
        some = trials[:pack]
        steps = [trial.step() for trial in some]

        def train(steps: Sequence[Step] = steps) -> None:
            add_gradients(frozen, steps, _ONE_PASS)

        def write(some: Sequence[Trial] = some) -> None:
            answers(frozen, some)

        for name, does, by_theirs in (("a step", train, theirs[0]), ("texts", write, theirs[1])):
            found = []
            for together in (False, True):
                with mock.patch.object(grouped, "suits", return_value=together):
                    found.append(counted(does))
            fewer = f"{pack * by_theirs / found[1]:.1f}"
            cells = [pack, name, pack * by_theirs, *found, fewer]
            out.print(f"| {' | '.join(map(str, cells))} |", markup=False)


if __name__ == "__main__":
    main()
