"""Base models that stay in the process between trials.

Reading a base model again for every trial costs seconds and, where it is packed into four bits, the
packing too. So what was loaded is kept as a template that no trial ever touches: each gets modules
of its own, copied, around the template's tensors. Frozen weights are shared with the template,
since nothing writes to them; weights that are trained are copied from it, which for full
fine-tuning on an accelerator is a copy from the host's memory. Adapters, hooks and flags go to the
trial's own modules and leave with them, so a trial's numbers are those of a fresh process.

At most `ON_HOST` templates are kept in the host's memory and one on an accelerator, which is given
up before another one is loaded there, full fine-tuning's included.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from bitsandbytes.nn import Linear4bit
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from trainables.base_models.fingerprint import fingerprint
from trainables.base_models.loading import four_bit, load_base_model
from trainables.base_models.locations import locate
from trainables.base_models.tokenizer import load_tokenizer
from trainables.passes.joined import join_layers
from trainables.runtime.device import release_memory
from trainables.runtime.local_paths import is_folder

ON_HOST = 2
"""The plain and the four-bit form of one base model, on a machine without an accelerator."""

_CPU = torch.device("cpu")
_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class _Key:
    name: str
    revision: str | None
    stamp: _Stamp
    quantized: bool
    dtype: torch.dtype
    device: torch.device


@dataclass(frozen=True)
class _Template:
    """A base model as loaded, frozen.

    Attributes:
        model: The modules and their tensors.
        versions: torch's count of writes to each tensor, when it was loaded.
    """

    model: PreTrainedModel
    versions: tuple[int, ...]

    @property
    def is_untouched(self) -> bool:
        """Whether no one has written to a tensor since it was loaded."""
        return _versions(self.model) == self.versions


class KeptBases:
    """The base models of one process, loaded when first asked for."""

    def __init__(self) -> None:
        self._templates: dict[_Key, _Template] = {}  # the one that was used last, last
        self._lock = threading.Lock()

    def model(
        self,
        name: str,
        revision: str | None,
        *,
        quantized: bool,
        trained: bool,
        dtype: torch.dtype,
        device: torch.device,
    ) -> PreTrainedModel:
        """Returns a base model for one trial.

        Args:
            name: "embedded", a checkpoint folder, or an identifier of the hub.
            revision: Git revision on the hub.
            quantized: Whether linear layers are stored in four bits.
            trained: Whether the base's own weights are to be trained: the model then has tensors of
                its own. Otherwise nobody may write to them.
            dtype: Type of all weights that are not quantised.
            device: Where the model is to be.

        Returns:
            Modules that belong to the caller, in evaluation mode, every weight as in the checkpoint
            and none requiring a gradient.

        Raises:
            BaseModelUnavailable: It is not there, cannot be read, or lacks weights.
        """
        home = _CPU if trained else device
        key = _Key(name, revision, _stamp(name, revision), quantized, dtype, home)
        with self._lock:
            template = self._templates.pop(key, None)
            if device.type != "cpu":
                self._give_up(device)
            if template is None or not template.is_untouched:
                template = _load(key)
            self._templates[key] = template
            for other in [k for k in self._templates if k.device.type == "cpu"][:-ON_HOST]:
                del self._templates[other]
            return _copy(template.model, device if trained else None)

    def _give_up(self, device: torch.device) -> None:
        """Forgets what is kept on an accelerator."""
        there = [key for key in self._templates if key.device == device]
        for key in there:
            del self._templates[key]
        if there:
            release_memory(device)


KEPT = KeptBases()
"""Of this process."""


def kept_tokenizer(name: str, revision: str | None) -> PreTrainedTokenizerBase:
    """Returns a base model's tokenizer, the same object while its files stay the same.

    Raises:
        BaseModelUnavailable: It is not there, or cannot be read.
    """
    return _tokenizer(name, revision, _stamp(name, revision))


@lru_cache(maxsize=2)
def _tokenizer(name: str, revision: str | None, stamp: _Stamp) -> PreTrainedTokenizerBase:
    return load_tokenizer(name, revision)


def _load(key: _Key) -> _Template:
    model = load_base_model(
        key.name,
        key.revision,
        quantization=four_bit(key.dtype) if key.quantized else None,
        device=key.device,
        dtype=key.dtype,
    )
    model.requires_grad_(False)
    if not key.quantized:
        join_layers(model)
    return _Template(model, _versions(model))


def _copy(model: PreTrainedModel, device: torch.device | None) -> PreTrainedModel:
    """Copies modules, and tensors only where asked for.

    Args:
        model: A template.
        device: Where copies of the parameters are to be; None to share the parameters.
    """
    copied: dict[int, Any] = {}  # by identity, so that tied weights stay tied
    for parameter in model.parameters():
        copied[id(parameter)] = (
            parameter
            if device is None
            else nn.Parameter(parameter.detach().to(device, copy=True), requires_grad=False)
        )
    for module in model.modules():
        if isinstance(module, Linear4bit):  # the scales of the packed weights, constant as they are
            copied[id(module.quant_state)] = module.quant_state
    fresh = copy.deepcopy(model, copied)
    return fresh if device is None else fresh.to(device)  # buffers, where there are any


def _versions(model: PreTrainedModel) -> tuple[int, ...]:
    return tuple(tensor._version for tensor in _tensors(model))


def _tensors(model: PreTrainedModel) -> Iterator[torch.Tensor]:
    yield from model.parameters()
    yield from model.buffers()


def _stamp(name: str, revision: str | None) -> _Stamp:
    """Tells one state of the files from another; of the hub's by the digests that name them."""
    folder = locate(name, revision).folder
    if folder is None or not is_folder(folder):
        return ((fingerprint(name, revision) or "", 0, 0),)
    files = sorted((file.name, file.stat()) for file in folder.iterdir() if file.is_file())
    return tuple((name, status.st_size, status.st_mtime_ns) for name, status in files)
