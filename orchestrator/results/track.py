"""A stored sweep in a tool that people watch experiments with, written afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from orchestrator.errors import CommandError
from orchestrator.results.errors import ResultsError
from orchestrator.store.place import Root
from orchestrator.terminal.output import Answer, table
from orchestrator.tracking.follower import Follower
from orchestrator.tracking.tools import check_servers, check_tools, check_writes


class ToolFailedError(CommandError):
    """A tool did not take a sweep."""


class Tool(StrEnum):
    """The tools that a sweep can be written to."""

    WANDB = "wandb"
    MLFLOW = "mlflow"
    TENSORBOARD = "tensorboard"


def track(root: Root, sweep_ids: Sequence[str], tool: Tool) -> Answer:
    """Writes what a tool lacks of some sweeps, as `track` in a search space file does meanwhile.

    Args:
        root: Of the store, which must be a folder.
        sweep_ids: The sweeps.
        tool: Where to.

    Raises:
        ResultsError: The store is in a bucket.
        UserError: Its package is not installed, it does not know who is asking, is to write
            nothing, or nothing answers where it is.
        ToolFailedError: It failed; the same command goes on.
    """
    if not isinstance(root, Path):
        raise ResultsError(
            f"What a tool is told is kept beside the store, so track needs a folder, and {root} is"
            " none; copy the sweep into one with `results export`, and name that with --root."
        )
    check_tools([tool])
    check_writes(tool)
    check_servers([tool])
    data = [_write(root, sweep_id, tool) for sweep_id in sweep_ids]
    cells = [[str(value) for value in row.values()] for row in data]
    return Answer(data, table(list(data[0]), cells, {"trials"}))


def _write(root: Path, sweep_id: str, tool: Tool) -> dict[str, object]:
    follower = Follower(tool, root, sweep_id, alone=False)
    try:
        follower.finish()
        follower.wait(None)
    finally:
        follower.kill()
    if follower.done is None:
        raise ToolFailedError(
            f"{tool} does not have all of {sweep_id}: {follower.error}. The same command goes on."
        )
    return {
        "sweep_id": sweep_id,
        "tool": str(tool),
        "trials": follower.done,
        "where": follower.where,
    }
