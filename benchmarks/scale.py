"""What the driver costs as a sweep grows: seconds a result, memory, requests to a bucket.

    python -m benchmarks.scale                   # 1,000 and 10,000 trials at random, 1,000 with TPE
    python -m benchmarks.scale --quick           # 200 and 400 trials, a minute
    python -m benchmarks.scale --trials 1000 10000 --method tpe
    python -m benchmarks.scale --trials 10000 --many-rungs --slots 1000 --place folder bucket

The trials are those of `benchmarks.simulation`: tabulated, on slots of a simulated cluster, so
that no process of a trial runs. What is measured is the driver's own work: proposing and writing
the proposal down, the verdict on each report, a record of each pause, reading an ended trial's rows
and writing its final one (every file made durable), the progress line, and the metrics of the
whole sweep. A result is one report. "First" and "last"
are the means over the first and the last fifth of the results: where they are equal, the cost of
a result does not grow. CPU seconds stand beside the seconds of the clock, which other programs
and the disk lengthen. "Optuna" is the part of the CPU seconds that Optuna takes to propose. "KB a
result" is by how much the process grew from its start to its end, over the results.
"Restart" is how long a driver needs to find out where the finished sweep stands.

The bucket is `benchmarks.counting_bucket`, a process of its own on this machine: its seconds are
not the driver's, and the way there takes none but --latency. Requests of the driver and of the
trials are counted apart, and priced; DELETE is free.

Not measured: Ray Tune's controller, which would need a process for each slot here, checkpoints, the
signs of life of driver and trials, and the seconds of the trials' own writes.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import optuna
import psutil
from rich.console import Console

from benchmarks import counting_bucket
from benchmarks.simulation import Clock, Simulation, Unsynced, synthetic
from orchestrator.outcomes.standing import Standing
from orchestrator.ray_tune.metrics import SweepMetrics
from orchestrator.ray_tune.watcher import Watcher
from orchestrator.search_space import load
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.store.place import BucketAddress
from orchestrator.sweep.caps import Caps
from orchestrator.sweep.notes import Notes
from orchestrator.sweep.progress import Progress
from orchestrator.sweep.spending import Spending
from orchestrator.terminal.console import console
from orchestrator.trial.heartbeat import examples_seen

SLOTS = 64
PLACES = ("folder", "bucket")
REQUESTS = ("PUT", "LIST", "GET", "HEAD", "DELETE")
MANY_RUNGS = (
    "stopping={first_rung: 0.03, reduction_factor: 1.1}",
    "budget.examples=20000",
)
"""36 rungs before the budget, of which a trial reaches ten in the mean, in place of three."""

PRICES = (0.005, 0.0004)
"""US dollars of 1,000 requests: PUT and LIST, and GET and HEAD. The list price of Amazon S3
Standard in us-east-1, as last known in November 2026."""

_SAID_EVERY = 5000
_SPACE = Path(__file__).parents[1] / "search_spaces" / "rank.yaml"

Counts = Mapping[str, Mapping[str, int]]
"""Requests, by who made them ("driver", "trials") and kind."""


@dataclass(frozen=True)
class Setting:
    """Which sweep is simulated, and where.

    Attributes:
        method: "random" or "tpe".
        trials: How many.
        slots: Trials at a time.
        place: "folder" or "bucket".
        many_rungs: Whether trials have `MANY_RUNGS`.
        latency: Seconds that each answer of the bucket is on its way.
    """

    method: str
    trials: int
    slots: int = SLOTS
    place: str = "folder"
    many_rungs: bool = False
    latency: float = 0.0


def measure(setting: Setting, folder: Path) -> dict[str, Any]:
    """Runs one simulated sweep in this process.

    Args:
        setting: Which.
        folder: An empty one for all that is written.

    Returns:
        `results`; `wall` and `cpu`, seconds of each result, in order; `optuna`, CPU seconds in all;
        `grown`, bytes of resident memory that came with the results; `peak`, bytes; `requests`;
        of a restart `restart` and `restart_cpu`, seconds, `restart_peak` and `restart_requests`.
    """
    settings = [f"search.method={setting.method}", *(MANY_RUNGS if setting.many_rungs else ())]
    sweep = load(_SPACE, settings, setting.trials, "embedded")
    with _stores(setting, folder) as (store, trial_store, counts), _optuna_seconds() as spent:
        stored = latest(sweep, store)
        simulation = Simulation(
            stored,
            synthetic,
            slots=setting.slots,
            clock=Clock(),
            trial_store=trial_store,
            watch=partial(_watchers, stored, setting.slots),
            keeps_decisions=False,
        )
        before = psutil.Process().memory_info().rss
        wall, cpu = [sum(simulation.seconds.values())], [sum(simulation.cpu.values())]
        while simulation.advance():
            if simulation.results == len(wall):
                wall.append(sum(simulation.seconds.values()))
                cpu.append(sum(simulation.cpu.values()))
                if simulation.results % _SAID_EVERY == 0:
                    said = 1000 * (cpu[-1] - cpu[-1 - _SAID_EVERY]) / _SAID_EVERY
                    size = psutil.Process().memory_info().rss / 1e6
                    print(
                        f"{simulation.results:,} results: {said:.1f} CPU ms each of the last"
                        f" {_SAID_EVERY:,}, {size:.0f} MB",
                        file=sys.stderr,
                        flush=True,
                    )
        grown, peak, requests = psutil.Process().memory_info().rss - before, _peak(), counts()
        results = simulation.results
        del simulation
        began, used = time.perf_counter(), time.process_time()
        Simulation(stored, synthetic, slots=setting.slots, clock=Clock())
        return {
            "results": results,
            "wall": [later - earlier for earlier, later in pairwise(wall)],
            "cpu": [later - earlier for earlier, later in pairwise(cpu)],
            "optuna": spent[0],
            "grown": grown,
            "peak": peak,
            "requests": requests,
            "restart": time.perf_counter() - began,
            "restart_cpu": time.process_time() - used,
            "restart_peak": _peak(),
            "restart_requests": {
                who: Counter(after) - Counter(requests[who]) for who, after in counts().items()
            },
        }


def line(setting: Setting, found: Mapping[str, Any]) -> list[str]:
    """Returns the first table's cells for one sweep."""
    fifth = max(1, found["results"] // 5)

    def mean(seconds: Sequence[float]) -> str:
        return f"{1000 * sum(seconds) / len(seconds):.1f}"

    return [
        setting.method,
        setting.place,
        f"{setting.slots:,}",
        f"{setting.trials:,}",
        f"{found['results']:,}",
        mean(found["wall"]),
        mean(found["cpu"]),
        mean(found["cpu"][:fifth]),
        mean(found["cpu"][-fifth:]),
        f"{1000 * found['optuna'] / found['results']:.1f}",
        f"{found['grown'] / 1e3 / found['results']:.1f}",
        f"{found['peak'] / 1e6:.0f}",
        f"{found['restart']:.1f}",
        f"{found['restart_cpu']:.1f}",
        f"{found['restart_peak'] / 1e6:.0f}",
    ]


COLUMNS = (
    "search",
    "place",
    "slots",
    "trials",
    "results",
    "ms a result",
    "CPU ms",
    "CPU ms, first",
    "CPU ms, last",
    "of it Optuna",
    "KB a result",
    "peak MB",
    "restart, s",
    "CPU s",
    "peak MB",
)


def request_lines(
    setting: Setting, found: Mapping[str, Any], prices: Sequence[float]
) -> Iterator[list[str]]:
    """Yields the second table's cells for one sweep: the driver's, the trials', a restart's."""
    for who, counts, restart in (
        ("driver", found["requests"].get("driver", {}), False),
        ("trials", found["requests"].get("trials", {}), False),
        ("restart", found["restart_requests"].get("driver", {}), True),
    ):
        dollars = price(counts, prices)
        yield [
            f"{setting.trials:,} trials, {found['results']:,} results: {who}",
            *(f"{counts.get(kind, 0):,}" for kind in REQUESTS),
            "" if restart else f"{sum(counts.values()) / found['results']:.1f}",
            f"{dollars:.2f}",
            "" if restart else f"{1000 * dollars / setting.trials:.2f}",
        ]


REQUEST_COLUMNS = ("requests of", *REQUESTS, "a result", "$", "$ for 1,000 trials")


def price(counts: Mapping[str, int], prices: Sequence[float] = PRICES) -> float:
    """Returns what requests cost, in US dollars.

    Args:
        counts: How many, by kind.
        prices: Of 1,000, as `PRICES`.
    """
    dear, cheap = prices
    writes = counts.get("PUT", 0) + counts.get("LIST", 0)
    reads = counts.get("GET", 0) + counts.get("HEAD", 0)
    return (dear * writes + cheap * reads) / 1000


@contextmanager
def _stores(setting: Setting, folder: Path) -> Iterator[tuple[Store, Store, Callable[[], Counts]]]:
    """Gives the driver's store, the trials', and what counts their requests."""
    if setting.place == "folder":
        root = folder / "root"
        yield Store(root), Store(root, Unsynced()), dict
        return
    from orchestrator.store.bucket import BucketFiles

    with (
        counting_bucket.serving(folder, setting.latency) as port,
        _variables(counting_bucket.environment(port) | {"FINETUNE_SWEEP_CACHE": str(folder)}),
    ):
        # A process keeps its connections to a bucket of a name.
        address = BucketAddress(f"bucket-{port}", "root")
        store = Store(address)
        # By another spelling of the address: a trial's process does not remember for the driver's.
        place = BucketFiles(dataclasses.replace(address, prefix=f"{address.prefix}/"))
        with _variables({"AWS_ACCESS_KEY_ID": "trials"}):
            place.prepare()  # the key is read when the first request is made
        yield store, store.through(place), partial(counting_bucket.counted, port)


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _peak() -> int:
    """Returns the most bytes of resident memory that this process had so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _watchers(stored: StoredSweep, slots: int, state: Standing) -> tuple[Watcher, ...]:
    """Returns those that a sweep has, without the tools of `track`: screen, hours and metrics."""
    progress = Progress(
        stored.sweep,
        stored.id,
        Console(file=io.StringIO(), force_terminal=True),
        lambda: slots,
        dict(state.rows),
        seen=Notes(partial(examples_seen, AttemptLog(stored.files))),
    )
    spending = Spending(1.0, 0.0, Caps(), DeviceSeconds(stored.files).write)
    return progress, spending, SweepMetrics(stored, progress.numbers)


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables, one line as each sweep is through."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, nargs="+", help="of each sweep")
    parser.add_argument("--method", choices=["random", "tpe"], help="only this search")
    parser.add_argument("--quick", action="store_true", help="200 and 400 trials")
    parser.add_argument("--slots", type=int, default=SLOTS, help=f"trials at a time ({SLOTS})")
    parser.add_argument(
        "--place", choices=PLACES, nargs="+", default=["folder"], help="of the store (folder)"
    )
    parser.add_argument(
        "--many-rungs", action="store_true", help="ten results a trial in place of one and a half"
    )
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds of each answer of the bucket (0)"
    )
    parser.add_argument(
        "--price",
        type=float,
        nargs=2,
        default=PRICES,
        metavar=("PUT", "GET"),
        help="US dollars of 1,000 requests, PUT and LIST, and GET and HEAD"
        f" ({PRICES[0]:g} {PRICES[1]:g}: Amazon S3 Standard, us-east-1, November 2026)",
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="where the stores are made and removed again")
    given = parser.parse_args(arguments)
    if given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
    if given.one:
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            print(json.dumps(measure(Setting(**json.loads(given.one)), Path(name))))
        return
    out = console()
    out.print(
        f"{time.strftime('%d %B %Y, %H:%M', time.gmtime())} UTC, {os.cpu_count()} CPU threads"
        f" ({platform.machine()}), load {os.getloadavg()[0]:.1f},"
        f" Python {platform.python_version()},"
        f" Optuna {version('optuna')}, Ray {version('ray')}, pyarrow {version('pyarrow')},"
        f" obstore {version('obstore')}.\n"
    )
    _print_row(out, COLUMNS)
    out.print(f"|---|---|{'---:|' * (len(COLUMNS) - 2)}", markup=False)
    of_requests: list[list[str]] = []
    sizes = given.trials or ([200, 400] if given.quick else [1000, 10000])
    for place in given.place:
        for method in [given.method] if given.method else ["random", "tpe"]:
            for trials in sizes:
                if method == "tpe" and trials > 1000 and not given.method and not given.trials:
                    continue  # an hour of Optuna's; ask for it with --method tpe
                setting = Setting(
                    method, trials, given.slots, place, given.many_rungs, given.latency
                )
                found = _measured(setting, given.folder)
                _print_row(out, line(setting, found))
                if place == "bucket":
                    of_requests += request_lines(setting, found, given.price)
    if of_requests:
        out.print()
        _print_row(out, REQUEST_COLUMNS)
        out.print(f"|---|{'---:|' * (len(REQUEST_COLUMNS) - 1)}", markup=False)
        for each in of_requests:
            _print_row(out, each)
    out.print(f"\nLoad at the end {os.getloadavg()[0]:.1f}.")


def _measured(setting: Setting, folder: Path | None) -> dict[str, Any]:
    """Returns what `measure` returns in a process of its own, whose peak of memory it is."""
    command = [sys.executable, "-m", "benchmarks.scale"]
    command += ["--one", json.dumps(dataclasses.asdict(setting))]
    if folder:
        command += ["--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _print_row(out: Console, cells: Sequence[str]) -> None:
    out.print(f"| {' | '.join(cells)} |", markup=False)


if __name__ == "__main__":
    main()
