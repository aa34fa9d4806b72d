"""What the experiment store costs: a report, an index, an answer; MLflow's SQLite store beside it.

    python -m benchmarks.store_cost                                  # about fifteen minutes
    python -m benchmarks.store_cost --quick                          # 500 trials, a minute
    python -m benchmarks.store_cost --mlflow-python /tmp/mlflow/bin/python
    python -m benchmarks.store_cost --folder /tmp/large --bucket     # the leaderboard alone

Two measurements. "The same work": trials are written by `Store.publish_report` and `publish_trial`
(every file made durable, as in a sweep) and by MLflow's client, in turns and in processes of their
own; then each is asked for its 50 best. "A large store": synthetic trials, written as plain files
through the store's own encoding because publishing them would take long and is measured above; then
each verb of `orchestrator.results` is run as a user runs it, so that its time holds the start of
the program. Its reports lie 20 to a file by default, where the real writer has one a file: as many
rows as a long training would leave, in as many files as a sweep with five rungs.

With --bucket the final rows of the large store are put into `benchmarks.counting_bucket`, and the
leaderboard is made of the folder and of the bucket, first without an index. "In requests" are the
seconds in which at least one request is on its way.

MLflow is no dependency of this project. Where the interpreter of --mlflow-python cannot import it:

    python3 -m venv /tmp/mlflow && /tmp/mlflow/bin/pip install mlflow-skinny sqlalchemy alembic
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks import counting_bucket
from benchmarks.synthetic_store import SWEEP, build, publish, trial_name
from orchestrator.store.files import LocalFiles
from orchestrator.store.place import BucketAddress, Root
from orchestrator.store.roots import bucket_address
from orchestrator.store.schema import SCORE_COLUMNS
from orchestrator.terminal.console import console

METRICS = 2 * len(SCORE_COLUMNS) + 6
"""Numbers that each report gives to MLflow: as many as ours has measured ones."""

REPORTS = 5
"""Of each trial of the same work."""

TURNS = 3
_MLFLOW = Path(__file__).with_name("mlflow_store.py")


def rank(root: Root) -> dict[str, Any]:
    """Makes the leaderboard's table in this process.

    Returns:
        Its `seconds` and `cpu` seconds, and the seconds `in_requests` to a bucket.
    """
    import rich.console
    import rich.table
    import rich.text  # noqa: F401 - imported before the clock runs

    from orchestrator.results.leaderboard import Ranking, render

    with Transfers() as transfers:
        before, cpu = time.perf_counter(), time.process_time()
        ranking = Ranking(root, [SWEEP], None, ())
        render(ranking.entries(50), 50, ranking)
        return {
            "seconds": time.perf_counter() - before,
            "cpu": time.process_time() - cpu,
            "in_requests": transfers.seconds,
        }


class Transfers:
    """Within the context, counts the seconds in which a request to a bucket is on its way.

    Attributes:
        seconds: So far.
    """

    def __init__(self) -> None:
        """Begins with none."""
        self.seconds = 0.0
        self._active = 0
        self._since = 0.0
        self._one_at_a_time = threading.Lock()

    def __enter__(self) -> Transfers:
        """Begins to count."""
        from orchestrator.store.bucket import BucketFiles

        self._patches = [
            mock.patch.object(BucketFiles, name, self._counted(getattr(BucketFiles, name)))
            for name in ("get", "piece", "files", "folders", "has", "put_if_absent")
        ]
        for patch in self._patches:
            patch.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Ends it."""
        for patch in self._patches:
            patch.stop()

    def _counted(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            self._step(1)
            try:
                return ask(*args, **named)
            finally:
                self._step(-1)

        return counted

    def _step(self, change: int) -> None:
        with self._one_at_a_time:
            now = time.perf_counter()
            if self._active:
                self.seconds += now - self._since
            self._since = now
            self._active += change


def in_bucket(folder: Path, trials: int) -> Iterator[list[str]]:
    """Yields the lines of the third table: the leaderboard of a folder and of a bucket."""
    from orchestrator.store.bucket import BucketFiles

    root = folder / "large"
    if not root.exists():
        build(root, trials, 1)
    shutil.rmtree(root / "state", ignore_errors=True)
    for name in ("folder, no index", *["folder"] * TURNS):
        yield _ranked_line(name, _only("rank", root))
    with counting_bucket.serving(folder) as port:
        os.environ |= counting_bucket.environment(port)
        address = BucketAddress("bucket", "root")
        place, files = BucketFiles(address), LocalFiles(root).files("trials")
        place.each(files, lambda file: place.replace(file.key, (root / file.key).read_bytes()))
        for name in ("bucket, no index", *["bucket"] * TURNS):
            earlier = Counter(counting_bucket.counted(port)["driver"])
            line = _ranked_line(name, _only("rank", address))
            asked = Counter(counting_bucket.counted(port)["driver"]) - earlier
            yield [*line[:-1], ", ".join(f"{count:,} {kind}" for kind, count in asked.items())]


def _ranked_line(name: str, found: dict[str, Any]) -> list[str]:
    beyond = found["seconds"] - found["in_requests"]
    numbers = (found["seconds"], found["in_requests"], beyond, found["cpu"])
    return [name, *(f"{number:.2f}" for number in numbers), ""]


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


def large(folder: Path, trials: int, reports: int, files: int) -> Iterator[list[str]]:
    """Yields the lines of the second table: what was asked, and its seconds."""
    root, copy = folder / "large", folder / "copy"
    if not root.exists():
        build(root, trials, reports, files)
    shutil.rmtree(copy, ignore_errors=True)
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
    parser.add_argument("--reports", type=int, default=100, help="of each trial there (100)")
    parser.add_argument("--files", type=int, default=5, help="that hold a trial's reports (5)")
    parser.add_argument("--mlflow-trials", type=int, default=500, help="of the same work (500)")
    parser.add_argument("--mlflow-python", default=sys.executable, help="one that has MLflow")
    parser.add_argument(
        "--folder",
        type=Path,
        help="works there and leaves it; a large store that is there already is measured as it is",
    )
    parser.add_argument("--bucket", action="store_true", help="the leaderboard of a bucket alone")
    parser.add_argument("--quick", action="store_true", help="500 trials, 20 beside MLflow")
    parser.add_argument("--only", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.only:
        way, folder, *numbers = given.only
        if way == "publish":
            first, last, reports = map(int, numbers)
            print(json.dumps(publish(Path(folder), first, last, reports)))
        else:
            print(json.dumps(rank(bucket_address(folder) if "://" in folder else Path(folder))))
        return
    if given.reports % given.files:
        parser.error("--reports must be a multiple of --files")
    if given.quick:
        given.trials, given.mlflow_trials = 500, 20
    out = console()
    versions = ", ".join(f"{name} {version(name)}" for name in ("pyarrow", "duckdb"))
    out.print(
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores,"
        f" {platform.machine()}, Python {platform.python_version()}, {versions}\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        if given.bucket:
            size = f"leaderboard of {given.trials:,} trials"
            out.print(f"| {size} | s | in requests | beyond them | CPU s | requests |")
            out.print("|---|---:|---:|---:|---:|---|")
            for line in in_bucket(folder, given.trials):
                out.print(f"| {' | '.join(line)} |")
            out.print(f"\nLoad at the end {os.getloadavg()[0]:.1f}.")
            return
        can = subprocess.run(
            [given.mlflow_python, "-c", "import mlflow, alembic"], capture_output=True
        )
        mlflow = given.mlflow_python if can.returncode == 0 else None
        if mlflow is None:
            out.print(f"{given.mlflow_python} has no MLflow, so ours stands alone; see --help.\n")
        work = f"{given.mlflow_trials} trials of {REPORTS} reports"
        out.print(f"| {work} | ms a report, median | 95 % | ms a trial | s for the 50 best |")
        out.print("|---|---:|---:|---:|---:|")
        for line in same_work(folder, given.mlflow_trials, REPORTS, mlflow):
            out.print(f"| {' | '.join(line)} |")
        size = f"{given.trials:,} trials, {given.reports} reports each in {given.files} files"
        out.print(f"\n| {size} | first, s | CPU s | warm, s | CPU s |")
        out.print("|---|---:|---:|---:|---:|")
        for line in large(folder, given.trials, given.reports, given.files):
            out.print(f"| {' | '.join(line)} |")


def _only(way: str, folder: Root, *numbers: int) -> dict[str, Any]:
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
