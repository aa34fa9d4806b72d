"""Runs the sweep command with the toy learner in a process of its own, and reads what it left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from orchestrator.store.place import Root

TOP = Path(__file__).resolve().parents[2]


def command(file: Path, root: Root, *, dashboard: bool = False) -> list[str]:
    """Returns the command that runs the toy sweep of the file."""
    words = [sys.executable, "-m", "tests.orchestrator.drive", str(file), str(root)]
    return words if dashboard else [*words, "--no-dashboard"]


def environment(log: Path | None = None) -> dict[str, str]:
    """Returns its environment; the toy writes down every rung in the log."""
    return os.environ | ({"TOY_LOG": str(log)} if log else {})


def run(
    file: Path, root: Root, log: Path | None = None, *options: str, dashboard: bool = False
) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run(
        [*command(file, root, dashboard=dashboard), *options],
        cwd=TOP,
        env=environment(log),
        capture_output=True,
        text=True,
        timeout=580,
    )


@contextmanager
def joining(command: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Starts a driver that joins a cluster, and ends it after the block."""
    process = subprocess.Popen(
        command,
        cwd=TOP,
        env={**os.environ, "RAY_AUTH_MODE": "token", "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def files(root: Path) -> set[Path]:
    """Returns the files of the three tables."""
    return {
        path
        for name in ("trials", "reports", "predictions")
        for path in (root / name).rglob("*.parquet")
    }


def rows(root: Path, table: str) -> list[dict[str, Any]]:
    """Returns the rows of a table by trial and, for reports, rung."""
    read = (
        pq.read_table(p, partitioning=None).to_pylist() for p in (root / table).rglob("*.parq*")
    )
    found = [row for each in read for row in each]
    return sorted(found, key=lambda row: (row["trial_number"], row.get("rung_examples", 0)))


def decisions(root: Path) -> list[dict[str, Any]]:
    """Returns what a sweep decided about each trial, and on what grounds."""
    names = ("trial_id", "outcome", "objective", "learning_rate", "rank", "last_rung")
    return [{name: row[name] for name in names} for row in rows(root, "trials")]


def trained(log: Path) -> Counter[str]:
    """Returns how often each (configuration, rung) was trained."""
    return Counter(line.split(" ", 1)[1] for line in log.read_text().splitlines())
