"""What the config.json of a base model says, read without loading anything."""

from __future__ import annotations

import json
from typing import Any

from trainables.base_models.locations import Location, locate
from trainables.families.family import ModelFamily
from trainables.families.registry import UnknownArchitecture, family_of

CONFIG = "config.json"


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
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"has a {CONFIG} that cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"has a {CONFIG} that is no JSON object")
    return content


def usable_family(config: dict[str, Any]) -> ModelFamily:
    """Returns the family of a base model that can be trained here.

    Raises:
        ValueError: No family knows it or can use it, or its weights are stored in another way than
            as numbers; the message goes on from the model's name.
    """
    try:
        family = family_of(config)
    except UnknownArchitecture as error:
        raise ValueError(str(error)) from error
    obstacle = family.architectures[config["model_type"]].obstacle(config)
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
