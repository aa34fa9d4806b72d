"""Trials as runs of Weights & Biases, one group a sweep, a run's id that of the trial.

Project, server, account and whether anything is sent at all are the user's, by wandb's own
variables (`WANDB_PROJECT`, `WANDB_BASE_URL`, `WANDB_MODE=offline`). Its files lie in
`<root>/wandb`, whose logs say what wandb was given: they are read by wandb's own reader when a
sweep goes on.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orchestrator.tracking.own_folder import own_folder
from orchestrator.tracking.run_record import SUCCEEDED, End, Point, Run
from orchestrator.tracking.tool import NOTHING

PROJECT = "finetune-sweep"
FOLDER = "wandb"

_OUTCOME = "outcome"
_LONGEST_TAG = 64
_SECONDS_TO_READ = 60.0
_USUAL = {"WANDB_ERROR_REPORTING": "false", "WANDB_INIT_TIMEOUT": "30"}
"""What is set in the tool's process where the user has not."""


class WandbRun:
    """A trial as a run of Weights & Biases."""

    def __init__(self, run: Any, reached: int) -> None:
        """Takes up a run that has been started."""
        self._run = run
        self.reached = reached

    def write(self, points: Sequence[Point]) -> None:
        """Adds points; a point's number of examples is wandb's step."""
        for point in points:
            self._run.log({**point.values, "_timestamp": point.at}, step=point.examples)
        self.reached = points[-1].examples

    def end(self, run: Run, end: End) -> None:
        """Adds the final row to the run's summary, and ends the run."""
        self._run.config.update(dict(run.identity.parameters), allow_val_change=True)
        self._run.summary.update({**end.values, **end.facts, _OUTCOME: end.outcome})
        self._run.finish(exit_code=0 if end.outcome in SUCCEEDED else 1)

    def leave(self) -> None:
        """Ends the run as one that was cut short and may go on."""
        self._run.mark_preempting()
        self._run.finish(exit_code=1)


class WandbTool:
    """Weights & Biases, online or offline."""

    def __init__(self, root: Path, sweep_id: str) -> None:
        """Reads what wandb was given before.

        Args:
            root: Folder of the experiment store.
            sweep_id: The sweep.

        Raises:
            DamagedError: A link or a file stands in the place of wandb's folder.
        """
        for name, value in _USUAL.items():
            os.environ.setdefault(name, value)
        # Takes seconds, so only where it is asked for.
        import wandb

        self._wandb = wandb
        self._root = root
        self._group = sweep_id
        # Else wandb prefers a folder of its own to one that is not there.
        self._place = own_folder(root, FOLDER)
        self._settings = wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,
            x_disable_meta=True,
        )
        self._project = os.environ.get("WANDB_PROJECT") or PROJECT
        mode = wandb.setup().settings.mode
        self.where = f"project {self._project}, group {sweep_id}"
        if mode in ("offline", "dryrun"):
            self.where = f"{self._place}, offline; wandb sync {self._place} sends it"
        elif mode == "disabled":
            self.where = "nowhere: wandb is disabled and writes nothing"

    def ended(self) -> set[str]:
        """Returns the trials whose last log has an end with an outcome."""
        found = set()
        for path in self._logs("*"):
            said = _read(path)
            if said["state"] != "running" and _OUTCOME in said["summary"]:
                found.add(str(said["run_id"]))
        return found

    def open(self, run: Run) -> WandbRun:
        """Starts the trial's run, or goes on with it."""
        logs = self._logs(run.trial_id)
        reached = max((_step(_read(path)) for path in logs), default=NOTHING)
        self._await_another_second(run.trial_id)
        labels = run.identity.labels
        tags = [labels[name] for name in ("technique", "phase", "stratum") if name in labels]
        started = self._wandb.init(
            project=self._project,
            id=run.trial_id,
            name=run.name,
            group=self._group,
            job_type=labels.get("phase"),
            tags=[tag[:_LONGEST_TAG] for tag in tags],
            config={**run.labels, **run.identity.parameters},
            dir=str(self._root),
            resume="allow",
            reinit="create_new",
            settings=self._settings,
        )
        # What a server has of it from elsewhere.
        if started.resumed and started.step:
            reached = max(reached, started.step - 1)
        return WandbRun(started, reached)

    def close(self) -> None:
        """Ends wandb's own process, which writes out what it holds."""
        self._wandb.teardown()

    def _logs(self, trial: str) -> list[Path]:
        return sorted(self._place.glob(f"*run-*-{trial}/run-*.wandb"))

    def _await_another_second(self, trial: str) -> None:
        """Waits until a further log of the trial gets a folder of its own: its name has seconds."""
        while any(self._place.glob(f"*run-{time.strftime('%Y%m%d_%H%M%S')}-{trial}")):
            time.sleep(0.1)


def _read(log: Path) -> dict[str, Any]:
    """Returns the state, step and summary of a log, which a crash may have cut."""
    from wandb.util import get_core_path

    reader = [get_core_path(), "leet", "inspect", "--summary", "--json"]
    done = subprocess.run(
        [*reader, "--run-file", str(log), str(log.parent.parent)],
        capture_output=True,
        check=True,
        timeout=_SECONDS_TO_READ,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _step(said: dict[str, Any]) -> int:
    """Returns the last step of a log; a run begins at step 0 without having logged it."""
    summary = said["summary"]
    return int(summary["_step"]) if "_step" in summary else NOTHING
