"""Trials in a store that look as if they had left a model, for tests that load none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestrator.store import Store
from tests.orchestrator.results.synthetic import SWEEP, trial_name, write_trial
from trainables.contract.configuration import TrialConfiguration
from trainables.techniques.registry import complete


def write_model(
    root: Path, number: int, rank: int, *, sweep_id: str = SWEEP, **values: Any
) -> None:
    """Writes a final row, and an empty folder for its checkpoint."""
    checkpoint = f"checkpoints/sweep={sweep_id}/{trial_name(number)}/0000006000"
    (root / checkpoint).mkdir(parents=True)
    technique = values.pop("technique", "lora")
    given = {"rank": rank} if technique == "lora" else {}
    configuration = TrialConfiguration(
        technique=technique,
        parameters=complete(technique, given),
        data_size=2000,
        budget_examples=6000,
        seed=0,
        data_seed=0,
    )
    write_trial(
        Store(root),
        number,
        # Its scores follow from the rank, whatever the technique.
        {"technique": technique, "data_size": 2000, "rank": rank},
        sweep_id=sweep_id,
        predictions=False,
        **{
            "checkpoint": checkpoint,
            "config_json": json.dumps({**configuration.to_dict(), "rungs": [600, 2000, 6000]}),
            **values,
        },
    )
