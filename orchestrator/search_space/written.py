"""A resolved sweep as a search space file again."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from orchestrator.search_space.document import read
from orchestrator.search_space.load import load
from orchestrator.search_space.messages import RESOLVED
from orchestrator.search_space.model import Sweep
from orchestrator.search_space.problems import SpecError
from orchestrator.terminal.json_text import json_text

_WIDTH, _UNFOLDED = 100, 10**6
"""Columns; the second are more than any text has."""


def written(sweep: Sweep) -> dict[str, Any]:
    """Returns what a file says that resolves to the sweep, under its profile, without options."""
    values = sweep.model_dump(mode="json", exclude_unset=True)
    return {name: value for name, value in values.items() if name not in RESOLVED}


def read_back(values: Mapping[str, Any], profile: str) -> Sweep:
    """Returns the sweep that `written` described.

    Args:
        values: What a file says.
        profile: The sweep's.

    Raises:
        SpecError: They are none.
    """
    return load(Path("written"), profile=profile, text=json_text(dict(values)))


def yaml_text(values: Mapping[str, Any]) -> str:
    """Returns the text of a search space file.

    Args:
        values: What it says.
    """
    folded = _dumped(values, _WIDTH)
    # The emitter folds some texts such that they are others: those stay in one line.
    return folded if _is_read_as(values, folded) else _dumped(values, _UNFOLDED)


def _dumped(values: Mapping[str, Any], width: int) -> str:
    yaml = YAML()
    yaml.default_flow_style = None  # lists of values in a line, as people write them
    yaml.width = width
    stream = io.StringIO()
    yaml.dump(_quoted(dict(values)), stream)
    return stream.getvalue()


def _is_read_as(values: Mapping[str, Any], text: str) -> bool:
    try:
        return bool(read(text, "written").plain() == values)
    except SpecError:
        return False


def _quoted(value: Any) -> Any:
    r"""Returns values such that what acts in a text is written out: \x85 ends a line in others.

    What begins with a sign that a plain text may begin with is put in quotes, too: the emitter has
    another opinion than the parser of what is a key then, as in `{a: ?0}` and `a: : 0`.
    """
    match value:
        case dict():
            return {name: _quoted(each) for name, each in value.items()}
        case list() | tuple():
            return [_quoted(each) for each in value]
        case str() if not value.isprintable() or value[:1] in ("?", ":", "-"):
            return DoubleQuotedScalarString(value)
    return value
