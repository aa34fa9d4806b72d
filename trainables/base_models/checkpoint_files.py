"""What is wrong with the files of a base model on this machine, told before a library reads them.

A library's message names neither the file nor what to do. And what transformers passes over without
a word, such as a broken generation_config.json, would change a trial's numbers.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainables.base_models.file_faults import fault_of_weights, read_object
from trainables.base_models.locations import GIVE_A_CHECKPOINT, WEIGHTS, WEIGHTS_INDEX, Location
from trainables.contract.json_values import kind
from trainables.families.family import TOKENS_OF_GENERATION
from trainables.runtime.stand_ins import stand_in

TOKENIZER = "tokenizer.json"
TOKENIZER_SETTINGS = "tokenizer_config.json"
VOCABULARIES = ("spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
BYTE_PAIRS = ("vocab.json", "merges.txt")
"""Files of a byte-pair tokenizer, which has both."""

_SETTINGS = (TOKENIZER_SETTINGS, "special_tokens_map.json", "added_tokens.json")
_SPECIAL = tuple(f"{name}_token" for name in ("bos", "cls", "eos", "mask", "pad", "sep", "unk"))
_SEVERAL = ("decoder_start_token_id", "eos_token_id", "forced_eos_token_id")
"""Tokens of generation of which there may be several."""
_LONGEST = "model_max_length"
_GENERATION = "generation_config.json"
_HEAD = 512


def fault_of_model(location: Location) -> str | None:
    """Returns what is wrong with the weights of a base model, their index or the settings beside.

    Of the weights their headers are read, of the hub's what is in its cache.

    Args:
        location: Where it lies. What is missing there is no fault here.

    Returns:
        None where nothing is; words that go on from the model's name, without a full stop.
    """
    return next(_of_model(location), None)


def fault_of_tokenizer(location: Location) -> str | None:
    """Returns what is wrong with the files of a base model's tokenizer; as `fault_of_model`."""
    return next(_of_tokenizer(location), None)


def _of_model(location: Location) -> Iterator[str]:
    yield from _of_object(location, _GENERATION)
    yield from _of_token_ids(location)
    try:
        weights = location.weights()
    except ValueError as error:
        yield str(error)
        return
    if weights and weights != (WEIGHTS,):
        yield from _of_index(location)
    for file in weights:
        if not file.endswith(".safetensors"):
            yield (
                f"keeps weights in {file}, but only safetensors are read: give a checkpoint that"
                " `save_pretrained` wrote"
            )
        path = location.file(file)
        if path is None:
            continue
        if (fault := fault_of_weights(path, _again(location, file))) is not None:
            yield _said(file, fault)


def _of_index(location: Location) -> Iterator[str]:
    index = location.file(WEIGHTS_INDEX)
    metadata = {} if index is None else read_object(index, GIVE_A_CHECKPOINT).get("metadata")
    if not isinstance(metadata, dict):
        yield (
            f'has a {WEIGHTS_INDEX} without "metadata", which transformers asks for: add'
            ' "metadata": {} to it, or give the one that `save_pretrained` wrote'
            if metadata is None
            else f'has a {WEIGHTS_INDEX} in which "metadata" is {kind(metadata)}, not an object:'
            " give the one that `save_pretrained` wrote"
        )


def _of_tokenizer(location: Location) -> Iterator[str]:
    for file in _SETTINGS:
        yield from _of_object(location, file)
    yield from _of_tokens(location)
    if location.file(TOKENIZER) is not None:
        yield from _of_object(location, TOKENIZER, model="an object", added_tokens="a list")
        return
    yield from _of_object(location, BYTE_PAIRS[0])
    for file in (*VOCABULARIES, BYTE_PAIRS[1]):
        path = location.file(file)
        if path is not None and (fault := _of_head(path, _again(location, file))) is not None:
            yield _said(file, fault)


def _of_object(location: Location, file: str, **keys: str) -> Iterator[str]:
    """Yields why a file holds no JSON object, or one without keys of the kinds that are given."""
    path = location.file(file)
    if path is None:
        return
    try:
        found = read_object(path, GIVE_A_CHECKPOINT)
    except ValueError as error:
        yield _said(file, str(error))
        return
    for key, wanted in keys.items():
        if key not in found:
            yield f'has a {file} without "{key}", {wanted}: {GIVE_A_CHECKPOINT}'
        elif kind(found[key]) != wanted:
            yield (
                f'has a {file} in which "{key}" is {kind(found[key])}, not {wanted}:'
                f" {GIVE_A_CHECKPOINT}"
            )


def _of_token_ids(location: Location) -> Iterator[str]:
    """Yields which token of generation is none; called once the file is known to hold an object."""
    for key, value in _content(location, _GENERATION).items():
        if key in TOKENS_OF_GENERATION and value is not None:
            several = isinstance(value, list) and value and key in _SEVERAL
            ids = value if several else [value]
            if not all(isinstance(each, int) and not isinstance(each, bool) for each in ids):
                yield (
                    f'has "{key}": {json.dumps(value)} in its {_GENERATION}, but it must be the'
                    f" number of a token, or null: {GIVE_A_CHECKPOINT}"
                )


def _of_tokens(location: Location) -> Iterator[str]:
    """Yields which special token is none; called once the file is known to hold an object."""
    settings = _content(location, TOKENIZER_SETTINGS)
    for key, value in settings.items():
        if key in _SPECIAL and not (value is None or isinstance(value, str)):
            text = value.get("content") if isinstance(value, dict) else None
            if not isinstance(text, str):
                yield (
                    f'has "{key}": {json.dumps(value)} in its {TOKENIZER_SETTINGS}, but it must be'
                    f" a text, or null: {GIVE_A_CHECKPOINT}"
                )
    longest = settings.get(_LONGEST)
    if longest is not None and kind(longest) != "a number":
        yield (
            f'has "{_LONGEST}": {json.dumps(longest)} in its {TOKENIZER_SETTINGS}, but it must be a'
            f" number: {GIVE_A_CHECKPOINT}"
        )


def _content(location: Location, file: str) -> dict[str, Any]:
    path = location.file(file)
    return {} if path is None else read_object(path, GIVE_A_CHECKPOINT)


def _of_head(path: Path, remedy: str) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        return f"{error.strerror or error}; {remedy}"
    return stand_in(head) if head else f"it is empty; {remedy}"


def _again(location: Location, file: str) -> str:
    """Returns how to get a file once more."""
    if not location.is_on_hub:
        return "copy or download it again"
    words = ["hf", "download", location.name, file, "--force-download"]
    if location.revision:
        words += ["--revision", location.revision]
    return f"download it again with `{shlex.join(words)}`"


def _said(file: str, fault: str) -> str:
    return f"has a {file} that cannot be read: {fault}"
