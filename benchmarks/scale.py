"""What the driver costs as a sweep grows: seconds a result, memory, and whether they grow with it.

    python -m benchmarks.scale                   # 1,000 and 10,000 trials at random, 1,000 with TPE
    python -m benchmarks.scale --quick           # 200 and 400 trials, a minute
    python -m benchmarks.scale --trials 1000 10000 --method tpe

The trials are those of `benchmarks.simulation`: tabulated, on 64 slots of a simulated cluster, so
that no process of a trial runs. What is measured is the driver's own work: proposing and writing
the proposal down, the verdict on each report, reading an ended trial's rows and writing its final
one (every file made durable), and the progress line. A result is one report. "First" and "last"
are the means over the first and the last fifth of the results: where they are equal, the cost of
a result does not grow. CPU seconds stand beside the seconds of the clock, which other programs
and the disk lengthen. "Optuna" is the part of the CPU seconds that Optuna takes to propose.
"Restart" is how long a driver needs to find out where the finished sweep stands.

Not measured: Ray Tune's controller, which would need 64 processes here, and the trials' own writes.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import optuna
from rich.console import Console

from benchmarks.simulation import Clock, Simulation, Unsynced, synthetic
from orchestrator.outcomes.standing import Standing
from orchestrator.search_space import Sweep, load
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from orchestrator.sweep.progress import Progress
from orchestrator.terminal.console import console

SLOTS = 64
_SPACE = Path(__file__).parents[1] / "search_spaces" / "rank.yaml"


def measure(trials: int, method: str, folder: Path) -> dict[str, Any]:
    """Runs one simulated sweep in this process.

    Returns:
        `results`; `wall` and `cpu` seconds of each result, in order; `optuna`, CPU seconds in all;
        `restart` seconds; `peak` bytes of resident memory.
    """
    sweep = load(_SPACE, [f"search.method={method}"], trials, "embedded")
    stored, trial_store = latest(sweep, Store(folder)), Store(folder, Unsynced())
    with _optuna_seconds() as spent:
        simulation = Simulation(
            stored,
            synthetic,
            slots=SLOTS,
            clock=Clock(),
            trial_store=trial_store,
            watch=lambda state: _progress(sweep, stored.id, state),
        )
        wall, cpu = [sum(simulation.seconds.values())], [sum(simulation.cpu.values())]
        while simulation.advance():
            if simulation.results == len(wall):
                wall.append(sum(simulation.seconds.values()))
                cpu.append(sum(simulation.cpu.values()))
    began = time.perf_counter()
    Simulation(stored, synthetic, slots=SLOTS, clock=Clock())
    return {
        "results": simulation.results,
        "wall": [later - earlier for earlier, later in pairwise(wall)],
        "cpu": [later - earlier for earlier, later in pairwise(cpu)],
        "optuna": spent[0],
        "restart": time.perf_counter() - began,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024),
    }


def line(trials: int, method: str, found: dict[str, Any]) -> list[str]:
    """Returns the table's cells for one sweep."""
    fifth = max(1, found["results"] // 5)

    def mean(seconds: list[float]) -> str:
        return f"{1000 * sum(seconds) / len(seconds):.1f}"

    return [
        method,
        f"{trials:,}",
        f"{found['results']:,}",
        mean(found["wall"]),
        mean(found["cpu"]),
        mean(found["cpu"][:fifth]),
        mean(found["cpu"][-fifth:]),
        f"{1000 * found['optuna'] / found['results']:.1f}",
        f"{found['restart']:.1f}",
        f"{found['peak'] / 1e6:.0f}",
    ]


COLUMNS = (
    "search",
    "trials",
    "results",
    "ms a result",
    "CPU ms",
    "CPU ms, first",
    "CPU ms, last",
    "of it Optuna",
    "restart, s",
    "peak MB",
)


def _progress(sweep: Sweep, identifier: str, state: Standing) -> Progress:
    silent = Console(file=io.StringIO(), force_terminal=True)
    return Progress(sweep, identifier, silent, lambda: SLOTS, dict(state.rows))


@contextmanager
def _optuna_seconds() -> Iterator[list[float]]:
    """Adds up the CPU seconds in Optuna's `ask`, `tell` and `suggest`, in the yielded list's one
    item.
    """
    spent, depth = [0.0], [0]

    def timed(function: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            depth[0] += 1
            began = time.process_time()
            try:
                return function(*args, **named)
            finally:
                depth[0] -= 1
                if not depth[0]:
                    spent[0] += time.process_time() - began

        return call

    places: list[tuple[type, str]] = [
        (optuna.Study, name) for name in ("ask", "tell", "enqueue_trial")
    ]
    places += [(optuna.Trial, f"suggest_{kind}") for kind in ("categorical", "float", "int")]
    originals = [(owner, name, getattr(owner, name)) for owner, name in places]
    for owner, name, function in originals:
        setattr(owner, name, timed(function))
    try:
        yield spent
    finally:
        for owner, name, function in originals:
            setattr(owner, name, function)


def main() -> None:
    """Prints the table, one line as each sweep is through."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", help="Trials of each sweep.")
    parser.add_argument("--method", choices=["random", "tpe"], help="Only this search.")
    parser.add_argument("--quick", action="store_true", help="200 and 400 trials.")
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "TRIALS"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="Where the stores are made and removed again.")
    given = parser.parse_args()
    out = console()
    if given.one:
        method, trials = given.one[0], int(given.one[1])
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            print(" | ".join(line(trials, method, measure(trials, method, Path(name)))))
        return
    out.print(
        f"{time.strftime('%d %B %Y, %H:%M')} UTC, {os.cpu_count()} CPU threads"
        f" ({platform.machine()}), Python {platform.python_version()},"
        f" Optuna {version('optuna')}, Ray {version('ray')}, pyarrow {version('pyarrow')}.\n"
    )
    out.print(f"| {' | '.join(COLUMNS)} |\n|---|{'---:|' * (len(COLUMNS) - 1)}", markup=False)
    sizes = given.trials or ([200, 400] if given.quick else [1000, 10000])
    for method in [given.method] if given.method else ["random", "tpe"]:
        for trials in sizes:
            if method == "tpe" and trials > 1000 and not given.method and not given.trials:
                continue  # an hour of Optuna's; ask for it with --method tpe
            # A process of its own, since the peak of memory is a process's.
            command = [sys.executable, "-m", "benchmarks.scale", "--one", method, str(trials)]
            if given.folder:
                command += ["--folder", str(given.folder)]
            found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            out.print(f"| {found.stdout.strip()} |", markup=False)


if __name__ == "__main__":
    main()
