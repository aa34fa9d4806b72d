"""The sweep command with the toy learner in place of the real one, for tests to start and kill.

`python -m tests.orchestrator.drive FILE DIR|s3://BUCKET/PATH [--no-dashboard] [--group]
[--hours-of-devices=HOURS] [--address=ADDRESS] [--on-end=COMMAND] [--json] [--quiet]`
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from orchestrator.errors import exit_codes
from orchestrator.results.root_address import root_address
from orchestrator.search_space import load
from orchestrator.sweep.cli import say_interrupted
from orchestrator.sweep.preflight import StartOptions
from orchestrator.sweep.run import run
from orchestrator.terminal.console import console
from orchestrator.terminal.json_console import JsonConsole
from orchestrator.terminal.plain_console import PlainConsole


def main() -> None:
    """Runs the toy sweep as `python -m orchestrator.sweep` runs a real one."""
    file, root = Path(sys.argv[1]), root_address(sys.argv[2])
    learner = "tests.orchestrator.toy:finetune"
    if "--group" in sys.argv:
        learner = "tests.orchestrator.toy_group:finetune"
    given = dict(a.split("=", 1) for a in sys.argv if a.startswith("--") and "=" in a)
    hours = given.get("--hours-of-devices")
    out = console(JsonConsole if "--json" in sys.argv else PlainConsole)
    out.quiet = "--quiet" in sys.argv
    with exit_codes(partial(say_interrupted, out)):
        run(
            load(file, profile="embedded"),
            root,
            out,
            StartOptions(
                max_device_hours=None if hours is None else float(hours),
                address=given.get("--address"),
                dashboard="--no-dashboard" not in sys.argv,
                learner=learner,
                engine="tests.orchestrator.toy_engine:ToyEngine",
                on_end=given.get("--on-end"),
            ),
        )


if __name__ == "__main__":
    main()
