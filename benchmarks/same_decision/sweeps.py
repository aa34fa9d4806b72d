"""Real sweeps, run by their command and read from their stores."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.same_decision.decision import Ran
from benchmarks.same_decision.question import METRIC, Question
from orchestrator.store import reader


def run(question: Question, way: str, seed: int, folder: Path) -> Ran:
    """Runs a sweep by its command, unless it is in the folder already, and reads what it stored.

    Raises:
        SystemExit: The command failed.
    """
    root = folder / f"{way}-{seed}"
    record = root / "command_seconds.json"
    if not record.exists():
        root.mkdir(parents=True, exist_ok=True)
        file = root / f"{way}.yaml"
        file.write_text(question.search_space(way, seed))
        command = [sys.executable, "-m", "orchestrator.sweep", str(file), "--root", str(root)]
        started = time.perf_counter()
        done = subprocess.run(
            [*command, "--profile", "embedded", "--no-dashboard"], capture_output=True, text=True
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
        record.write_text(json.dumps(seconds))
    rows = reader.trials(root).to_pylist()
    reports = reader.reports(root).to_pylist()
    return summary(rows, reports, json.loads(record.read_text()))


def summary(
    rows: Sequence[dict[str, Any]], reports: Sequence[dict[str, Any]], command_seconds: float
) -> Ran:
    """Reads a finished sweep.

    Args:
        rows: Final rows of its trials.
        reports: Their reports.
        command_seconds: How long the command took.
    """
    span = max(row["ended_at"] for row in rows) - min(row["started_at"] for row in rows)
    spent, needed = 0.0, 0.0
    for row in rows:
        own = sorted((r for r in reports if r["trial_id"] == row["trial_id"]), key=_rung)
        before = own[-2]["eval_seconds"] if len(own) > 1 else 0.0
        spent += own[-1]["train_seconds"] + own[-1]["eval_seconds"]
        needed += own[-1]["train_seconds"] + own[-1]["eval_seconds"] - before
    completed = [row for row in rows if row["outcome"] == "completed"]
    return Ran(
        seconds=span.total_seconds(),
        command_seconds=command_seconds,
        without_rungs=needed / spent,
        completed={row["configuration_id"]: row["objective"] for row in completed},
        errors={row["configuration_id"]: row[f"{METRIC}_se"] for row in completed},
        trials=len(rows),
    )


def _rung(report: dict[str, Any]) -> int:
    return int(report["rung_examples"])
