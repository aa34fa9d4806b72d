"""Trials as runs of MLflow: one experiment a sweep, found again by tags.

The server is MLflow's own choice: `MLFLOW_TRACKING_URI`, or its local store in the working folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.tracking.mlflow_server import check_database, shown
from orchestrator.tracking.run_record import SUCCEEDED, End, Point, Run
from orchestrator.tracking.tool import NOTHING

_MARK = "finetune_sweep"
_SWEEP, _TRIAL, _REACHED, _ENDED = (
    f"{_MARK}.{name}" for name in ("sweep_id", "trial_id", "reached", "ended")
)
_LONGEST = 5000
"""Characters of a tag that every server takes."""
_MOST_METRICS = 1000
"""Of one request, by MLflow's own rule."""
_PAGE = 1000

_TRIES = 4
"""To reach a database, within two seconds."""

_USUAL = {
    # MLflow's own, 120 s and 7 times, keep a sweep's last rows waiting for a quarter of an hour.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Else each try at a database that is not there is several lines.
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}
"""What is set in the tool's process where the user has not."""


class MlflowRun:
    """A trial as a run of MLflow."""

    def __init__(self, tool: MlflowTool, run_id: str, reached: int) -> None:
        """Takes up a run that is there."""
        self._tool = tool
        self._run_id = run_id
        self.reached = reached

    def write(self, points: Sequence[Point]) -> None:
        """Adds points, as many to a request as there may be in one."""
        batch: list[Point] = []
        count = 0
        for point in points:
            if batch and count + len(point.values) > _MOST_METRICS:
                self._send(batch)
                batch, count = [], 0
            batch.append(point)
            count += len(point.values)
        self._send(batch)

    def end(self, run: Run, end: End) -> None:
        """Adds the final row as metrics `trials/...` and tags, and the run's status."""
        at = run.points[-1].examples if run.points else 0
        self._tool.describe(self._run_id, run)
        self._tool.log(
            self._run_id,
            [Point(at, end.at or time.time(), end.values)],
            {"outcome": end.outcome, **end.facts},
        )
        status = "FINISHED" if end.outcome in SUCCEEDED else "FAILED"
        ended_at = None if end.at is None else round(end.at * 1000)
        self._tool.client.set_terminated(self._run_id, status, ended_at)
        self._tool.log(self._run_id, [], {_ENDED: end.outcome})

    def leave(self) -> None:
        """Says that nothing runs now."""
        self._tool.client.set_terminated(self._run_id, "KILLED")

    def _send(self, points: Sequence[Point]) -> None:
        # Where a crash comes between the two, the same metrics are sent again, which MLflow's
        # stores take for the same: their time is the report's.
        self._tool.log(self._run_id, points, {_REACHED: str(points[-1].examples)})
        self.reached = points[-1].examples


class MlflowTool:
    """An MLflow server or local store."""

    def __init__(self, root: Path, sweep_id: str) -> None:
        """Finds the sweep's experiment, or makes it.

        Args:
            root: Folder of the experiment store; nothing of MLflow's lies there.
            sweep_id: The sweep.

        Raises:
            UserError: MLflow's own database keeps nothing, or cannot be written to.
        """
        for name, value in _USUAL.items():
            os.environ.setdefault(name, value)
        # Takes seconds, so only where it is asked for.
        import mlflow

        uri = mlflow.get_tracking_uri()
        check_database(uri)
        _try_less()
        self.client = mlflow.MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or sweep_id
        self.where = f"experiment {name} of {shown(uri)}"
        found = self.client.get_experiment_by_name(name)
        made = self.client.create_experiment(name) if found is None else found.experiment_id
        self._experiment = str(made)
        self._runs: dict[str, tuple[str, int]] = {}
        self._ended: set[str] = set()
        self._find(sweep_id)

    def ended(self) -> set[str]:
        """Returns the trials whose runs have the tag that is written last."""
        return set(self._ended)

    def open(self, run: Run) -> MlflowRun:
        """Returns the trial's run, made if there is none."""
        if run.trial_id in self._runs:
            run_id, reached = self._runs[run.trial_id]
            self.client.update_run(run_id, status="RUNNING")
        else:
            started = run.started_at or (run.points[0].at if run.points else time.time())
            tags = {_SWEEP: run.sweep_id, _TRIAL: run.trial_id}
            made = self.client.create_run(self._experiment, round(started * 1000), tags, run.name)
            run_id, reached = made.info.run_id, NOTHING
            self._runs[run.trial_id] = run_id, reached
        self.describe(run_id, run)
        return MlflowRun(self, run_id, reached)

    def close(self) -> None:
        """Does nothing: every request is answered before the next."""

    def describe(self, run_id: str, run: Run) -> None:
        """Names the run, and adds what it lacks: in MLflow parameters never change."""
        from mlflow.entities import Param

        data = self.client.get_run(run_id).data
        parameters = [
            Param(name, str(value))
            for name, value in run.identity.parameters.items()
            if name not in data.params
        ]
        labels = {name: value for name, value in run.labels.items() if name not in data.tags}
        self.client.log_batch(run_id, params=parameters, tags=_tags(labels))
        if run.identity.labels:
            self.client.update_run(run_id, name=run.name)

    def log(self, run_id: str, points: Sequence[Point], tags: Mapping[str, str]) -> None:
        """Adds points and tags in one request."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, round(point.at * 1000), point.examples)
            for point in points
            for name, value in point.values.items()
        ]
        self.client.log_batch(run_id, metrics=metrics, tags=_tags(tags))

    def _find(self, sweep_id: str) -> None:
        token = None
        while True:
            page = self.client.search_runs(
                [self._experiment],
                f"tags.`{_SWEEP}` = '{sweep_id}'",
                max_results=_PAGE,
                page_token=token,
            )
            for run in page:
                tags = run.data.tags
                if _ENDED in tags:
                    self._ended.add(tags[_TRIAL])
                reached = int(tags.get(_REACHED, NOTHING))
                self._runs[tags[_TRIAL]] = run.info.run_id, reached
            token = page.token
            if not token:
                return


def _try_less() -> None:
    """Lets MLflow try a database that it cannot reach for a second, not ten times in 100 s.

    There is no setting for it. Where that MLflow has no such constant, nothing is changed.
    """
    try:
        from mlflow.store.db import utils
    except ImportError:  # mlflow-skinny without what databases need
        return
    if hasattr(utils, "MAX_RETRY_COUNT"):
        utils.MAX_RETRY_COUNT = _TRIES


def _tags(values: Mapping[str, str]) -> list[object]:
    from mlflow.entities import RunTag

    return [RunTag(name, value[:_LONGEST]) for name, value in values.items()]
