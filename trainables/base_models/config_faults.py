"""What transformers refuses in a config.json: key, value and what would be right, in words.

Its own error shows the names of Python's classes and types, over several lines.
"""

from __future__ import annotations

import json
import re
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from trainables.base_models.description import CONFIG
from trainables.base_models.locations import GIVE_A_CHECKPOINT

_KEY = re.compile(r"(?:Field|list|dict) '([^'\[.]+)")
_ONE_TYPE = re.compile(r"expected (\w+), got")
_TYPES = re.compile(r"any type in \((.*)\)\. Errors", re.DOTALL)
_WORDS = {
    "int": "a whole number",
    "float": "a number with a decimal point",
    "str": "a text",
    "bool": "true or false",
    "dict": "an object",
    "list[int]": "a list of whole numbers",
    "list[float]": "a list of numbers",
    "list[str]": "a list of texts",
    "list": "a list",
    "NoneType": "null",
}


def config_fault(error: StrictDataclassError, config: dict[str, Any]) -> str:
    """Returns which value of a configuration will not do, and why.

    Args:
        error: What transformers raised of it.
        config: The content of the config.json.

    Returns:
        Words that go on from the model's name, with the remedy, without a full stop.
    """
    said = " ".join(str(error.__cause__ or error).split()).rstrip(".")
    found = _KEY.search(said)
    if found is None or found[1] not in config:
        return f"has a {CONFIG} such as transformers does not take ({said}): {GIVE_A_CHECKPOINT}"
    key = found[1]
    what = f'has "{key}": {_short(config[key])} in its {CONFIG}'
    wanted = _wanted(said)
    if not wanted:
        return f"{what}, which transformers does not take ({said}): {GIVE_A_CHECKPOINT}"
    return f"{what}, but it must be {wanted}: {GIVE_A_CHECKPOINT}"


def unknown_value(error: KeyError, config: dict[str, Any]) -> str | None:
    """Returns which value of a configuration a library looked up and did not find.

    Args:
        error: What the library raised.
        config: The content of the config.json.

    Returns:
        As of `config_fault`; None where it was not one of its values.
    """
    for key, value in config.items():
        if isinstance(value, str) and error.args == (value,):
            return (
                f'has "{key}": {_short(value)} in its {CONFIG}, which transformers does not know:'
                f" {GIVE_A_CHECKPOINT}"
            )
    return None


def _wanted(said: str) -> str:
    """Returns the types that would do, in words; nothing where they are not named."""
    if (several := _TYPES.search(said)) is not None:
        names = [re.sub(r"<class '(\w+)'>", r"\1", name) for name in several[1].split(", ") if name]
    elif (one := _ONE_TYPE.search(said)) is not None:
        names = [one[1]]
    else:
        return ""
    words = [_WORDS[name] for name in names if name in _WORDS]
    if "float" in names and "int" in names:
        words = ["a number", *(word for word in words if "number" not in word.split())]
    return " or ".join(words)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
