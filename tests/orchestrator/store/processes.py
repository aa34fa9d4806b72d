"""What the processes of the crash and concurrency tests do, importable by a fork server."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from orchestrator.store import Store
from tests.orchestrator.store import samples
from tests.orchestrator.store.samples import SWEEP

RUNGS = 40


def context() -> ForkServerContext:
    """Returns a way to start processes within milliseconds, the store already imported."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([__name__, "tests.orchestrator.store.tools"])
    return found


def start(target: Callable[..., None], *arguments: Any) -> tuple[ForkServerProcess, Connection]:
    """Starts a process whose last argument is a pipe; returns it and the pipe's other end.

    That end meets an `EOFError` when the process ends, however it does. A process that a failed
    test leaves behind ends with the tests.
    """
    receiver, sender = context().Pipe(duplex=False)
    process = context().Process(target=target, args=(*arguments, sender), daemon=True)
    process.start()
    sender.close()
    return process, receiver


def write_trials(root: Path, writer: int, trials: int, seconds: float, written: Connection) -> None:
    """Writes whole trials, at least `trials` and for at least `seconds`; says how many."""
    store = Store(root)
    deadline = time.monotonic() + seconds
    number = 0
    while number < trials or time.monotonic() < deadline:
        write_trial(store, f"t-{writer}-{number:06d}", 1000 * writer + number)
        number += 1
    written.send(number)


def write_trial(store: Store, name: str, number: int, rungs: int = 3, rows: int = 20) -> None:
    """Writes predictions and report of each rung, then the final row, in this order."""
    for rung in range(rungs):
        row = samples.report(name, rung, trial_number=number)
        predictions = [samples.prediction(example) for example in range(rows)]
        store.publish_predictions(
            SWEEP, name, number, "validation", "standard", row["step"], row["rung_examples"],
            predictions,
        )  # fmt: skip
        store.publish_report(row)
    store.publish_trial(samples.trial(name, trial_number=number, last_rung=rungs - 1))


def write_until_killed(root: Path, ready: Connection) -> None:
    """Writes large and small files without end; says so once it begins."""
    store = Store(root)
    ready.send("ready")
    number = 0
    while True:
        write_trial(store, f"t-{number:08d}", number, rows=400)
        number += 1


def kill_at_each_call(folder: Path, calls: Connection) -> None:
    """Writes a trial into a root of its own for each call that the writer can be killed at.

    Sends the number of calls that a whole trial takes, plus one.
    """
    call = 0
    while True:
        call += 1
        writer = os.fork()
        if writer == 0:
            store = Store(folder / str(call), samples.killing(call))
            write_trial(store, "t-aaaaaaaaaa", 0, rungs=1)
            os._exit(0)
        _, status = os.waitpid(writer, 0)
        if status == 0:
            calls.send(call)
            return
        if os.WTERMSIG(status) != signal.SIGKILL:
            raise AssertionError(f"the writer ended with status {status}")


def expected_report(rung: int) -> dict[str, Any]:
    """The report of a trial that is deterministic: the oracle of its rows."""
    return samples.report(rung=rung, train_loss=1.0 / (rung + 1), attempt=None)


def run_trial(root: Path, attempt: int, kill_at: int, acknowledged: Connection) -> None:
    """One attempt at a trial: continues after the stored rungs, killed at its n-th call."""
    store = Store(root, samples.killing(kill_at) if kill_at else None)
    done = {row["rung"] for row in store.reports(SWEEP, "t-aaaaaaaaaa")}
    # A restarted trial trains the rung again whose report it cannot be sure of.
    for rung in range(max(0, len(done) - 1), RUNGS):
        row = expected_report(rung)
        store.publish_predictions(
            SWEEP, row["trial_id"], 0, "validation", "standard", row["step"], row["rung_examples"],
            [samples.prediction(number) for number in range(5)],
        )  # fmt: skip
        stored = store.publish_report({**row, "attempt": attempt})
        acknowledged.send((rung, stored["attempt"]))
    store.publish_trial(samples.trial(last_rung=RUNGS - 1, attempts=attempt))


def publish_all(root: Path, writer: int, keys: int, results: Connection) -> None:
    """Publishes every key in an order of its own, with content that names the writer."""
    store = Store(root)
    order = list(range(keys))
    random.Random(writer).shuffle(order)
    won, seen = [], {}
    for rung in order:
        if store.put_if_absent(f"state/{rung}", f"{writer}".encode() * 1000):
            won.append(rung)
        seen[rung] = store.publish_report(samples.report(rung=rung, attempt=writer))["attempt"]
    results.send((won, seen))


def read_until_told(root: Path, tool: str, stop: Connection, results: Connection) -> None:
    """Reads the three tables over and over; sends the number of rounds, or what went wrong."""
    from tests.orchestrator.store.tools import TOOLS

    rounds = 0
    try:
        while not stop.poll():
            sizes = {
                name: check_unique(root / name, tool) for name in KEYS if any_file(root / name)
            }
            rounds += bool(sizes)
        final = {name: len(TOOLS[tool](root / name)) for name in KEYS}
        results.send((rounds, final))
    except Exception as error:
        results.send((f"{tool}, round {rounds}: {type(error).__name__}: {error}", {}))


KEYS = {
    "trials": ("trial_id",),
    "reports": ("trial_id", "step"),
    "predictions": ("trial_id", "split", "step", "example_id"),
}
"""What is unique in each table."""


def any_file(folder: Path) -> bool:
    return next(folder.rglob("*.parquet"), None) is not None


def check_unique(folder: Path, tool: str) -> int:
    """Reads a table and returns its size.

    Raises:
        AssertionError: A row is there twice.
    """
    from tests.orchestrator.store.tools import TOOLS

    rows = TOOLS[tool](folder)
    keys = {tuple(row[name] for name in KEYS[folder.name]) for row in rows}
    if len(keys) != len(rows):
        raise AssertionError(f"{len(rows) - len(keys)} rows of {folder.name} are there twice")
    return len(rows)
