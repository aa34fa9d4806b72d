"""A resolved sweep as a search space file again."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from orchestrator.search_space.load import load
from orchestrator.search_space.messages import RESOLVED
from orchestrator.search_space.model import Sweep
from orchestrator.terminal.json_text import json_text


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
    yaml = YAML()
    yaml.default_flow_style = None  # lists of values in a line, as people write them
    yaml.width = 100
    stream = io.StringIO()
    yaml.dump(dict(values), stream)
    return stream.getvalue()
