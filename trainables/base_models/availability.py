"""Says within seconds whether a base model can be had, before anything starts.

Loads neither torch nor weights: it looks at local files and at the local cache of the Hugging Face
hub, and only then asks the hub, once.
"""

from __future__ import annotations

import shlex

from trainables.base_models.locations import GIVE_A_FOLDER, WEIGHTS, Location, locate
from trainables.runtime import hub
from trainables.runtime.hub import Unavailable

_TOKENIZERS = ("tokenizer.json", "spiece.model", "sentencepiece.bpe.model")
_MODEL_FILES = " --include '*.json' --include '*.safetensors' --include 'spiece.model'"


def check_model(name: str, revision: str | None = None, *, ask_hub: bool = True) -> None:
    """Checks that a base model and its tokenizer can be loaded.

    Args:
        name: "embedded", a checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub; of no use for the other two.
        ask_hub: Whether to ask the hub about what is not on this machine.

    Raises:
        Unavailable: It is not there, is incomplete, or the hub could not be asked.
    """
    location = locate(name, revision)
    if location.obstacle is not None:
        raise Unavailable(location.obstacle)
    if not location.is_on_hub:
        if missing := _missing_file(location):
            raise Unavailable(
                f'The base model folder "{location.folder}" has no {missing}: give a folder as '
                "`save_pretrained` writes it for model and tokenizer."
            )
        return
    if not ask_hub or not _missing_file(location):
        return
    what = f'The base model "{name}"'
    named = f" --revision {shlex.quote(revision)}" if revision else ""
    command = f"hf download {shlex.quote(name)}{named}{_MODEL_FILES}"
    remedies = hub.remedies(command, GIVE_A_FOLDER)
    info = hub.ask(what, revision, remedies, lambda api: api.model_info(name, revision=revision))
    if not any(sibling.rfilename.endswith(".safetensors") for sibling in info.siblings or ()):
        raise Unavailable(
            f"{what} has no weights as safetensors on the Hugging Face hub: {remedies}"
        )


def has_tokenizer(name: str, revision: str | None = None) -> bool:
    """Returns whether a base model's tokenizer is on this machine; arguments as `check_model`."""
    return _has_tokenizer(locate(name, revision))


def _has_tokenizer(location: Location) -> bool:
    return any(location.file(file) for file in _TOKENIZERS)


def _missing_file(location: Location) -> str | None:
    """Returns which part of a checkpoint is not on this machine, None if all of it is."""
    if location.file("config.json") is None:
        return "config.json"
    if not _has_tokenizer(location):
        return f"tokenizer ({' or '.join(_TOKENIZERS)})"
    try:
        weights = location.weights()
    except ValueError as error:
        return f"readable index of its weights ({error})"
    if not weights:
        return f"weights ({WEIGHTS})"
    return next((file for file in weights if location.file(file) is None), None)
