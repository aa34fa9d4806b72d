"""Says within seconds whether a base model can be had, before anything starts.

Loads neither torch nor weights: it looks at local files and at the local cache of the Hugging Face
hub, and only then asks the hub, once.
"""

from __future__ import annotations

import json
import shlex

from trainables.base_models.checkpoint_files import (
    BYTE_PAIRS,
    TOKENIZER,
    TOKENIZER_SETTINGS,
    VOCABULARIES,
    fault_of_model,
    fault_of_tokenizer,
)
from trainables.base_models.description import CONFIG, read_config, usable_family
from trainables.base_models.locations import (
    ADAPTED,
    ADAPTER,
    GIVE_A_CHECKPOINT,
    GIVE_A_FOLDER,
    WEIGHTS,
    WEIGHTS_INDEX,
    Location,
    locate,
)
from trainables.runtime import hub
from trainables.runtime.hub import Unavailable

_TOKENIZERS = (TOKENIZER, *VOCABULARIES)
_WITHOUT_VOCABULARY = ("ByT5Tokenizer",)
"""Tokenizers that count bytes, and have no file beside their settings."""
_NO_WEIGHTS = f"weights ({WEIGHTS})"
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5")
"""Weights in forms that run code when they are read, or are of another framework."""
_MODEL_FILES = " --include '*.json' --include '*.safetensors' --include '*.model' --include '*.txt'"


def check_model(name: str, revision: str | None = None, *, ask_hub: bool = True) -> None:
    """Checks that a base model and its tokenizer can be loaded, and that a family knows the model.

    Args:
        name: "embedded", a checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub; of no use for the other two.
        ask_hub: Whether to ask the hub about what is not on this machine.

    Raises:
        Unavailable: It is not there, is incomplete, is of an architecture that no family knows, or
            the hub could not be asked.
    """
    location = locate(name, revision)
    if location.obstacle is not None:
        raise Unavailable(location.obstacle)
    _check_architecture(location)
    if location.file(CONFIG) and location.file(ADAPTER):
        raise Unavailable(f'The base model "{name}" {ADAPTED}.')
    fault = fault_of_model(location) or fault_of_tokenizer(location)
    if not location.is_on_hub and (missing := _missing_file(location)):
        raise Unavailable(_incomplete(location, missing))
    if fault is not None:
        raise Unavailable(f'The base model "{location.name}" {fault}.')
    if not location.is_on_hub:
        return
    if not ask_hub or not _missing_file(location):
        return
    what = f'The base model "{name}"'
    named = f" --revision {shlex.quote(revision)}" if revision else ""
    command = f"hf download {shlex.quote(name)}{named}{_MODEL_FILES}"
    remedies = hub.remedies(command, GIVE_A_FOLDER)
    info = hub.ask(what, revision, remedies, lambda api: api.model_info(name, revision=revision))
    known = getattr(info, "config", None)
    if isinstance(known, dict) and "model_type" in known:
        try:
            usable_family(known)
        except ValueError as error:
            raise Unavailable(f"{what} {error}.") from error
    if not any(sibling.rfilename.endswith(".safetensors") for sibling in info.siblings or ()):
        raise Unavailable(
            f"{what} has no weights as safetensors on the Hugging Face hub: {remedies}"
        )


def is_here(name: str, revision: str | None = None) -> bool:
    """Returns whether all of a base model is on this machine; arguments as `check_model`."""
    return _missing_file(locate(name, revision)) is None


def _incomplete(location: Location, missing: str) -> str:
    """Returns what is wrong with a folder, and what to do."""
    what = f'The base model folder "{location.folder}"'
    if missing == CONFIG and (adapter := location.file(ADAPTER)):
        try:
            base = json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"]
        except (OSError, ValueError, RecursionError, LookupError, TypeError):
            base = "another model"
        return (
            f"{what} is an adapter of PEFT on {base}, and no whole model: give that one, or the"
            " folder to which `merge_and_unload()` of the two was saved."
        )
    other = next((file for file in _PICKLES if location.file(file)), None)
    if other is not None and not location.has_weights:
        return (
            f"{what} has its weights in {other}, which is not read: load it where you trust it,"
            " and write it by `save_pretrained`, which makes model.safetensors."
        )
    if missing == _NO_WEIGHTS and (shards := _shards(location)):
        return (
            f"{what} has its weights in parts ({shards[0]}{', ...' if shards[1:] else ''}) but no"
            f" {WEIGHTS_INDEX}, which says what is in which: copy or download that file too."
        )
    return f"{what} has no {missing}: {GIVE_A_CHECKPOINT}."


def _shards(location: Location) -> list[str]:
    """Returns the names of what looks like parts of weights in a folder."""
    if location.folder is None:
        return []
    return sorted(path.name for path in location.folder.glob("*-of-*.safetensors"))


def _check_architecture(location: Location) -> None:
    """Refuses what no family can load, as far as its config.json is on this machine."""
    try:
        config = read_config(location)
        if config is not None:
            usable_family(config)
    except ValueError as error:
        raise Unavailable(f'The base model "{location.name}" {error}.') from error


def has_tokenizer(name: str, revision: str | None = None) -> bool:
    """Returns whether a base model's tokenizer is on this machine; arguments as `check_model`."""
    return _has_tokenizer(locate(name, revision))


def _has_tokenizer(location: Location) -> bool:
    if any(location.file(file) for file in _TOKENIZERS):
        return True
    return all(location.file(file) for file in BYTE_PAIRS) or _counts_bytes(location)


def _counts_bytes(location: Location) -> bool:
    path = location.file(TOKENIZER_SETTINGS)
    if path is None:
        return False
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(settings, dict) and settings.get("tokenizer_class") in _WITHOUT_VOCABULARY


def _missing_file(location: Location) -> str | None:
    """Returns which part of a checkpoint is not on this machine, None if all of it is."""
    if location.file(CONFIG) is None:
        return CONFIG
    if not _has_tokenizer(location):
        return f"tokenizer ({', '.join(_TOKENIZERS)} or {' with '.join(BYTE_PAIRS)})"
    try:
        weights = location.weights()
    except ValueError:  # said as a fault of the index
        return None
    if not weights:
        return _NO_WEIGHTS
    return next((file for file in weights if location.file(file) is None), None)
