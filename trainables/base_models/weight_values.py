"""Tells whether every weight of a base model is a number.

One that is NaN or infinite makes every loss so, of the first step and of the untuned model: no
trial's fault, and no learning rate's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn

from trainables.base_models.locations import Location

_CHUNK = 1 << 20
_COMPARED = (torch.float32, torch.bfloat16, torch.float16)
"""Of other types so many values at once are converted: torch knows no extremes of some, and a model
is never loaded in float64."""


def not_finite(location: Location, model: nn.Module) -> str | None:
    """Returns which weights are NaN or infinite; every value is read (3 GB: half a second).

    Args:
        location: Of a base model whose files have passed `fault_of_model`; those that are not on
            this machine are passed over.
        model: What was loaded from them, on any device and of any type. Its names say what of the
            files it has a use for: old ones of GPT-NeoX hold masks too, which are -inf by right.

    Returns:
        None where all are numbers; words that go on from the model's name, without a full stop.
    """
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    names += [name for name, _ in model.named_buffers(remove_duplicate=False)]
    for file in location.weights():
        path = location.file(file)
        if path is not None and (found := _first_in(path, names)) is not None:
            name, values = found
            return (
                f"has NaN or infinite weights ({name} in {file}, {values}), with which every loss"
                " is so: give a checkpoint whose training did not diverge, or another copy of it"
            )
    return None


def _first_in(path: Path, names: Sequence[str]) -> tuple[str, str] | None:
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118 - no dictionary
            tensor = file.get_tensor(name)
            if tensor.is_floating_point() and not _is_finite(tensor) and _is_used(name, names):
                bad = tensor.numel() - int(torch.isfinite(tensor.to(torch.float32)).sum())
                return name, f"{bad:,} of {tensor.numel():,} values"
    return None


def _is_used(name: str, names: Sequence[str]) -> bool:
    """Returns whether a model has a tensor of this name, but for what may stand before either."""
    return any(
        name == each or name.endswith(f".{each}") or each.endswith(f".{name}") for each in names
    )


def _is_finite(tensor: torch.Tensor) -> bool:
    """Returns whether all values are numbers, by the least and the greatest, which NaN becomes."""
    values = tensor.flatten()
    for start in range(0, len(values), _CHUNK):
        part = values[start : start + _CHUNK]
        least, greatest = torch.aminmax(part if part.dtype in _COMPARED else part.float())
        if not (torch.isfinite(least) and torch.isfinite(greatest)):
            return False
    return True
