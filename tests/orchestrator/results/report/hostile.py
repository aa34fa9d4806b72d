"""A store in which every free text means harm to a page or to who reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestrator.store import Store
from tests.orchestrator.results.synthetic import trial_name, write_trial

SWEEP = "hostile-0a1b2c3d"

_MARKUP = (
    "</script></style><script>document.title='harm'</script>"
    "<img src=x onerror=document.title='harm'>"
    " {{ 7*7 }}{% raw %} | `a` <!-- &lt; ](javascript:1) @all "
)
TEXT = _MARKUP + "\u202egnp.exe\u2028\x1b[2J\x00"
SHOWN = _MARKUP + r"\u202egnp.exe\u2028\x1b[2J\x00"
"""TEXT as a page shows it."""


def write_hostile(root: Path) -> None:
    """Writes a sweep whose question, names, parameters, texts, errors and environment are TEXT."""
    store = Store(root)
    words: dict[str, Any] = dict.fromkeys(
        ("sweep_name", "question", "base_model", "dataset", "device_name", "device_kind", "node"),
        TEXT,
    )
    for number, (modules, outcome) in enumerate(
        [(TEXT, "completed"), ("q", "completed"), (TEXT * 2, "stopped"), ("k", "failed")]
    ):
        own = {"rank": 4 + number, "target_modules": modules, TEXT: modules, "a.b[0]": number}
        write_trial(
            store,
            number,
            {"technique": "lora", "data_size": 10 * number + 10, **own},
            outcome,
            sweep_id=SWEEP,
            error=f"Traceback\n{TEXT}",
            stratum=f"{TEXT}={number}",
            environment_json=json.dumps({"system": TEXT, "packages": {TEXT: TEXT}}),
            **words,
        )
        scored = [
            {
                **dict.fromkeys(("sql_prompt", "sql_context", "reference", "prediction"), TEXT),
                "example_id": f"test-{row}",
                "rouge_l": row / 10,
                "execution_accuracy": None,
                "execution_reason": TEXT,
                "exact_match": 0.0,
            }
            for row in range(10)
        ]
        store.publish_predictions(
            SWEEP, trial_name(number), number, "test", "standard", 600, 6000, scored
        )
