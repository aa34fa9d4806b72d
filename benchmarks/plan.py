"""What a sweep takes, against what `--plan` said of it before.

    python -m benchmarks.plan search_spaces/rank.yaml --root /tmp/store --measure
    python -m benchmarks.plan search_spaces/rank.yaml --root /tmp/store --set seed=1

Plans the sweep, from ten steps of each technique (`--measure`) or from the trials that the store
has, runs it, and prints both beside each other: seconds by the clock and of devices, the most
memory that a trial took, and the disk at its fullest and at the end, in blocks of the disk, looked
at twice a second. What is in the root before counts for the plan alone. The last column is the
error of the same plan by the speeds that the root's trials had, this sweep's included: what is
left of the error when the machine goes as fast as it was thought to.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from orchestrator.price.estimate import Estimate
from orchestrator.price.speed import Range
from orchestrator.ray_tune.placement import local_slots
from orchestrator.search_space import Sweep, load
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store, index
from orchestrator.sweep.pricing import price
from orchestrator.terminal.console import console

_BLOCK = 512
_EVERY = 0.5


def used(folder: Path) -> int:
    """Returns the bytes that a folder takes of its disk."""
    found = 0
    for directory, _, names in os.walk(folder):
        for name in (".", *names):
            try:
                found += (Path(directory) / name).lstat().st_blocks * _BLOCK
            except FileNotFoundError:
                continue  # of a checkpoint that was there a moment ago
    return found


def watched(command: list[str], root: Path) -> tuple[float, int, int]:
    """Runs a sweep; returns its seconds, and the most and the last bytes that a root grew by."""
    before = most = used(root)
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, used(root))
            try:
                process.wait(_EVERY)
            except subprocess.TimeoutExpired:
                continue
    seconds = time.monotonic() - begun
    if process.returncode:
        raise SystemExit(f"The sweep ended with exit code {process.returncode}.")
    return seconds, most - before, used(root) - before


def lines(
    sweep: Sweep, root: Path, plans: tuple[Estimate, Estimate], run: tuple[float, int, int]
) -> list[list[str]]:
    """Returns a line a quantity: planned, with its range; taken; error; that by its own speeds."""
    seconds, most, left = run
    stored = latest(sweep, Store(root))
    memory = index.trials(root, stored.id, columns=["peak_memory_bytes"])["peak_memory_bytes"]
    plan, own = plans
    rows: list[tuple[str, float, Range, Range]] = [
        ("seconds by the clock", seconds, plan.seconds, own.seconds),
        (
            "seconds of devices",
            DeviceSeconds(stored.files).read(),
            plan.device_seconds,
            own.device_seconds,
        ),
    ]
    found = [
        [
            name,
            f"{said.middle:.0f} ({said.low:.0f} to {said.high:.0f})",
            f"{took:.0f}",
            f"{said.middle / took - 1:+.0%}",
            f"{by_own.middle / took - 1:+.0%}",
        ]
        for name, took, said, by_own in rows
    ]
    sizes = [("memory of a trial, MiB", plan.memory_bytes, max(memory.to_pylist()))]
    if plan.disk is not None:
        sizes.append(("disk at its fullest, MiB", round(plan.disk.most), most))
        sizes.append(("disk at the end, MiB", round(plan.disk.left), left))
    for name, size, taken in sizes:
        if size is not None:
            cells = [f"{size / 2**20:.1f}", f"{taken / 2**20:.1f}", f"{size / taken - 1:+.0%}"]
            found.append([name, *cells, ""])
    return found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--measure", action="store_true")
    given = parser.parse_args()
    sweep = load(given.file, given.set, given.trials, given.profile)
    place, tested = local_slots(sweep), sweep.evaluation.test_rows
    if tested is None:
        raise SystemExit("Give evaluation.test_rows, so that the plan knows without the rows.")
    plan = price(sweep, given.root, place, console(), tested, measured=given.measure)
    if plan.unknown:
        raise SystemExit(f"Nothing is known of {', '.join(plan.unknown)}; add --measure.")
    command = [sys.executable, "-m", "orchestrator.sweep", str(given.file), "--quiet", "--fresh"]
    command += ["--root", str(given.root), "--profile", given.profile, "--no-dashboard"]
    command += [word for override in given.set for word in ("--set", override)]
    if given.trials is not None:
        command += ["--trials", str(given.trials)]
    load_before = os.getloadavg()[0]
    run = watched(command, given.root)
    own = price(sweep, given.root, place, console(), tested, measured=False)
    found = lines(sweep, given.root, (plan, own), run)
    basis = f"{plan.trials} trials of the store" if plan.trials else "ten steps of each technique"
    print(
        f"{time.strftime('%d %B %Y, %H:%M')} UTC, {os.cpu_count()} CPU threads"
        f" ({platform.machine()}), load {load_before:.1f} at the start; resting on {basis}.\n"
    )
    print("| | planned | took | error | by its own speeds |\n|---|---:|---:|---:|---:|")
    for line in found:
        print(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    main()
