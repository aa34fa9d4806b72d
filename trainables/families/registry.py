"""The closed list of the families of models there are. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.families.architecture import Architecture, Config
from trainables.families.causal import Causal
from trainables.families.family import ModelFamily
from trainables.families.seq2seq import Seq2Seq

SEQ2SEQ: ModelFamily = Seq2Seq()
CAUSAL: ModelFamily = Causal()
FAMILIES: tuple[ModelFamily, ...] = (SEQ2SEQ, CAUSAL)

_OF: Mapping[str, ModelFamily] = {
    model_type: family for family in FAMILIES for model_type in family.architectures
}


class UnknownArchitecture(ValueError):  # noqa: N818 - a state of the world, as in its name
    """No family knows a model of this architecture."""


def family_of(config: Config) -> ModelFamily:
    """Returns the family of a model.

    Args:
        config: The content of its config.json.

    Raises:
        UnknownArchitecture: There is none.
    """
    model_type = config.get("model_type")
    family = _OF.get(model_type) if isinstance(model_type, str) else None
    if family is None:
        said = f'is of the architecture "{model_type}"' if model_type else "names no architecture"
        known = "; ".join(f"{', '.join(each.architectures)} ({each.kind})" for each in FAMILIES)
        raise UnknownArchitecture(f"{said}, but must be one of {known}")
    return family


def family_of_model(model: Any) -> ModelFamily:
    """Returns the family of a loaded model, also of one with an adapter."""
    return family_of({"model_type": model.config.model_type})


def architecture_of(config: Config) -> Architecture:
    """Returns how a model's configuration is read.

    Raises:
        UnknownArchitecture: No family knows it.
    """
    return family_of(config).architectures[config["model_type"]]
