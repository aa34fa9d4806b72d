"""The sweep command with the toy learner in place of the real one, for tests to start and kill.

`python -m tests.orchestrator.drive FILE ROOT [--no-dashboard] [--group] [--no-hours-of-devices]
[--address=ADDRESS]`
"""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator.console import console
from orchestrator.run import run
from orchestrator.spec import load
from orchestrator.start import StartOptions
from orchestrator.sweep import exit_code


def main() -> None:
    """Runs the toy sweep as `python -m orchestrator.sweep` runs a real one."""
    file, root = map(Path, sys.argv[1:3])
    learner = "tests.orchestrator.toy:finetune"
    if "--group" in sys.argv:
        learner = "tests.orchestrator.toy_group:finetune"
    addresses = [a.partition("=")[2] for a in sys.argv if a.startswith("--address=")]
    with exit_code(console()):
        run(
            load(file, profile="embedded"),
            root,
            console(),
            StartOptions(
                max_device_hours=0.0 if "--no-hours-of-devices" in sys.argv else None,
                address=addresses[0] if addresses else None,
                dashboard="--no-dashboard" not in sys.argv,
                learner=learner,
            ),
        )


if __name__ == "__main__":
    main()
