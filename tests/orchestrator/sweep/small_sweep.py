"""A sweep in which everything happens once: three trials, one that goes on, its confirmation."""

from __future__ import annotations

from typing import Any

SMALL: dict[str, Any] = {
    "baseline": False,
    "space": {
        "technique": {
            "lora": {"rank": {"choice": [4, 8]}, "learning_rate": {"uniform": [0.1, 0.9]}}
        },
        "data_size": 100,
    },
    "trials": 3,
    "stopping": {"first_rung": 0.34, "reduction_factor": 3},
    "confirm": {"runs": 2, "seeds": 2},
    "limits": {"checkpoints": 2, "max_concurrent": 1},
}
"""Changes to the file of `tests.orchestrator.sweeps`."""
