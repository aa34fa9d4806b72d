"""The tools by the names that a search space file gives them, and whether they can be used here."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.tracking.mlflow_server import check_server
from orchestrator.tracking.tool import Tool

_DISABLED = "disabled"
_OFFLINE = ("offline", "dryrun", _DISABLED)
_MODES = (*_OFFLINE, "online", "run", "shared")
_NO_KEY = 3
_HAS_KEY = (
    "import sys, wandb\n"
    f"settled = wandb.setup().settings.mode in {_OFFLINE!r}\n"
    "settled = settled or wandb.login(prompt=False, verify=False)\n"
    f"sys.exit(0 if settled else {_NO_KEY})\n"
)
_SECONDS_TO_LOOK = 60.0


def check_tools(names: Iterable[str]) -> None:
    """Checks that the tools can be used by this process.

    Raises:
        UserError: A package is not installed, or Weights & Biases does not know who is asking, or
            its mode is none.
    """
    for name in names:
        spec = importlib.util.find_spec(name)
        # A folder of that name, as wandb makes one, is found too, but has no origin.
        if spec is None or spec.origin is None:
            raise UserError(
                f"track names {name}, but the package {name} is not installed: pip install {name},"
                f" or leave {name} out of track."
            )
        if name == "wandb":
            _check_wandb()


def check_servers(names: Iterable[str]) -> None:
    """Checks, before a sweep begins, that the servers that tools are told of can be reached.

    Raises:
        UserError: One cannot.
    """
    if "mlflow" in names:
        check_server()


def check_writes(name: str) -> None:
    """Checks that a tool that was named to be written to has not been told to write nothing.

    Raises:
        UserError: It has.
    """
    if name == "wandb" and os.environ.get("WANDB_MODE") == _DISABLED:
        raise UserError(
            f"WANDB_MODE={_DISABLED} lets wandb write nothing; unset it, or set WANDB_MODE=offline."
        )


def open_tool(name: str, root: Path, sweep_id: str) -> Tool:
    """Returns a tool, opened for one sweep; raises what its library raises.

    Args:
        name: One of `TRACKERS` in `orchestrator.search_space.value_types`.
        root: Folder of the store.
        sweep_id: The sweep.
    """
    if name == "wandb":
        from orchestrator.tracking.wandb_tool import WandbTool

        return WandbTool(root, sweep_id)
    if name == "mlflow":
        from orchestrator.tracking.mlflow_tool import MlflowTool

        return MlflowTool(root, sweep_id)
    from orchestrator.tracking.tensorboard_tool import TensorboardTool

    return TensorboardTool(root, sweep_id)


def _check_wandb() -> None:
    """Checks that wandb has a key or sends nothing; where it cannot say, the sweep will."""
    if (mode := os.environ.get("WANDB_MODE")) and mode not in _MODES:
        raise UserError(
            f"WANDB_MODE is {mode!r}, but must be one of online, offline and disabled; unset it, or"
            " set one of these."
        )
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_MODE") in _OFFLINE:
        return
    try:
        # In a process of its own: importing wandb takes seconds and starts what never ends.
        done = subprocess.run(
            [sys.executable, "-c", _HAS_KEY],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS_TO_LOOK,
        )
    except subprocess.TimeoutExpired:
        return
    if done.returncode == _NO_KEY:
        raise UserError(
            "track names wandb, but there is no key of a Weights & Biases account: run wandb login"
            " or set WANDB_API_KEY; WANDB_MODE=offline keeps everything on this machine."
        )
