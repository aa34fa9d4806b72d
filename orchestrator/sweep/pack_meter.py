"""Processes that measure packs of a sweep's trials on this machine, before there is any Ray."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from statistics import fmean
from typing import IO, Any

from orchestrator.errors import UserError
from orchestrator.ray_tune.placement import Slots
from orchestrator.sweep.pricing import niceness, threads
from orchestrator.sweep.rows import OFFLINE
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.pack_cost import PackCost, Ready

PACK_COST = "trainables.pack_cost"

_ASKING = (
    "import time, ray.tune, ray.train.v2.api.data_parallel_trainer,"
    " orchestrator.ray_tune.trainable, orchestrator.ray_tune.packed_trial;"
    " print(time.process_time())"
)
"""What a process imports that asks an engine; it takes 2.7 CPU seconds where a whole one was seen
to take 2.7 (decision 0014)."""

_KILLED = -9
"""Exit code of a process that the system ends for want of memory."""


class NotMeasuredError(Exception):
    """Packs could not be measured; says why."""


def asking_seconds() -> float:
    """Returns the CPU seconds in which the process starts that a trial of a pack has for itself.

    Raises:
        NotMeasuredError: It does not start.
    """
    done = subprocess.run(
        [sys.executable, "-c", _ASKING], capture_output=True, text=True, check=False
    )
    try:
        return float(done.stdout.split()[-1])
    except (IndexError, ValueError) as error:
        raise NotMeasuredError(_last_line(done.stderr)) from error


@contextmanager
def pack_meter(
    place: Slots, trials: Sequence[TrialConfiguration], *, online: bool
) -> Iterator[PackMeter]:
    """Yields what measures trials, in processes that end with the context.

    Args:
        place: How trials are placed on this machine.
        trials: To be measured; each trains.
        online: Whether what is not on this machine may be downloaded.
    """
    share = str(place.resources.get("GPU", 1.0))
    options = ["--niceness", niceness(), place.kind, str(place.trials), share]
    settings = {"OMP_NUM_THREADS": str(threads(place))} | ({} if online else OFFLINE)
    with ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile("w+"))
        processes = []
        # As many as there will be packs: on CPUs these slow each other down. A device has one.
        for _ in range(place.trials if place.kind == "cpu" else 1):
            process = subprocess.Popen(
                [sys.executable, "-m", PACK_COST, *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=os.environ | settings,
            )
            processes.append(stack.enter_context(running(process)))
        yield PackMeter(processes, errors, trials)


@contextmanager
def running(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Yields a process, and ends it with the context; nothing is raised of one that ended before.

    Args:
        process: One whose standard input and output are pipes.
    """
    try:
        yield process
    finally:
        process.kill()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            # What it was sent, and did not live to take, is sent once more where the pipe is
            # closed; the error of that would stand in the place of what is raised in the context.
            with suppress(BrokenPipeError):
                pipe.close()
        process.wait()


class PackMeter:
    """Has trials measured, alone or together, by each of some processes at the same time."""

    def __init__(
        self,
        processes: Sequence[subprocess.Popen[str]],
        errors: IO[str],
        trials: Sequence[TrialConfiguration],
    ) -> None:
        """Tells the processes what there is to measure.

        Args:
            processes: Each a `PACK_COST`.
            errors: What they write of errors.
            trials: To be measured.
        """
        self._processes = processes
        self._errors = errors
        self._send([trial.to_dict() for trial in trials])

    def ready(self) -> Ready:
        """Returns what the processes know when they have loaded everything.

        Raises:
            UserError: Rows or base model will not do, or torch cannot use the device.
            NotMeasuredError: A process has ended.
        """
        found = [Ready(**answer) for answer in self._answers()]
        return Ready(fmean(each.start for each in found), found[0].shares, found[0].room_bytes)

    def measure(self, numbers: Sequence[int]) -> PackCost | None:
        """Returns what trials take in one process, the mean over the processes.

        Args:
            numbers: Their places among the trials.

        Returns:
            None where there is not memory enough.

        Raises:
            UserError: As `ready`, NotMeasuredError too.
        """
        self._send(list(numbers))
        answers = self._answers()
        if None in answers:
            return None
        found = [PackCost(**{**answer, "steps": tuple(answer["steps"])}) for answer in answers]
        return PackCost(
            tuple(map(fmean, zip(*(each.steps for each in found), strict=True))),
            found[0].examples,
            fmean(each.loss_row for each in found),
            fmean(each.scored_row for each in found),
            max(each.loaded_bytes for each in found),
            max(each.memory_bytes for each in found),
        )

    def _send(self, line: Any) -> None:
        for process in self._processes:
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # that it has ended is seen where its answer is read
                process.stdin.write(json.dumps(line) + "\n")
                process.stdin.flush()

    def _answers(self) -> list[Any]:
        return [self._answer(process) for process in self._processes]

    def _answer(self, process: subprocess.Popen[str]) -> Any:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            if process.wait() == _KILLED:
                return None
            self._errors.seek(0)
            raise NotMeasuredError(_last_line(self._errors.read()))
        answer = json.loads(line)
        if answer is not None and "error" in answer:
            raise UserError(answer["error"])
        return answer


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "the process that measures ended without a word"
