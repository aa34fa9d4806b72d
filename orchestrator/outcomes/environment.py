"""What a trial ran on, for `environment_json`: enough to explain a number that differs elsewhere.

Everything here is on a list of what may be recorded. Environment variables, remote addresses and
paths of the user are not on it, because experiment stores are shared and those hold tokens.
"""

from __future__ import annotations

import ast
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

INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve", "bf16")
"""Sets of instructions that decide which kernels run on a CPU: a score's last digits follow."""

_SECONDS = 5
_CPUS = Path("/proc/cpuinfo")


def capture() -> dict[str, Any]:
    """Returns the environment as JSON-compatible values.

    Returns:
        `python`, `implementation`, `system`, `release`, `machine`, `cpus`, `cpu_instructions` (of
        `INSTRUCTIONS`; None where the system does not list them), `packages` (name to version, only
        what is installed), `commit` and `modified` (of the checkout that this
        package runs from; None where it is installed without one), `torch` (its version with that
        of the build, such as 2.13.0+cu130) and `cuda` (that it was built for); None where torch is
        not installed, or for no CUDA.
    """
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "cpu_instructions": _instructions(),
        "packages": _versions(),
        **_torch_build(),
        **_checkout(),
    }


def _instructions(listing: Path = _CPUS) -> list[str] | None:
    """Returns which of `INSTRUCTIONS` this machine's first CPU has, as Linux lists them."""
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), None)
    if flags is None:
        return None
    there = set(flags.partition(":")[2].split())
    return [name for name in INSTRUCTIONS if name in there]


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
def _torch_build() -> dict[str, str | None]:
    """Returns which build of torch is installed, from its file of constants: it is not imported."""
    found: dict[str, str | None] = {"torch": _versions().get("torch"), "cuda": None}
    if found["torch"] is None:
        return found
    file = Path(str(importlib.metadata.distribution("torch").locate_file("torch/version.py")))
    try:
        statements = ast.parse(file.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError):
        return found
    for statement in statements:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value))
            ) if name in ("__version__", "cuda"):
                found["cuda" if name == "cuda" else "torch"] = None if value is None else str(value)
    return found


@cache
def _checkout(package: Path = Path(__file__).parents[1]) -> dict[str, Any]:
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
