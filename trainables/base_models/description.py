"""What the config.json of a base model says, read without loading anything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from trainables.base_models.file_faults import read_object
from trainables.base_models.locations import GIVE_A_CHECKPOINT, Location, locate
from trainables.families.architecture import check_sizes
from trainables.families.family import ModelFamily
from trainables.families.registry import UnknownArchitecture, family_of

CONFIG = "config.json"
_MOST_LAYERS = 10_000
"""A slip of the pen beyond: naming each of them would take the machine's memory."""


def describe(name: str, revision: str | None = None) -> dict[str, Any] | None:
    """Returns the content of a base model's config.json, None where it is not on this machine.

    Args:
        name: "embedded", a checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub; of no use for the other two.

    Raises:
        ValueError: It is no JSON object; the message goes on from the model's name.
    """
    return read_config(locate(name, revision))


def read_config(location: Location) -> dict[str, Any] | None:
    """Returns the same of a location."""
    path = location.file(CONFIG)
    if path is None:
        return None
    try:
        config = read_object(path, GIVE_A_CHECKPOINT)
    except ValueError as error:
        raise ValueError(f"has a {CONFIG} that cannot be read: {error}") from error
    for key, value in _numbers("", config):
        if not math.isfinite(value):
            # With an epsilon that is none every loss is NaN, as of a trial that diverges.
            raise ValueError(
                f'has "{key}": {json.dumps(value)} in its {CONFIG}, which is no number:'
                f" {GIVE_A_CHECKPOINT}"
            )
    return config


def _numbers(key: str, value: Any) -> Iterator[tuple[str, float]]:
    """Yields the numbers with a decimal point within a value, each with the path of its keys."""
    if isinstance(value, float):
        yield key, value
    elif isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in pairs:
            yield from _numbers(f"{key}.{name}" if key else str(name), part)


def usable_family(config: dict[str, Any]) -> ModelFamily:
    """Returns the family of a base model that can be trained here.

    Raises:
        ValueError: No family knows it or can use it, its sizes are no numbers, or its weights are
            stored in another way than as numbers; the message goes on from the model's name.
    """
    try:
        family = family_of(config)
    except UnknownArchitecture as error:
        raise ValueError(str(error)) from error
    architecture = family.architectures[config["model_type"]]
    check_sizes(config)
    for stack in architecture.stacks(config):  # raises where a number is none, as those below
        if stack.depth > _MOST_LAYERS:
            raise ValueError(
                f"has {stack.depth:,} layers by its {CONFIG}, but {_MOST_LAYERS:,} are the most:"
                f" {GIVE_A_CHECKPOINT}"
            )
    architecture.attention(config)
    architecture.positions(config)
    obstacle = architecture.obstacle(config)
    if obstacle is not None:
        raise ValueError(obstacle)
    stored = config.get("quantization_config")
    if stored is not None:
        method = stored.get("quant_method") if isinstance(stored, dict) else None
        raise ValueError(
            f"has quantised weights ({method or 'of an unknown kind'}): give the checkpoint that"
            " they were made from; the technique qlora stores it in four bits by itself"
        )
    return family
