"""Loads a base model's tokenizer: built in, from a folder, or from the Hugging Face hub.

Apart from the weights, whose libraries take several times as long to load.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from safetensors import SafetensorError
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from trainables.base_models.description import describe, usable_family
from trainables.base_models.locations import Location, locate
from trainables.contract.errors import SharedError
from trainables.families.family import ModelFamily
from trainables.families.framing import Framing

Loaded = TypeVar("Loaded")


class BaseModelUnavailable(SharedError):  # noqa: N818 - a state of the world, as in its name
    """The base model cannot be had from where the user said it is."""


def load_tokenizer(name: str, revision: str | None = None) -> PreTrainedTokenizerBase:
    """Loads the tokenizer that belongs to a base model.

    Args:
        name: "embedded", a checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub; of no use for the other two.

    Returns:
        The tokenizer.

    Raises:
        BaseModelUnavailable: It is not there, or cannot be read.
    """
    location = locate_base(name, revision)

    def load(local_only: bool) -> PreTrainedTokenizerBase:
        return AutoTokenizer.from_pretrained(
            location.source,
            revision=location.revision,
            local_files_only=local_only,
            trust_remote_code=False,
        )

    return local_first(name, "tokenizer", load)


def load_family(name: str, revision: str | None = None) -> ModelFamily:
    """Returns the family of a base model whose config.json is on this machine.

    Raises:
        BaseModelUnavailable: No family knows it.
    """
    try:
        return usable_family(describe(name, revision) or {})
    except ValueError as error:
        raise BaseModelUnavailable(f'The base model "{name}" {error}.') from error


def framing_of(family: ModelFamily, tokenizer: PreTrainedTokenizerBase) -> Framing:
    """Returns what a family puts around prompts and statements.

    Raises:
        BaseModelUnavailable: The tokenizer does not do.
    """
    try:
        return family.framing(tokenizer)
    except ValueError as error:
        raise BaseModelUnavailable(str(error)) from error


def locate_base(name: str, revision: str | None) -> Location:
    """Returns where a base model lies, if there can be one.

    Raises:
        BaseModelUnavailable: It must be a folder, and is none.
    """
    location = locate(name, revision)
    if location.obstacle is not None:
        raise BaseModelUnavailable(location.obstacle)
    return location


def local_first(name: str, part: str, load: Callable[[bool], Loaded]) -> Loaded:
    """Loads from local files, and only if they do not suffice over the network.

    Args:
        name: Of the base model.
        part: What is loaded, for messages.
        load: Loads it, from local files alone if its argument is true.

    Raises:
        BaseModelUnavailable: It cannot be had.
    """
    try:
        return load(True)
    except (OSError, ValueError, SafetensorError):
        pass
    try:
        return load(False)
    except (OSError, ValueError, SafetensorError) as error:
        first_line = str(error).strip().split("\n")[0]
        raise BaseModelUnavailable(
            f'The {part} of the base model "{name}" cannot be loaded: {first_line}'
        ) from error
