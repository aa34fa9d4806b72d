"""Search space files for tests, small and complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from orchestrator.search_space import Sweep, load

TOY: dict[str, Any] = {
    "name": "toy",
    "question": "Does it run?",
    "objective": {"metric": "rouge_l", "mode": "max"},
    "baseline": True,
    "space": {
        "technique": {
            "lora": {
                "rank": {"choice": [4, 8]},
                "learning_rate": {"loguniform": [0.01, 1.0]},
            },
            "full": {"learning_rate": {"loguniform": [0.01, 1.0]}},
        },
        "data_size": {"choice": [100, 200]},
    },
    "trials": 8,
    "budget": {"examples": 900},
    "stopping": {"first_rung": 0.1, "reduction_factor": 3},
}
"""Without confirming runs, where a test does not ask for them."""

BY_OBJECTIVE = {**TOY["stopping"], "by": "objective"}
"""Stopping as it was before the loss decided: every rung is scored."""


def write(folder: Path, **changes: Any) -> Path:
    """Writes the toy file with some keys replaced; None removes a key."""
    document = {key: value for key, value in (TOY | changes).items() if value is not None}
    document.setdefault("confirm", None)
    path = folder / "toy.yaml"
    with path.open("w") as file:
        YAML(typ="safe").dump(document, file)
    return path


def toy(folder: Path, **changes: Any) -> Sweep:
    """Returns the toy sweep with some keys replaced."""
    return load(write(folder, **changes), profile="embedded")
