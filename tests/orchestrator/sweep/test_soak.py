"""Sweeps in a bucket of which something is killed every few minutes, one sweep after another.

SOAK_MINUTES says for how long (6). In 90 minutes a kill comes 1 to 3 minutes after another, in
fewer as many come, but for 15 seconds at least between two. SOAK_SEED (0) is that of the moments
and the victims. Each kill and each check is a line, with its time, in the file SOAK_LOG names.
"""

from __future__ import annotations

import datetime
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestrator.store.place import BucketAddress
from tests.orchestrator import sweeps
from tests.orchestrator.bucket_machine import add_bucket
from tests.orchestrator.machines import TOP, Machine, Machines, machines
from tests.orchestrator.stored import rungs_reported, rungs_trained

MINUTES = float(os.environ.get("SOAK_MINUTES", "6"))
PACE = min(60.0, max(15.0, 60 * MINUTES / 90))
"""Seconds; what is killed is killed so long, or up to three times as long, after the last."""
_RUNG_SECONDS = PACE / 6
_PATIENCE_SECONDS = 120.0
"""For processes to end that have lost the one that they were for."""

_ASKED: dict[str, Any] = {"ask": ["technique"], "confirm": {"runs": 4, "seeds": 2}}
_RANDOM: dict[str, Any] = {"trials": 12, "search": {"method": "random"}}
_LIMITS = {"max_attempts": 50, "checkpoints": 3}

_DRIVER = "tests.orchestrator.drive"
_IS: dict[str, Callable[[str], bool]] = {
    "driver": lambda command: f" -m {_DRIVER} " in command,
    "trial": lambda command: command.startswith("ray::ImplicitFunc"),
    "engine": lambda command: command.startswith("ray::EngineProcess"),
    "node": lambda command: command.split(" ", 1)[0].endswith("/raylet"),
}
"""What is killed, by its command."""

_OF_ONE_START = re.compile(r"state/sweep=[^/]+/(?:lock|attempts|starts|stop|nodes)/")
"""Files that tell of drivers and attempts: the more of them, the more were killed."""


@dataclass(frozen=True)
class Kind:
    """A kind of sweep.

    Attributes:
        name: For the log.
        joins: Whether it joins the cluster; else it starts Ray for itself.
        victims: What is killed of it.
        asks: Its file.
        alone: What is else in the file of the run that it is compared with.
    """

    name: str
    joins: bool
    victims: tuple[str, ...]
    asks: dict[str, Any]
    alone: dict[str, Any] = field(default_factory=dict)


_ONE: dict[str, Any] = {"limits": {**_LIMITS, "max_concurrent": 1}}
_PACKS = Kind(
    "packs",
    False,
    ("engine", "driver", "trial", "node"),
    {**_RANDOM, "limits": _LIMITS, "resources": {"pack": 3}},
    {"resources": None, **_ONE},
)
_CLUSTER = Kind("cluster", True, ("node", "trial", "driver"), {**_RANDOM, "limits": _LIMITS}, _ONE)
# What TPE proposes depends on what has ended: only one at a time is it the same again.
_TPE = Kind("cluster, by TPE", True, ("node", "driver", "trial"), {"trials": 6, **_ONE})
_KINDS = (_PACKS, _CLUSTER, _PACKS, _TPE)


@dataclass(frozen=True)
class _Before:
    """How far a sweep was when something was killed.

    Attributes:
        lines: That the toy had written.
        reported: Trials and rungs that were stored.
    """

    lines: int
    reported: set[tuple[str, int]]


class Soak:
    """A machine that runs sweeps in packs, a cluster that others join, and a bucket for all.

    Undisturbed runs are on a machine aside.
    """

    def __init__(self, made: Machines, folder: Path, seed: int) -> None:
        """Makes the machines; each has a home of its own."""
        self._made = made
        self._folder = folder
        self._log = folder / "trained"
        self._log.touch()
        self._random = random.Random(seed)
        self._seed = seed
        self._turns: Counter[str] = Counter()
        self._set_due()
        self._own = folder / "own"
        self._bucket, self._root = add_bucket(made)
        self._desk, self._aside = (made.make(name, [self._own]) for name in ("desk", "aside"))
        self._head = made.add("head", "--num-cpus=0", private=[self._own])
        self._nodes = [made.add(name, "--num-cpus=1", private=[self._own]) for name in ("a", "b")]
        self.killed: Counter[str] = Counter()
        self.faults: list[str] = []

    def sweep(self, number: int) -> None:
        """Runs a sweep to its end, whatever is killed of it, and checks what it has left."""
        kind = _KINDS[number % len(_KINDS)]
        seed = 1000 * self._seed + number
        folder = self._folder / f"{number:03d}"
        (folder / "alone").mkdir(parents=True)
        root, other = (BucketAddress(self._root.bucket, f"{number:03d}/{n}") for n in ("a", "b"))
        file = sweeps.write(folder, seed=seed, **_ASKED, **kind.asks)
        self._say(f"sweep {number} ({kind.name}, seed {seed}) begins")
        first = self._lines()
        alone = sweeps.write(folder / "alone", seed=seed, **_ASKED, **{**kind.asks, **kind.alone})
        quick = {"TOY_SECONDS": "0", "TOY_LOG": str(folder / "alone" / "trained")}
        undisturbed = self._start(self._aside, alone, other, [], folder / "alone" / "said", **quick)
        before = self._disturbed(kind, file, root, folder / "said")
        assert undisturbed.wait(timeout=600) == 0, (folder / "alone" / "said").read_text()
        here, there = self._stored(root), self._stored(other)
        trained = self._log.read_text().splitlines()
        checks = {
            "each trial and rung once": lambda: _check_once(here),
            "decisions as undisturbed": lambda: _check_equal(_decided(here), _decided(there)),
            "reports as undisturbed": lambda: _check_equal(_reported(here), _reported(there)),
            "answer as undisturbed": lambda: _check_equal(self._answer(root), self._answer(other)),
            "nothing trained again that was reported": lambda: _check_trained(
                here, trained, before
            ),
            "no object but those designed": lambda: _check_equal(_kept(here), _kept(there)),
            "no process left": self._check_processes,
            "one copy of a trial's checkpoint on a machine": self._check_machines,
        }
        for name, check in checks.items():
            try:
                check()
                self._say(f"sweep {number} check: {name}: yes")
            except AssertionError as error:
                self.faults.append(f"sweep {number} ({kind.name}): {name}: {error}")
                self._say(f"sweep {number} check: {name}: NO: {str(error)[:2000]}")
        again = len(trained) - first - len(set(rungs_trained(here, trained[first:])))
        self._say(
            f"sweep {number} ends: {len(here['trials'])} trials, {len(here['reports'])} rungs,"
            f" {len(before)} kills, {again} rungs trained again before they were reported"
        )

    def give_up(self, number: int, error: Exception) -> None:
        """Puts on record that a sweep came to no end, and ends what is left of it."""
        self.faults.append(f"sweep {number}: {error}")
        self._say(f"sweep {number} came to NO end: {str(error)[-2000:]}")
        for machine in (self._desk, self._aside, self._head):
            for process, command in machine.processes().items():
                if _IS["driver"](command):
                    _end(process)

    def _disturbed(self, kind: Kind, file: Path, root: BucketAddress, log: Path) -> list[_Before]:
        """Runs the command, again where it was ended, until the sweep is finished."""
        machine = self._head if kind.joins else self._desk
        where = [f"--address={self._made.address}"] if kind.joins else []
        before: list[_Before] = []
        while True:
            driver = self._start(machine, file, root, where, log)
            ended = None  # what has been killed that the driver cannot go on without
            while driver.poll() is None:
                try:
                    driver.wait(timeout=max(0.0, self._due - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self._set_due()
                    killed = self._kill(kind, root, before)
                    if killed == "driver" or (killed == "node" and not kind.joins):
                        ended = killed
                        driver.wait(timeout=_PATIENCE_SECONDS)
            if driver.returncode == 0:
                return before
            assert ended, f"the driver ended with {driver.returncode}:\n{log.read_text()[-3000:]}"
            self._say(f"the driver ended with {driver.returncode} after the {ended} was killed")

    def _start(
        self, machine: Machine, file: Path, root: BucketAddress, more: Sequence[str], log: Path,
        **environment: str,
    ) -> subprocess.Popen[str]:  # fmt: skip
        words: list[str | Path] = [_DRIVER, file, str(root), "--no-dashboard", *more]
        process = self._made.sweep(machine, *words, folder=TOP, **environment)

        def keep() -> None:
            assert process.stdout is not None
            with log.open("a", buffering=1) as copy:
                copy.writelines(process.stdout)

        threading.Thread(target=keep, daemon=True).start()
        return process

    def _set_due(self) -> None:
        """Draws when something is killed next, also where that is in the next sweep."""
        self._due = time.monotonic() + self._random.uniform(PACE, 3 * PACE)

    def _kill(self, kind: Kind, root: BucketAddress, before: list[_Before]) -> str | None:
        """Kills whatever is next of a sweep and is there; returns what."""
        reported = set(rungs_reported(self._stored(root)))
        now = _Before(self._lines(), reported)
        for _ in kind.victims:
            victim = kind.victims[self._turns[kind.name] % len(kind.victims)]
            self._turns[kind.name] += 1
            found = list(self._found(kind, victim))
            if not found:
                continue
            machine, process = self._random.choice(found)
            if not _end(process):
                continue
            self._say(f"kill {victim}: process {process.pid} on {machine.name}")
            before.append(now)
            self.killed[victim] += 1
            if victim == "node" and kind.joins:
                self._start_again(machine)
            return victim
        return None

    def _found(self, kind: Kind, victim: str) -> list[tuple[Machine, psutil.Process]]:
        where = self._nodes
        if not kind.joins:
            where = [self._desk]
        elif victim == "driver":
            where = [self._head]
        return [
            (machine, process)
            for machine in where
            for process, command in machine.processes().items()
            if _IS[victim](command)
        ]

    def _start_again(self, machine: Machine) -> None:
        """Starts Ray again on a machine whose raylet was killed, once its trials have ended."""
        _await(partial(_is_free, machine), f"on {machine.name}, whose node was killed")
        for process in machine.processes():
            _end(process)
        self._made.start_ray(machine, "--num-cpus=1")

    def _stored(self, root: BucketAddress) -> dict[str, Any]:
        """Returns what is in the bucket below a root."""
        return dict(json.loads(self._ask("tests.orchestrator.stored", root)))

    def _answer(self, root: BucketAddress) -> str:
        words = ["answer", "--format", "json", "--root", str(root)]
        return self._ask("orchestrator.results", *words).replace(str(root), "ROOT")

    def _ask(self, *words: Any) -> str:
        """Returns what a command says on the machine that has the bucket."""
        told = {"PYTHONPATH": str(TOP), **self._made.environment}
        return self._bucket.run([sys.executable, "-m", *words], told)

    def _check_processes(self) -> None:
        for machine in (self._desk, self._head, *self._nodes):
            _await(partial(_is_free, machine), f"on {machine.name}")

    def _check_machines(self) -> None:
        """Whoever is killed leaves a copy of where it went on, which is removed after a day."""
        for machine in (self._desk, self._head, *self._nodes):
            words: list[str | Path] = ["find", self._own, "-path", "*/checkpoints/*/*/*", "-prune"]
            copies = Counter(Path(line).parent.name for line in machine.run(words).split())
            assert set(copies.values()) <= {1}, f"on {machine.name}: {copies}"

    def _lines(self) -> int:
        return len(self._log.read_text().splitlines())

    def _say(self, words: str) -> None:
        line = f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S} {words}"
        print(line, flush=True)
        if path := os.environ.get("SOAK_LOG"):
            with Path(path).open("a") as file:
                file.write(f"{line}\n")


def _end(process: psutil.Process) -> bool:
    """Kills a process; returns whether it was still there."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def _is_free(machine: Machine) -> bool:
    """Returns whether no process on a machine is there for a sweep."""
    ends = [_IS[victim] for victim in ("driver", "trial", "engine")]
    return not any(is_one(each) for each in machine.processes().values() for is_one in ends)


def _await(happened: Callable[[], bool], what: str) -> None:
    """Returns when something has happened that no process tells."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, f"there are processes still {what}"
        time.sleep(0.5)


def _check_equal(one: Any, other: Any) -> None:
    assert one == other


def _check_once(stored: dict[str, Any]) -> None:
    assert {row["outcome"] for row in stored["trials"]} <= {"completed", "stopped"}
    trials = [row["trial_id"] for row in stored["trials"]]
    assert len(set(trials)) == len(trials)
    for trial in trials:
        rungs = [row["rung"] for row in stored["reports"] if row["trial_id"] == trial]
        assert sorted(rungs) == list(range(len(rungs)))
    assert {row["trial_id"] for row in stored["reports"]} == set(trials)


def _decided(stored: dict[str, Any]) -> list[dict[str, Any]]:
    names = [
        *("trial_id", "trial_number", "outcome", "objective", "learning_rate", "rank"),
        *("last_rung", "phase", "seed", "test_rouge_l", "eval_loss", "checkpoint"),
    ]
    rows = sorted(stored["trials"], key=lambda row: row["trial_number"])
    return [{name: row[name] for name in names} for row in rows]


def _reported(stored: dict[str, Any]) -> list[tuple[Any, ...]]:
    names = ("trial_id", "rung", "step", "eval_loss", "rouge_l", "checkpoint")
    return sorted(tuple(row[name] for name in names) for row in stored["reports"])


def _kept(stored: dict[str, Any]) -> list[str]:
    """Returns the names of a sweep's files, but for those that each start and attempt adds to."""
    return [key for key in stored["keys"] if not _OF_ONE_START.match(key)]


def _check_trained(stored: dict[str, Any], lines: Sequence[str], before: list[_Before]) -> None:
    for each in before:
        again = set(rungs_trained(stored, lines[each.lines :])) & each.reported
        assert not again
    assert set(rungs_trained(stored, lines)) == set(rungs_reported(stored))


@pytest.mark.cluster
@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.long
@pytest.mark.timeout(int(60 * MINUTES) + 1200)
def test_whatever_is_killed_a_sweep_in_a_bucket_ends_as_undisturbed(tmp_path: Path) -> None:
    end = time.monotonic() + 60 * MINUTES
    toy = {"TOY_LOG": str(tmp_path / "trained"), "TOY_SECONDS": f"{_RUNG_SECONDS:g}"}
    own = {"HOME": str(tmp_path / "own"), "FINETUNE_SWEEP_CACHE": str(tmp_path / "own" / "cache")}
    with machines(tmp_path, dashboard=False, **toy, **own) as made:
        soak = Soak(made, tmp_path, int(os.environ.get("SOAK_SEED", "0")))
        number = 0
        while time.monotonic() < end:
            try:
                soak.sweep(number)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                soak.give_up(number, error)
            number += 1
    print(f"{number} sweeps, killed: {dict(soak.killed)}")
    assert soak.killed["driver"]
    assert not soak.faults
