"""Whether weights in a file are those of a model, told by their names and shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open

Shape = tuple[int, ...]


def shapes_in(file: Path) -> dict[str, Shape]:
    """Returns name -> shape of the weights in a file of safetensors, of which none is read."""
    with safe_open(file, "pt") as opened:
        return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118


def foreign(found: Mapping[str, Shape], own: Mapping[str, Shape]) -> str | None:
    """Returns what tells weights from those of a trial, to end a sentence; None if nothing does.

    Args:
        found: Name -> shape of those in a file.
        own: The same of the trial's.
    """
    for name in sorted(own.keys() & found.keys()):
        if found[name] != own[name]:
            return (
                f"{name} has the shape {list(found[name])} in it, but {list(own[name])} in this"
                " trial's model"
            )
    if missing := sorted(own.keys() - found.keys()):
        return f"it lacks {_listed(missing)} of this trial's model"
    if others := sorted(found.keys() - own.keys()):
        return f"it has {_listed(others)}, which this trial's model has not"
    return None


def foreign_model(found: Mapping[str, Shape], model: Any) -> str | None:
    """Returns the same of a whole model's weights, of which tied ones are in a file but once.

    Some architectures' weights are written under the names of older versions of transformers; of
    these only the names that are known are compared.

    Args:
        found: Name -> shape of those in a file.
        model: The trial's base model, on any device.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    own = {name: shape for name, shape in shapes.items() if name in found}
    if found.keys() <= shapes.keys():
        tied: dict[int, list[str]] = {}
        for name, parameter in model.named_parameters(remove_duplicate=False):
            tied.setdefault(id(parameter), []).append(name)
        own |= {
            names[0]: shapes[names[0]]
            for names in tied.values()
            if names[0] in shapes and not found.keys() & set(names)
        }
    return foreign({name: found[name] for name in own.keys() & found.keys()}, own)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"{names[0]}{more}"
