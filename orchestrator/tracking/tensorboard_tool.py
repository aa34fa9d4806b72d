"""Trials as runs of TensorBoard: `<root>/tensorboard/<sweep>/<phase>/<stratum>/<trial>`.

There a run is called by its folder, and that is all by which its charts tell runs apart. A trial
that a start found without knowing what it is has a folder beside the phases, and keeps it.
Configuration and outcome are those of the HParams plugin. What has been written is read back from
the files, so a folder that was removed is written anew.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.store.own_files import check_way
from orchestrator.store.schema import SCORE_COLUMNS
from orchestrator.tracking.event_file import EventFile, is_whole
from orchestrator.tracking.own_folder import own_folder
from orchestrator.tracking.run_record import SUCCEEDED, End, Point, Run
from orchestrator.tracking.tool import NOTHING

FOLDER = "tensorboard"

_EVENTS = "events.out.tfevents.*"
_LONGEST_NAME = 100
_COMPARED = ("phase", "stratum")
"""Labels that the HParams plugin filters and sorts by, beside the parameters."""


class TensorboardRun:
    """A trial as a folder of event files."""

    def __init__(self, folder: Path) -> None:
        """Goes on with a folder, or makes it; the first new event makes a new file in it."""
        self.reached = _reached(folder)
        self._file = EventFile(folder)

    def begin(self, run: Run) -> None:
        """Writes what the trial is."""
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        points = run.points[0].at if run.points else time.time()
        started = run.started_at or points
        given = dict(run.identity.parameters)
        kinds = {name: run.labels[name] for name in _COMPARED if name in run.labels}
        self._add(hparams_pb({**kinds, **given}, run.trial_id, started), 0, started)
        self._text("trial", {"trial": run.trial_id, **run.labels, **given}, 0, started)

    def write(self, points: Sequence[Point]) -> None:
        """Adds points, each as one event."""
        for point in points:
            self._scalars(point.values, point.examples, point.at)
        self.reached = points[-1].examples

    def end(self, run: Run, end: End) -> None:
        """Adds the final row as a text, its main scores as scalars, and the session's end."""
        step = max(self.reached, 0)
        at = end.at or time.time()
        # A scalar is a chart of its own there, and that of a single point says little.
        charted = {name: value for name, value in end.values.items() if _is_charted(name)}
        self._text("outcome", {"outcome": end.outcome, **end.facts, **end.values}, step, at)
        self._scalars(charted, step, at)
        self._add(_session_end(end.outcome in SUCCEEDED, at), step, at)
        self._file.close()

    def leave(self) -> None:
        """Closes the file."""
        self._file.close()

    def _scalars(self, values: Mapping[str, float], step: int, at: float) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        named = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._add(Summary(value=named), step, at)

    def _text(self, tag: str, facts: Mapping[str, object], step: int, at: float) -> None:
        from tensorboard.plugins.text.summary_v2 import text_pb

        lines = [f"| {name} | {_cell(value)} |" for name, value in facts.items()]
        self._add(text_pb(tag, "\n".join(["| | |", "|---|---|", *lines])), step, at)

    def _add(self, summary: Any, step: int, at: float) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._file.add(Event(wall_time=at, step=step, summary=summary))


class TensorboardTool:
    """A folder that TensorBoard shows."""

    def __init__(self, root: Path, sweep_id: str) -> None:
        """Makes the sweep's folder.

        Args:
            root: Folder of the experiment store.
            sweep_id: The sweep.

        Raises:
            DamagedError: A link or a file stands in its place.
        """
        self._root = root
        self._place = own_folder(root, FOLDER, sweep_id)
        self._folders = {path.parent.name: path.parent for path in self._place.rglob(_EVENTS)}
        self.where = f"tensorboard --logdir {self._place}"

    def ended(self) -> set[str]:
        """Returns the trials whose session has its end."""
        from tensorboard.plugins.hparams.metadata import SESSION_END_INFO_TAG

        mark, found = SESSION_END_INFO_TAG.encode(), set()
        for path in self._place.rglob(_EVENTS):
            content = path.read_bytes()
            if mark in content and is_whole(content):  # the end is the last event
                found.add(path.parent.name)
        return found

    def open(self, run: Run) -> TensorboardRun:
        """Returns the trial's folder."""
        begun = run.trial_id in self._folders
        named = self._place.joinpath(*map(_folder_name, run.kind), run.trial_id)
        folder = check_way(self._root, self._folders.setdefault(run.trial_id, named))
        opened = TensorboardRun(folder)
        if not begun:
            opened.begin(run)
        return opened

    def close(self) -> None:
        """Does nothing: every file is closed by itself."""


def _folder_name(text: str) -> str:
    """Returns a text as the name of a folder that every file system takes."""
    return re.sub(r"[^\w=.,+-]+", "_", text.replace(", ", ","))[:_LONGEST_NAME].strip("_.") or "_"


def _is_charted(name: str) -> bool:
    return name == "trials/objective" or (
        name.startswith("trials/test_") and name.removeprefix("trials/test_") in SCORE_COLUMNS
    )


def _reached(folder: Path) -> int:
    """Returns the last step with a scalar; a file that a crash has cut counts as far as it goes."""
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    reached = NOTHING
    for path in sorted(folder.glob(_EVENTS)):
        for event in LegacyEventFileLoader(str(path)).Load():
            if any(value.HasField("simple_value") for value in event.summary.value):
                reached = max(reached, event.step)
    return reached


def _session_end(succeeded: bool, at: float) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    status = api_pb2.STATUS_SUCCESS if succeeded else api_pb2.STATUS_FAILURE
    ended = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=at)
    data = plugin_data_pb2.HParamsPluginData(session_end_info=ended)
    value = Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG,
        metadata=metadata.create_summary_metadata(data),
        tensor=metadata.NULL_TENSOR,
    )
    return Summary(value=[value])


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")
