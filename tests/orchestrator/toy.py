"""A learner of a few lines: its scores are a function of its configuration, and it needs no torch.

`learning_rate` says how good a trial is: the score rises with the examples towards it, or towards a
tenth of it above 1.0. 9.0 diverges at its second report, 8.0 raises, 7.0 runs out of memory, 6.0
dies before its second report, 5.0 meets a full disk, 4.0 hangs before its second report with the
interpreter's lock held, 3.0 has memory for half its micro-batch only, 2.0 takes all memory that the
host gives. Each rung is appended to the file that the environment variable TOY_LOG names, if it
does, so that tests can count what was trained. A rung takes as many seconds as TOY_SECONDS says, in
which the toy waits.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from trainables.contract.configuration import TrialConfiguration
from trainables.contract.reports import Interruption, Metrics, Report, RungReport
from trainables.contract.scores import SCORES
from trainables.techniques.registry import complete

_MICRO_BATCH = int(str(complete("lora", {})["micro_batch_size"]))


SYNONYMS: bool | None = None
"""What a report says of METEOR's synonyms."""


def finetune(
    configuration: TrialConfiguration,
    rungs: Sequence[int],
    report: Report,
    *,
    resume_from: Path | None = None,
    device: str = "cpu",
    heartbeat: Callable[[int], None] | None = None,
    interruption: Interruption | None = None,
) -> None:
    """Reports at every rung, as the real learner does."""
    passed = int((resume_from / "examples").read_text()) if resume_from else -1
    for index, rung in enumerate(rungs):
        if rung <= passed:
            continue
        suffer(configuration, index)
        if not pass_gate(interruption):
            assert interruption is not None  # nobody else interrupts
            interruption.record(max(passed, 0) + 1, partial(save, passed))
            return
        metrics, predictions = measure(configuration, index, rung, device)
        report.rung(RungReport(index, rung, rung // 4, metrics, predictions, partial(save, rung)))
        if metrics["eval_loss"] is None:
            return
        passed = rung
    for protocol in configuration.test_protocols:
        report.test(tested(configuration), {}, protocol)


def suffer(configuration: TrialConfiguration, index: int) -> None:
    """Does what its learning rate says to a trial on its way to a rung."""
    rate = _rate(configuration)
    if rate == 8.0:
        raise ValueError("the toy was told to fail")
    if rate == 6.0 and index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if rate == 5.0:
        raise OSError(errno.ENOSPC, "No space left on device")
    if rate == 7.0 or (rate == 3.0 and _micro_batch(configuration) > _MICRO_BATCH // 2):
        bytearray(1 << 60)  # more than there is address space for
    if rate == 2.0:
        _take_memory()
    if rate == 4.0 and index == 1:
        ctypes.PyDLL(None).pause()


def measure(
    configuration: TrialConfiguration, index: int, rung: int, device: str
) -> tuple[Metrics, list[dict[str, Any]]]:
    """Returns a trial's metrics and predictions at a rung; no loss of one that has diverged."""
    diverges = _rate(configuration) == 9.0 and index > 0
    last = configuration.budget_examples
    score = math.nan if diverges else _quality(configuration) * rung / max(last, 1)
    _log(f"{configuration.to_dict()} {rung}")
    scored = not diverges and (configuration.scored_rungs == "all" or rung == last)
    return {
        "examples_seen": rung,
        "train_loss": math.nan if diverges else 1.0 - score,
        "eval_loss": None if diverges else 1.0 - score,
        **dict.fromkeys(SCORES, score if scored else None),
        "meteor_synonyms": SYNONYMS if scored else None,
        "eval_rows": 2,
        "device_kind": device,
        "trainable_parameters": 10,
        "total_parameters": 1000,
        "trainable_percent": 1.0,
    }, _predictions(score) if scored else []


def tested(configuration: TrialConfiguration) -> list[dict[str, Any]]:
    """Returns a trial's predictions of the test rows."""
    return _predictions(_quality(configuration))


def _rate(configuration: TrialConfiguration) -> float:
    return float(configuration.parameters.get("learning_rate", 0.0) or 0.0)


def _quality(configuration: TrialConfiguration) -> float:
    rate = _rate(configuration)
    return rate if rate <= 1 else rate / 10


def save(passed: int, folder: Path) -> None:
    """Writes a checkpoint."""
    (folder / "examples").write_text(str(passed))


def _predictions(score: float) -> list[dict[str, Any]]:
    return [
        {
            "example_id": f"row-{index}",
            "sql_prompt": "How many?",
            "sql_context": "CREATE TABLE t (a INT)",
            "reference": "SELECT COUNT(*) FROM t",
            "prediction": "SELECT 1",
            **dict.fromkeys(SCORES, score + index * 0.01),
        }
        for index in range(2)
    ]


def _take_memory() -> None:
    """Takes up to 8 GiB of the host's memory, and waits for what comes of it."""
    taken = [os.urandom(1 << 20) * 64 for _ in range(128)]
    ctypes.PyDLL(None).pause()
    del taken


def _micro_batch(configuration: TrialConfiguration) -> int:
    size = configuration.parameters["micro_batch_size"]
    assert isinstance(size, int)
    return size


def open_gate(gate: Path) -> None:
    """Lets every trial go on that waits at the gate, and those that will come to it."""
    writer = os.open(gate, os.O_RDWR)
    gate.unlink()
    os.close(writer)


def pass_gate(interruption: Interruption | None) -> bool:
    """Blocks once `TOY_LOG` has `TOY_GATE_AFTER` lines, while there is a pipe `TOY_GATE`.

    With `TOY_GATE_DEAF` the trial does not listen there, as in the middle of an evaluation. With
    `TOY_GATE_EACH` only this process's own lines count. Returns whether the trial goes on,
    rather than being interrupted there.
    """
    if not _take_time(interruption):
        return False
    gate = os.environ.get("TOY_GATE")
    if gate is None:
        return True
    log = Path(os.environ["TOY_LOG"])
    lines = log.read_text().splitlines() if log.exists() else []
    if "TOY_GATE_EACH" in os.environ:
        lines = [line for line in lines if line.startswith(f"{os.getpid()} ")]
    if len(lines) < int(os.environ["TOY_GATE_AFTER"]):
        return True
    deaf = "TOY_GATE_DEAF" in os.environ
    try:
        pipe = os.open(gate, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:  # open for good
        return True
    try:
        while interruption is None or deaf or not interruption.requested():
            # Readable is the end that a writer leaves; a pipe opened after that one has no end.
            if select.select([pipe], [], [], 0.1)[0] or not Path(gate).exists():
                return True
    finally:
        os.close(pipe)
    return False


def _take_time(interruption: Interruption | None) -> bool:
    end = time.monotonic() + float(os.environ.get("TOY_SECONDS", "0"))
    while time.monotonic() < end:
        if interruption is not None and interruption.requested():
            return False
        time.sleep(0.1)
    return True


def _log(line: str) -> None:
    if path := os.environ.get("TOY_LOG"):
        with Path(path).open("a") as file:
            file.write(f"{os.getpid()} {line}\n")
