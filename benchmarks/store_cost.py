"""What the experiment store costs: a report, an index, an answer; MLflow's SQLite store beside it.

    python -m benchmarks.store_cost                                  # about fifteen minutes
    python -m benchmarks.store_cost --quick                          # 500 trials, a minute
    python -m benchmarks.store_cost --mlflow-python /tmp/mlflow/bin/python

Two measurements. "The same work": trials are written by `Store.publish_report` and `publish_trial`
(every file made durable, as in a sweep) and by MLflow's client, in turns and in processes of their
own; then each is asked for its 50 best. "A large store": synthetic trials, written as plain files
through the store's own encoding because publishing them would take long and is measured above; then
each verb of `orchestrator.results` is run as a user runs it, so that its time holds the start of
the program.

MLflow is no dependency of this project. Where the interpreter of --mlflow-python cannot import it:

    python3 -m venv /tmp/mlflow && /tmp/mlflow/bin/pip install mlflow-skinny sqlalchemy alembic
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestrator import provenance
from orchestrator.console import console
from orchestrator.store import PREDICTIONS, REPORTS, TRIALS, Store, keys, rows
from orchestrator.store.schema import SCORE_COLUMNS, Table
from trainables.configuration import TrialConfiguration

SWEEP = "rank-0a1b2c3d"
START = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
BUDGET = 6000
PREDICTED = 40
"""So many trials have predictions, for the verbs that read some trials' predictions."""

METRICS = 2 * len(SCORE_COLUMNS) + 6
"""Numbers that each report gives to MLflow: as many as ours has measured ones."""

TURNS = 3
_CHUNK = 500
_MLFLOW = Path(__file__).with_name("mlflow_store.py")


def reports_of(number: int, reports: int) -> list[dict[str, Any]]:
    """Returns the reports of a synthetic trial; a better one rises higher."""
    chance = random.Random(number)
    rank = 4 * 2 ** (number % 4)
    best = min(0.95, 0.2 + 0.1 * math.log2(rank / 4) + abs(chance.gauss(0, 0.1)))
    learning_rate = 10 ** chance.uniform(-4, -2)
    found = []
    for rung in range(reports):
        examples = BUDGET * (rung + 1) // reports
        score = best * (0.5 + 0.5 * (rung + 1) / reports)
        found.append(
            {
                "sweep_id": SWEEP,
                "trial_id": trial_name(number),
                "trial_number": number,
                "rung": rung,
                "rung_from": BUDGET * rung // reports,
                "rung_examples": examples,
                "step": examples // 16,
                "examples_seen": examples,
                "epoch": examples / 2000,
                "train_loss": 2 - score,
                "eval_loss": 2.5 - score,
                "eval_rows": 100,
                "meteor_synonyms": False,
                "learning_rate": learning_rate,
                "tokens_per_second": 900.0,
                "train_seconds": examples / 100,
                "eval_seconds": 3.0 * (rung + 1),
                "elapsed_seconds": examples / 100 + 3.0 * (rung + 1),
                "peak_memory_bytes": 10**9,
                "trainable_parameters": 1000 * rank,
                "total_parameters": 1_000_000,
                "trainable_percent": 0.1 * rank,
                "device_kind": "cpu",
                "device_name": "a CPU",
                "node": "here",
                "attempt": 1,
                "base_model": "embedded",
                "dataset_fingerprint": "f00dfeedf00dfeed",
                "reported_at": START + datetime.timedelta(seconds=60 * number + rung),
                **{name: score * (0.8 + index / 50) for index, name in enumerate(SCORE_COLUMNS)},
                **{f"{name}_se": 0.03 for name in SCORE_COLUMNS},
            }
        )
    return found


def final_of(number: int, last: dict[str, Any]) -> dict[str, Any]:
    """Returns the final row of a synthetic trial from its last report."""
    rank = 4 * 2 ** (number % 4)
    technique = ("lora", "qlora")[number // 4 % 2]
    parameters = {
        "rank": rank,
        "alpha": 2.0 * rank,
        "dropout": 0.05,
        "target_modules": "q,v",
        "learning_rate": last["learning_rate"],
        "batch_size": 16,
        "micro_batch_size": None,
        "weight_decay": 0.01,
        "warmup": 0.02,
        "schedule": "warmup_stable_decay",
        "gradient_clipping": 1.0,
        "gradient_checkpointing": False,
    }
    configuration = TrialConfiguration(technique, parameters, 2000, BUDGET, number, 0)
    carried = set(TRIALS.schema.names) & set(last)
    return {
        **{name: last[name] for name in carried},
        "sweep_name": "rank",
        "question": "Does a bigger adapter buy better SQL?",
        "configuration_id": f"c-{number:x}x",
        "replicate": 0,
        "profile": "embedded",
        "technique": technique,
        **{name: parameters[name] for name in ("rank", "alpha", "dropout", "target_modules")},
        "batch_size": 16,
        "data_size": 2000,
        "epochs": BUDGET / 2000,
        "seed": number,
        "base_model": "embedded",
        "dataset": "embedded",
        "outcome": "completed",
        "last_rung": last["rung"],
        "attempts": 1,
        "steps": last["step"],
        "objective_metric": "rouge_l",
        "objective_mode": "max",
        "objective": last["rouge_l"],
        "wall_seconds": last["elapsed_seconds"] + 1,
        "started_at": START + datetime.timedelta(seconds=60 * number),
        "ended_at": START + datetime.timedelta(seconds=60 * number + 50),
        "config_json": json.dumps(configuration.to_dict()),
        "environment_json": _environment(),
    }


def trial_name(number: int) -> str:
    """Returns an id of the length that real ones have."""
    return f"t-x{number:09d}"


def build(root: Path, trials: int, reports: int) -> None:
    """Writes a large store as plain files: one row a file, as the real writer's."""
    for start in range(0, trials, _CHUNK):
        numbers = range(start, min(trials, start + _CHUNK))
        reported = [reports_of(number, reports) for number in numbers]
        finals = [final_of(n, found[-1]) for n, found in zip(numbers, reported, strict=True)]
        files = [keys.trial_key(SWEEP, row["trial_id"]) for row in finals]
        _write(root, TRIALS, finals, files)
        rungs = [row for found in reported for row in found]
        files = [
            keys.report_key(SWEEP, row["trial_id"], row["rung_from"], row["rung_examples"])
            for row in rungs
        ]
        _write(root, REPORTS, rungs, files)
    for number in range(min(trials, PREDICTED)):
        for row in reports_of(number, reports):
            key = keys.predictions_key(
                SWEEP, row["trial_id"], "validation", "standard", row["rung_examples"]
            )
            content = rows.to_arrow(PREDICTIONS, _predictions(number, row))
            _put(root / key, rows.encode(PREDICTIONS, content))


def publish(root: Path, first: int, last: int, reports: int) -> dict[str, Any]:
    """Stores trials as a sweep does; returns `reports` (seconds each) and `total` (seconds)."""
    store = Store(root)
    seconds = []
    began = time.perf_counter()
    for number in range(first, last):
        row: dict[str, Any] = {}
        for row in reports_of(number, reports):
            before = time.perf_counter()
            store.publish_report(row)
            seconds.append(time.perf_counter() - before)
        store.publish_trial(final_of(number, row))
    return {"reports": seconds, "total": time.perf_counter() - began}


def rank(root: Path) -> dict[str, Any]:
    """Makes the leaderboard's table in this process; returns its `seconds` and `cpu` seconds."""
    import rich.console
    import rich.table
    import rich.text  # noqa: F401 - imported before the clock runs

    from orchestrator.results.leaderboard import Ranking, render

    before, cpu = time.perf_counter(), time.process_time()
    ranking = Ranking(root, [SWEEP], None, ())
    render(ranking.entries(50), 50, ranking)
    return {"seconds": time.perf_counter() - before, "cpu": time.process_time() - cpu}


def same_work(folder: Path, trials: int, reports: int, mlflow: str | None) -> Iterator[list[str]]:
    """Yields the lines of the first table: ours and MLflow's, written in turns."""
    ours, theirs = folder / "ours", folder / "mlflow.db"
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "MLflow": []}
    for turn in range(TURNS):
        first, last = (trials * each // TURNS for each in (turn, turn + 1))
        found["ours"].append(_only("publish", ours, first, last, reports))
        if mlflow:
            numbers = map(str, (first, last, reports, METRICS))
            found["MLflow"].append(_json([mlflow, str(_MLFLOW), "write", str(theirs), *numbers]))
    for way, turns in found.items():
        if not turns:
            continue
        seconds = sorted(each for turn in turns for each in turn["reports"])
        if way == "ours":
            _only("rank", ours)  # builds the index
            asked = [_only("rank", ours)["seconds"] for _ in range(TURNS)]
        else:
            command = [str(mlflow), str(_MLFLOW), "read", str(theirs)]
            asked = [_json(command)["seconds"] for _ in range(TURNS)]
        total = sum(turn["total"] for turn in turns)
        yield [
            way if way == "ours" else f"MLflow {turns[0]['version']} (SQLite)",
            f"{1000 * statistics.median(seconds):.1f}",
            f"{1000 * seconds[int(0.95 * len(seconds))]:.1f}",
            f"{1000 * total / trials:.0f}",
            f"{statistics.median(asked):.2f}",
        ]


def large(folder: Path, trials: int, reports: int) -> Iterator[list[str]]:
    """Yields the lines of the second table: what was asked, and its seconds."""
    root, copy = folder / "large", folder / "copy"
    if not root.exists():
        build(root, trials, reports)
    # The first leaderboard indexes the final rows, the first `sweeps` the reports.
    counted = "SELECT technique, count(*) AS n, max(rouge_l) AS best FROM trials GROUP BY 1"
    joined = "SELECT rung, avg(r.rouge_l) FROM reports r JOIN trials USING (trial_id) GROUP BY 1"
    for name, arguments in (
        ("leaderboard", ["leaderboard"]),
        ("sweeps", ["sweeps"]),
        ("leaderboard --format json", ["leaderboard", "--format", "json"]),
        ("query (trials)", ["query", counted]),
        ("query (trials and reports)", ["query", joined]),
        ("show", ["show", trial_name(3)]),
        ("compare (two trials)", ["compare", trial_name(3), trial_name(0)]),
        ("effect rank", ["effect", "rank"]),
        ("pareto", ["pareto", "--x", "trainable_percent", "--y", "rouge_l"]),
    ):
        yield _line(name, [_verb(root, *arguments) for _ in range(1 + TURNS)])
    yield _line(
        "leaderboard, without the program's start", [_ranked(root) for _ in range(1 + TURNS)]
    )
    yield _line("export", [_verb(root, "export", str(copy))])
    yield _line(
        "leaderboard of the exported copy", [_verb(copy, "leaderboard") for _ in range(1 + TURNS)]
    )
    yield _line(
        "leaderboard of the exported copy, without the program's start",
        [_ranked(copy) for _ in range(1 + TURNS)],
    )
    start = [sys.executable, "-c", "import orchestrator.results.cli, rich.table"]
    yield _line("the program's start alone", [_timed(start) for _ in range(1 + TURNS)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=10_000, help="of the large store (10000)")
    parser.add_argument("--reports", type=int, default=5, help="of each trial (5)")
    parser.add_argument("--mlflow-trials", type=int, default=500, help="of the same work (500)")
    parser.add_argument("--mlflow-python", default=sys.executable, help="one that has MLflow")
    parser.add_argument(
        "--folder",
        type=Path,
        help="works there and leaves it; a large store that is there already is measured as it is",
    )
    parser.add_argument("--quick", action="store_true", help="500 trials, 20 beside MLflow")
    parser.add_argument("--only", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.only:
        way, folder, *numbers = given.only
        if way == "publish":
            first, last, reports = map(int, numbers)
            print(json.dumps(publish(Path(folder), first, last, reports)))
        else:
            print(json.dumps(rank(Path(folder))))
        return
    if given.quick:
        given.trials, given.mlflow_trials = 500, 20
    out = console()
    can = subprocess.run([given.mlflow_python, "-c", "import mlflow, alembic"], capture_output=True)
    mlflow = given.mlflow_python if can.returncode == 0 else None
    if mlflow is None:
        out.print(f"{given.mlflow_python} has no MLflow, so ours stands alone; see --help.\n")
    versions = ", ".join(f"{name} {version(name)}" for name in ("pyarrow", "duckdb"))
    out.print(
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores,"
        f" {platform.machine()}, Python {platform.python_version()}, {versions}\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        work = f"{given.mlflow_trials} trials of {given.reports} reports"
        out.print(f"| {work} | ms a report, median | 95 % | ms a trial | s for the 50 best |")
        out.print("|---|---:|---:|---:|---:|")
        for line in same_work(folder, given.mlflow_trials, given.reports, mlflow):
            out.print(f"| {' | '.join(line)} |")
        size = f"{given.trials:,} trials of {given.reports} reports"
        out.print(f"\n| {size} | first, s | CPU s | warm, s | CPU s |")
        out.print("|---|---:|---:|---:|---:|")
        for line in large(folder, given.trials, given.reports):
            out.print(f"| {' | '.join(line)} |")


@cache
def _environment() -> str:
    return json.dumps(provenance.capture())


def _predictions(number: int, report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    chance = random.Random(f"{number} {report['rung']}")
    for row in range(100):
        score = min(1.0, max(0.0, report["rouge_l"] + chance.gauss(0, 0.2)))
        yield {
            **{name: report[name] for name in ("sweep_id", "trial_id", "trial_number", "step")},
            "split": "validation",
            "protocol": "standard",
            "example_id": f"validation-{row}",
            "sql_prompt": f"How many orders did customer {row} place?",
            "sql_context": "CREATE TABLE orders (id INT, customer INT)",
            "reference": f"SELECT COUNT(*) FROM orders WHERE customer = {row}",
            "prediction": f"SELECT COUNT(id) FROM orders WHERE customer = {row}",
            **dict.fromkeys(SCORE_COLUMNS, score),
        }


def _write(root: Path, table: Table, content: list[dict[str, Any]], files: list[str]) -> None:
    converted = rows.to_arrow(table, content)
    for index, file in enumerate(files):
        _put(root / file, rows.encode(table, converted.slice(index, 1)))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _only(way: str, folder: Path, *numbers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.store_cost", "--only", way, str(folder)]
    return _json([*command, *map(str, numbers)])


def _verb(root: Path, *arguments: str) -> tuple[float, float]:
    return _timed([sys.executable, "-m", "orchestrator.results", "--root", str(root), *arguments])


def _ranked(root: Path) -> tuple[float, float]:
    found = _only("rank", root)
    return found["seconds"], found["cpu"]


def _timed(command: Sequence[str]) -> tuple[float, float]:
    """Returns the seconds and the CPU seconds of a process."""
    before, used = time.perf_counter(), _cpu_of_children()
    _run(command)
    return time.perf_counter() - before, _cpu_of_children() - used


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _line(name: str, times: Sequence[tuple[float, float]]) -> list[str]:
    """Returns the first run and the median of the others, each in seconds and CPU seconds."""
    first, *warm = times
    medians = [f"{statistics.median(each):.2f}" for each in zip(*warm, strict=True)]
    return [name, *(f"{each:.2f}" for each in first), *(medians or ["", ""])]


def _json(command: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_run(command).splitlines()[-1])
    return found


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
