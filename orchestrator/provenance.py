"""What a trial ran on, for `environment_json`: enough to explain a number that differs elsewhere.

Everything here is on a list of what may be recorded. Environment variables, remote addresses and
paths of the user are not on it, because experiment stores are shared and those hold tokens.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

PACKAGES = (
    "accelerate",
    "bitsandbytes",
    "datasets",
    "duckdb",
    "evaluate",
    "nltk",
    "numpy",
    "optuna",
    "peft",
    "pyarrow",
    "ray",
    "rouge-score",
    "safetensors",
    "sqlglot",
    "torch",
    "transformers",
)
"""Packages whose version can change a trial's numbers or its rows."""

_SECONDS = 5


def capture(torch_version: str | None = None, cuda_version: str | None = None) -> dict[str, Any]:
    """Returns the environment as JSON-compatible values.

    Args:
        torch_version: `torch.__version__`, which names the build; torch is not imported here.
        cuda_version: `torch.version.cuda`.

    Returns:
        `python`, `implementation`, `system`, `release`, `machine`, `cpus`, `packages` (name to
        version, only what is installed), `commit` and `modified` (of the checkout that this
        package runs from; None where it is installed without one), `torch` and `cuda`.
    """
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "packages": _versions(),
        "torch": torch_version,
        "cuda": cuda_version,
        **_checkout(),
    }


@cache
def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@cache
def _checkout(package: Path = Path(__file__).parent) -> dict[str, Any]:
    """Returns commit and state of the checkout that holds the package, if there is one."""
    top = _git(package, "rev-parse", "--show-toplevel")
    commit = _git(package, "rev-parse", "--verify", "HEAD")
    # An installed package may lie inside another project's checkout.
    if top is None or commit is None or Path(top).resolve() != package.resolve().parent:
        return {"commit": None, "modified": None}
    status = _git(package, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "modified": None if status is None else bool(status)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
