"""Tells what memory a trial takes, by formula: from sizes alone, without a weight being read.

    python -m trainables.trial_memory KIND SLOTS SHARE PACK < configurations.json

prints one JSON object, `trials` (a list of `TrialMemory`) or `error`. A command of its own, because
it loads torch, which whoever schedules trials must not.

Weights, gradients and AdamW's moments follow from shapes. What passes take is counted on fake
tensors: the same model, by the same code, makes one pass (`trainables.trial_passes`) whose tensors
have sizes and no memory. It is a count of tensors: what kernels take for themselves is not in it,
and what an allocator holds in reserve is a share that was measured.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import torch
from torch import nn

from trainables.base_models.fused_gelu import fuse_activations
from trainables.base_models.loading import compute_dtype, load_skeleton
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.errors import UserError
from trainables.contract.packs import ASKING_BYTES
from trainables.families.architecture import Config
from trainables.families.batch import Batch
from trainables.families.family import LOGITS, ModelFamily
from trainables.families.registry import architecture_of, family_of
from trainables.passes.frozen_base import FrozenBase
from trainables.passes.gradients import Step, add_gradients
from trainables.passes.joined import join_layers
from trainables.runtime.device import choose_device, total_memory
from trainables.runtime.live_bytes import LiveBytes
from trainables.techniques.registry import TECHNIQUES
from trainables.training.adapted_model import checkpoint_activations, precision, seeded
from trainables.training.own_passes import frozen, own_adapter
from trainables.training.trainer import UNMEASURED
from trainables.trial_passes import Pass, TrialRows

_MOMENTS = 2
"""AdamW's, each as large as what is trained."""

_FOUR_BIT = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes a weight in NF4 with double quantisation: half a byte, a byte for 64 of them, a float32
for 256 of those."""


_RESERVE = {"cpu": 0.5}
"""Of what passes take, that an allocator holds beside it, where it was measured
(`benchmarks/RESULTS.md`): passes differ in length, and what one has freed does not suit the next.
On CUDA `peak_memory_bytes` is what was allocated, which has none of it."""


@dataclass(frozen=True)
class TrialMemory:
    """What a trial takes of its device, in bytes; or a pack of trials like it.

    Attributes:
        technique: Its name.
        process: The process and its libraries, on a CPU; 0 on an accelerator. Of a pack, also those
            of its trials.
        weights: Of the model, all copies that are kept on the device.
        moments: Of the optimiser.
        training: Gradients and activations, in the pass of the first rows that takes most.
        longest: The same if a pass were full of the longest of these rows.
        evaluation: Keys and values of answers, and the activations of a loss.
        micro_batch: Rows of a trial in the pass at most; 0 of a technique that does not train.
        together: Trials whose rows may be in one pass.
        there: What there is for it.
        fits: At which `micro_batch_size` it would fit: None where it fits as it is, 0 where none
            does.
        surely: Whether, if it does not fit, most batches would not, whatever the allocator holds.
        reserve: What the allocator holds beside passes, as a share of what they take.
        unknown: Why it could not be counted; all other figures are 0 then.
    """

    technique: str
    process: int = 0
    weights: int = 0
    moments: int = 0
    training: int = 0
    longest: int = 0
    evaluation: int = 0
    micro_batch: int = 0
    together: int = 1
    there: int = 0
    fits: int | None = None
    surely: bool = False
    reserve: float = 0.0
    unknown: str | None = None

    @property
    def least(self) -> int:
        """Bytes alive at the most demanding moment."""
        return self.process + self.weights + self.moments + max(self.training, self.evaluation)

    @property
    def total(self) -> int:
        """Bytes at the most demanding moment, with what the allocator holds."""
        return self.least + round(self.reserve * max(self.training, self.evaluation))

    @property
    def most(self) -> int:
        """`total`, if a pass were full of the longest rows."""
        return dataclasses.replace(self, training=max(self.training, self.longest)).total


class _Fake:
    """A trial's model without memory.

    Args:
        configuration: The trial.
        device: Whose kernels it is counted for.
    """

    def __init__(self, configuration: TrialConfiguration, device: torch.device) -> None:
        from torch._subclasses.fake_tensor import FakeTensorMode

        self._technique = TECHNIQUES[configuration.technique]
        self._device = device
        self._dtype = compute_dtype(device)
        base = load_skeleton(configuration.base_model, configuration.base_model_revision)
        self.config: Config = base.config.to_dict()
        self._family: ModelFamily = family_of(self.config)
        fuse_activations(base)
        base.requires_grad_(False)
        if not self._technique.trains_base:
            base.to(self._dtype)
        self._base = sum(map(_size, base.parameters()))
        self._packed = self._saved_by_packing(base) if self._technique.quantized else 0
        with seeded(configuration.seed):
            self._model = self._technique.adapt(base, configuration.parameters)
        self._checkpointed = bool(configuration.parameters.get("gradient_checkpointing"))
        if self._checkpointed:
            checkpoint_activations(self._model)
        # Layers of an integer's indices alone have real tensors, such as ranges.
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)
        self._own: FrozenBase | None = None
        with self._mode:
            _move(self._model, device)
            self._adapter = own_adapter(base, self._model, self._technique, device)
            if self._adapter is not None:
                join_layers(base)
                self._own = frozen(base, end=0, padding=0)  # tokens are only counted here

    @property
    def weights(self) -> int:
        """Bytes of all copies that stay on the device."""
        own = sum(map(_size, self._model.parameters())) - self._packed
        # What is trained is copied from a template, which stays in the host's memory.
        kept = self._base if self._technique.trains_base and self._device.type == "cpu" else 0
        return own + kept

    @property
    def trained(self) -> int:
        """Bytes of what is trained."""
        return sum(map(_size, self._trained()))

    @property
    def another(self) -> int:
        """Bytes of weights that one more trial beside it adds: the base is there once."""
        if self._technique.trains_base:
            return sum(map(_size, self._model.parameters()))
        return self.trained

    @property
    def shares(self) -> bool:
        """Whether trials like it make their passes together."""
        return self._own is not None

    def training(self, of: Pass, *, again: bool) -> int:
        """Returns the bytes of gradients and activations at their peak.

        Args:
            of: The pass.
            again: Whether gradients of an earlier pass of the same step are there.
        """
        with self._mode, LiveBytes(self._tensors()) as live:
            for parameter in self._trained():
                parameter.grad = torch.empty_like(parameter) if again else None
            self._model.train()
            if self._own is not None:
                add_gradients(self._own, [self._step(of)], UNMEASURED)
            else:
                with precision(self._device, self._dtype):
                    loss = self._family.loss(self._model, self._batch(of))
                torch.autograd.backward(loss.float())
                del loss
            for parameter in self._trained():
                parameter.grad = None
        return int(live.peak)

    def _step(self, of: Pass) -> Step:
        """Returns a step of this one pass, of which no two rows are equal."""
        assert self._adapter is not None
        rows = range(of.rows)
        return Step(
            [np.full(of.source, row, dtype=np.int32) for row in rows],
            [np.ones(of.target, dtype=np.int32) for _ in rows],
            [0 for _ in rows],
            self._adapter,
            of.rows,
            self._checkpointed,
        )

    def evaluation(self, of: Pass, new_tokens: int, beams: int) -> int:
        """Returns the bytes of answers' keys and values, and of a loss, at their peak.

        Args:
            of: Prompts with their statements.
            new_tokens: Of an answer, at most.
            beams: Answers that are kept of each row at once.
        """
        most = max(1, LOGITS // (of.target * int(self.config["vocab_size"])))
        with self._mode, torch.no_grad(), LiveBytes(self._tensors()) as live:
            self._model.eval()
            with precision(self._device, self._dtype):
                part = dataclasses.replace(of, rows=min(of.rows, most))
                self._family.loss(self._model, self._batch(part))
        attention = architecture_of(self.config).attention(self.config)
        # Each layer has those of the prompt, of its own or of the encoder's, and of the answer.
        tokens = of.rows * beams * (of.source + new_tokens)
        cache = tokens * 2 * attention.layers * attention.width * self._dtype.itemsize
        return int(live.peak + cache)

    def _saved_by_packing(self, base: nn.Module) -> int:
        """Returns the bytes that four-bit layers take less; T5's `wo` keeps its precision."""
        layers = architecture_of(self.config).linear_layers(self.config)
        packed = (base.get_parameter(f"{name}.weight") for name in layers if not _is_kept(name))
        return sum(round(each.numel() * (each.element_size() - _FOUR_BIT)) for each in packed)

    def _batch(self, of: Pass) -> Batch:
        def full(width: int, value: int) -> torch.Tensor:
            return torch.full((of.rows, width), value, device=self._device)

        width = of.source + of.target if self._family.one_row else of.source
        return Batch(
            full(width, 1),
            full(width, 1),
            full(of.target, 1),
            of.rows * of.source,
            of.rows * of.target,
        )

    def _trained(self) -> list[nn.Parameter]:
        return [each for each in self._model.parameters() if each.requires_grad]

    def _tensors(self) -> Iterator[torch.Tensor]:
        yield from self._model.parameters()
        yield from self._model.buffers()


def process_bytes(configuration: TrialConfiguration) -> int:
    """Returns what a process holds that is to run a trial, before it has a model.

    Args:
        configuration: The trial; its rows are read, and the libraries loaded that it takes.

    Raises:
        DatasetError: The data set cannot be read or has too few rows.
        BaseModelUnavailable: The base model's tokenizer cannot be loaded.
    """
    import trainables.finetune

    assert trainables.finetune
    TrialRows(configuration, torch.device("cpu"))
    return int(psutil.Process().memory_info().rss)


def memory(
    configuration: TrialConfiguration,
    device: torch.device,
    process: int,
    there: int,
    pack: int = 1,
) -> TrialMemory:
    """Returns what a trial takes, or a pack of trials like it.

    Args:
        configuration: The trial.
        device: The kind of device that it is to run on.
        process: Bytes of its process, from `process_bytes`; 0 on an accelerator.
        there: Bytes of it that it may take.
        pack: Trials that share the device in one process. Rows of all may be in one pass; where
            that is too much they go on by halves, so that those of one alone must fit.

    Raises:
        DatasetError: The data set cannot be read or has too few rows.
        BaseModelUnavailable: The base model cannot be loaded.
    """
    rows = TrialRows(configuration, device)
    try:
        fake = _Fake(configuration, device)
        found = TrialMemory(
            configuration.technique,
            process,
            fake.weights + (pack - 1) * fake.another,
            _MOMENTS * fake.trained * pack,
            evaluation=max((fake.evaluation(*asked) for asked in rows.evaluations()), default=0),
            together=pack if fake.shares and configuration.budget_examples else 1,
            there=there,
            reserve=_RESERVE.get(device.type, 0.0),
        )
        if configuration.budget_examples:
            found = _trained(found, fake, rows)
        elif found.total > there:
            found = dataclasses.replace(found, fits=0, surely=found.least > there)
    except RuntimeError as error:  # of an operation that needs more than sizes
        first_line = str(error).strip().split("\n")[0]
        return TrialMemory(configuration.technique, unknown=first_line)
    return found


def _trained(found: TrialMemory, fake: _Fake, rows: TrialRows) -> TrialMemory:
    most = rows.micro_batch_size
    passes = rows.passes(most)

    def taking(of: Pass, trials: int, *, again: bool) -> int:
        together = dataclasses.replace(of, rows=of.rows * trials)
        return fake.training(together, again=again) + (trials - 1) * fake.trained

    def of_all(of: Pass, *, again: bool = passes.are_several) -> int:
        return taking(of, found.together, again=again)

    whole = dataclasses.replace(
        found, training=of_all(passes.largest), longest=of_all(passes.longest), micro_batch=most
    )
    if whole.total <= found.there:
        return whole
    usual = taking(passes.usual, 1, again=passes.are_several)
    surely = dataclasses.replace(whole, training=usual).least > found.there
    fits = 0
    for size in rows.smaller(most):
        part = of_all(rows.passes(size).largest, again=True)
        if dataclasses.replace(whole, training=part).total <= found.there:
            fits = size
            break
    return dataclasses.replace(whole, fits=fits, surely=surely)


def _move(model: nn.Module, device: torch.device) -> None:
    """Gives a model tensors of the device in place of its own, tied ones tied; values are lost."""
    moved: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in moved:
                empty = torch.empty_like(parameter, device=device)
                moved[id(parameter)] = nn.Parameter(empty, parameter.requires_grad)
            module.register_parameter(name, moved[id(parameter)])
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, torch.empty_like(buffer, device=device))


def _size(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _is_kept(name: str) -> bool:
    return name.rpartition(".")[2] == "wo"


def there(device: torch.device, slots: int, share: float) -> int:
    """Returns the bytes of memory that there are for a trial.

    Args:
        device: The kind of device.
        slots: Trials that share the host's memory, where that is the device.
        share: Of an accelerator, that a trial has; above 1 it has several, each with a copy.
    """
    if device.type == "cuda":
        return int(total_memory(device) * min(1.0, share))
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() * min(1.0, share))
    return psutil.virtual_memory().total // slots


def answer(
    trials: Sequence[TrialConfiguration], kind: str, slots: int, share: float, pack: int
) -> Mapping[str, Any]:
    """Returns what the trials take, or what is wrong with them."""
    try:
        device = choose_device(kind)
        room = there(device, slots, share)
        process = process_bytes(trials[0]) if device.type == "cpu" else 0
        if process and pack > 1:
            process += pack * ASKING_BYTES
        found = [memory(trial, device, process, room, pack) for trial in trials]
    except UserError as error:
        return {"error": str(error)}
    return {
        "trials": [
            dataclasses.asdict(each) | {"least": each.least, "total": each.total, "most": each.most}
            for each in found
        ]
    }


def main() -> None:
    """Answers the configurations on standard input."""
    logging.disable(logging.WARNING)
    kind, slots, share, pack = sys.argv[1:]
    trials = [TrialConfiguration.from_dict(each) for each in json.load(sys.stdin)]
    print(json.dumps(answer(trials, kind, int(slots), float(share), int(pack))))


if __name__ == "__main__":
    main()
