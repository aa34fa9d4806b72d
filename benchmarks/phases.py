"""Where the time of a trial goes: each moment belongs to one phase, the innermost that is open.

`watching` opens the phases inside `trainables` without changing it: it wraps the methods that mark
a phase's beginning and end, and fails by name where one is gone. Only the thread that made the
clock is on it: what runs in the background costs the trial nothing until it waits, and the wait
belongs to the phase in which it happens. On a GPU each change of phase waits for the device, so
that work queued in one phase is not paid by the next.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import perf_counter, process_time
from typing import Any
from unittest import mock

import torch
from transformers import GenerationMixin

from trainables.contract.reports import Training
from trainables.data.spelling import SqlTokens
from trainables.engine.engine import Engine
from trainables.evaluation import text_scores
from trainables.finetune import Finetuning
from trainables.passes.frozen_decoder import FrozenDecoder
from trainables.passes.frozen_t5 import FrozenT5
from trainables.sql.execution import SqlExecutor

PHASES = ("load", "tokenise", "train", "evaluate", "generate", "score", "write", "idle")
"""load: model, rows, set-up. evaluate: the loss on validation rows. idle: none of the others."""

_MARKED: tuple[tuple[type, str, str], ...] = (
    (Finetuning, "__init__", "load"),
    (Finetuning, "advance", "train"),
    (Finetuning, "evaluate", "evaluate"),
    (Finetuning, "save", "write"),
    (Finetuning, "close", "idle"),
    (Engine, "step", "train"),
    (Engine, "evaluate", "evaluate"),
    (SqlTokens, "prompt_ids", "tokenise"),
    (SqlTokens, "statement_ids", "tokenise"),
    (GenerationMixin, "generate", "generate"),
    (FrozenT5, "answers", "generate"),
    (FrozenDecoder, "answers", "generate"),
    (SqlExecutor, "execute", "score"),
)


class Phases:
    """A clock of phases.

    Attributes:
        seconds: Time of each phase so far; "idle" is what no phase was open for.
        cpu_seconds: Processor time of this process so far, its threads together: on a machine that
            others use as well it is steadier.
    """

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self.cpu_seconds = 0.0
        self._cpu_since = process_time()
        self._open = ["idle"]
        self._since = perf_counter()
        self._thread = threading.get_ident()

    @property
    def total(self) -> float:
        """Seconds in all phases together, up to the last change."""
        return sum(self.seconds.values())

    def stop(self) -> None:
        """Counts the time since the last change."""
        self._change()

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Opens a phase for a block; the one around it is closed as long."""
        if threading.get_ident() != self._thread:
            yield
            return
        self._change()
        self._open.append(phase)
        try:
            yield
        finally:
            self._change()
            self._open.pop()

    def wrap(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        """Returns the function with a phase of its own."""

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self(phase):
                return function(*args, **kwargs)

        return timed

    def _change(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = perf_counter()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now
        cpu = process_time()
        self.cpu_seconds += cpu - self._cpu_since
        self._cpu_since = cpu


@contextmanager
def watching(phases: Phases, trainings: list[Training] | None = None) -> Iterator[None]:
    """Opens the phases wherever `trainables` enters them, for a block.

    Args:
        phases: The clock.
        trainings: Receives what each call of `Finetuning.advance` returned.

    Raises:
        AttributeError: `trainables` has no longer a method that marks a phase.
    """
    with ExitStack() as stack:
        for owner, name, phase in _MARKED:
            function = phases.wrap(getattr(owner, name), phase)
            if name == "advance" and trainings is not None:
                function = _noting(function, trainings)
            stack.enter_context(mock.patch.object(owner, name, function))
        stack.enter_context(
            mock.patch.object(text_scores, "score", phases.wrap(text_scores.score, "score"))
        )
        yield


def _noting(function: Callable[..., Any], found: list[Training]) -> Callable[..., Any]:
    @functools.wraps(function)
    def noting(*args: Any, **kwargs: Any) -> Any:
        found.append(function(*args, **kwargs))
        return found[-1]

    return noting


def split_table(rows: Sequence[tuple[str, dict[str, float]]], first: str) -> str:
    """Returns a Markdown table of seconds by phase.

    Args:
        rows: A label and the seconds of each phase.
        first: Heading of the labels.
    """
    lines = [
        f"| {first} | " + " | ".join(PHASES) + " | total |",
        "|---|" + "---:|" * (len(PHASES) + 1),
    ]
    for label, seconds in rows:
        cells = [f"{seconds[phase]:.2f}" for phase in PHASES]
        lines.append(f"| {label} | {' | '.join(cells)} | {sum(seconds.values()):.2f} |")
    return "\n".join(lines)
