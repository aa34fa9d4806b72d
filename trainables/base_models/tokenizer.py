"""Loads a base model's tokenizer: built in, from a folder, or from the Hugging Face hub.

Apart from the weights, whose libraries take several times as long to load.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import TypeVar

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from trainables.base_models.checkpoint_files import (
    TOKENIZER,
    TOKENIZER_SETTINGS,
    fault_of_tokenizer,
)
from trainables.base_models.config_faults import config_fault
from trainables.base_models.description import describe, read_config, usable_family
from trainables.base_models.locations import GIVE_A_CHECKPOINT, Location, locate
from trainables.contract.errors import SharedError, UserError
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
        if (fault := fault_of_tokenizer(location)) is not None:
            raise BaseModelUnavailable(f'The base model "{name}" {fault}.')
        return AutoTokenizer.from_pretrained(
            location.source,
            revision=location.revision,
            local_files_only=local_only,
            trust_remote_code=False,
        )

    try:
        return local_first(location, "tokenizer", load)
    except (UserError, MemoryError):
        raise
    except Exception as error:  # the tokenizers' own library raises nothing more special
        raise BaseModelUnavailable(
            f'The tokenizer of the base model "{name}" cannot be loaded: transformers'
            f" {version('transformers')} makes nothing of its {TOKENIZER} or {TOKENIZER_SETTINGS}"
            f" ({first_line(error)}); {GIVE_A_CHECKPOINT}."
        ) from error


def load_family(name: str, revision: str | None = None) -> ModelFamily:
    """Returns the family of a base model whose config.json is on this machine.

    Raises:
        BaseModelUnavailable: No family knows it.
    """
    try:
        return usable_family(describe(name, revision) or {})
    except ValueError as error:
        raise BaseModelUnavailable(f'The base model "{name}" {error}.') from error


def first_line(error: Exception) -> str:
    """Returns the first line of what a library says of an error; of a missing key its name."""
    said = str(error).strip().split("\n")[0]
    return f"no {said}" if isinstance(error, KeyError) else said or "no reason is given"


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


def local_first(location: Location, part: str, load: Callable[[bool], Loaded]) -> Loaded:
    """Loads from local files, and only if they do not suffice over the network.

    Args:
        location: Of the base model.
        part: What is loaded, for messages.
        load: Loads it, from local files alone if its argument is true.

    Raises:
        BaseModelUnavailable: It cannot be had.
    """
    try:
        return load(True)
    except (OSError, ValueError, SafetensorError, StrictDataclassError):
        pass
    try:
        return load(False)
    except (OSError, ValueError, SafetensorError, StrictDataclassError) as error:
        what = f'base model "{location.name}"'
        if isinstance(error, StrictDataclassError):
            fault = config_fault(error, read_config(location) or {})
            raise BaseModelUnavailable(f"The {what} {fault}.") from error
        raise BaseModelUnavailable(
            f"The {part} of the {what} cannot be loaded: {first_line(error)}"
        ) from error
