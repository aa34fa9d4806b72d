"""A trial's own side of a pack: it asks the engine, records and reports, and has no device.

The process of a trial stays what it is without packs, the one that has its attempt, its reports
and its place with Ray Tune. The engine may be lost under it at any time: the trial then goes on
from its last checkpoint, in the engine's next process. An engine that dies again takes its trials
back in smaller company, until the one that ends it is alone; that one ends as the engine did, and
has used up an attempt.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorDiedError, RayError

from orchestrator.ray_tune.engine_process import ENDED, GONE, Answer
from orchestrator.trial.elsewhere import FailedElsewhereError, ModelLostError
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.packs import Pulse
from trainables.contract.reports import (
    Evaluation,
    EvaluationInterruptedError,
    Interruption,
    Reached,
    Report,
)
from trainables.rungs import climb

_ASK_SECONDS = 0.5
"""Between two signs of life."""
_LEAVE_SECONDS = 10.0
"""After which an engine in the midst of a long step is left to find out by itself."""
_AGAIN_SECONDS = 1.0
"""Before an engine that has let a trial go is asked again."""


class PackedLearner:
    """Has a trial trained by an engine: a `trainables.contract.reports.Learner`."""

    def __init__(self, engine: str, key: str) -> None:
        """Prepares to ask.

        Args:
            engine: Name of its actor.
            key: The trial's name there.
        """
        self._engine = engine
        self._key = key
        self._deaths = 0
        self._most = math.inf

    def __call__(
        self,
        configuration: TrialConfiguration,
        rungs: Sequence[int],
        report: Report,
        *,
        resume_from: Path | None = None,
        device: str = "auto",
        heartbeat: Callable[[int], None] | None = None,
        interruption: Interruption | None = None,
    ) -> None:
        """Takes a trial to its end; arguments as of `trainables.finetune.finetune`.

        Raises:
            ModelLostError: The engine is gone.
            FailedElsewhereError: The trial has failed there.
        """
        trial = PackedTrial(self._engine, self._key, heartbeat, interruption, self._is_well)
        try:
            if trial.join(configuration, resume_from, self._most):
                climb(trial, configuration, rungs, report, interruption)
        except ModelLostError as lost:
            if trial.died_with and self._most == 1:  # for sure: it had asked for it
                raise ModelLostError(lost.account, was_alone=True) from lost
            self._note(trial.died_with)
            raise
        finally:
            trial.leave()

    def _is_well(self) -> None:
        """Notes that the trial has come to a rung: what ended an engine before was not it."""
        self._deaths, self._most = 0, math.inf

    def _note(self, company: int) -> None:
        """Has the trial go on in smaller company where engines have died under it before.

        Args:
            company: Trials that were there when the engine was last heard of; 0 where nothing died.
        """
        if not company:
            time.sleep(_AGAIN_SECONDS)
            return
        self._deaths += 1
        if self._deaths > 1:
            self._most = max(1, company // 2)


class PackedTrial:
    """A trial that an engine trains: a `trainables.rungs.Climbing`.

    Attributes:
        company: Trials that were in the engine when it was last heard of, this one included; 0
            before it has joined.
        evaluated_to: Training examples at the latest evaluation on validation rows; below 0 before.
        is_first_worker: True: it has no group.
    """

    def __init__(
        self,
        engine: str,
        key: str,
        heartbeat: Callable[[int], None] | None,
        interruption: Interruption | None,
        is_well: Callable[[], None],
    ) -> None:
        """Prepares to ask.

        Args:
            engine: Name of the engine's actor.
            key: The trial's name there.
            heartbeat: Takes the trial's signs of life.
            interruption: Who may end it.
            is_well: Called at each rung.
        """
        self._name = engine
        self._key = key
        self._heartbeat = heartbeat
        self._interruption = interruption
        self._is_well = is_well
        self._actor: Any = None
        self._account = ""
        self._examples = 0
        self._has_left = threading.Event()
        self._is_lost = False
        self._was_let_go = False
        self.company = 0
        self.evaluated_to = -1
        self.is_first_worker = True

    @property
    def died_with(self) -> int:
        """Trials that were in the engine that died under this one; 0 where nothing died.

        The thread that shows signs of life may still hear of an engine that has let the trial go.
        """
        return 0 if self._was_let_go else self.company

    def join(self, configuration: TrialConfiguration, checkpoint: Path | None, most: float) -> bool:
        """Joins the engine.

        Args:
            configuration: The trial.
            checkpoint: Where it goes on; None from the beginning.
            most: The most trials that it shares the engine with, itself included.

        Returns:
            Whether it has; not where it is to end before there was a place for it.

        Raises:
            ModelLostError: The engine is gone.
            FailedElsewhereError: The trial cannot be made there.
        """
        try:
            self._actor = ray.get_actor(self._name)
            where = self._actor.account.remote()
            while not _has_come(where):  # its process may only now be starting
                self._beat()
                if self._is_to_end():
                    return False
            self._account = ray.get(where)
        except ActorDiedError as error:
            raise FailedElsewhereError("failed", _last_line(error), str(error)) from error
        except (RayError, ValueError) as error:
            raise ModelLostError from error
        place = None if checkpoint is None else str(checkpoint)
        asked = self._actor.join.remote(self._key, configuration.to_dict(), place, most)
        threading.Thread(target=self._show_signs_of_life, daemon=True).start()
        while not _has_come(asked):
            self._beat()
            if self._is_to_end() and not self.company:
                return False
        self.evaluated_to = self._value(asked)
        try:
            self._pulse()
        except RayError as error:
            raise self._lost() from error
        return True

    def reach(self, examples: int, *, scores: bool) -> Reached:
        """Trains until at least so many examples have been seen in all, and measures there."""
        try:
            reached: Reached = self._asked("reach", examples, scores)
        except EvaluationInterruptedError as error:
            self._check_told(examples - 1 if error.has_trained else None)
            raise
        if reached.training.interrupted:
            self._check_told(reached.examples_seen)
        else:
            self._is_well()
        return reached

    def test(self, protocol: str) -> Evaluation:
        """Measures loss and scores on the test rows."""
        try:
            found: Evaluation = self._asked("test", protocol)
        except EvaluationInterruptedError:
            self._check_told(None)
            raise
        return found

    def save(self, folder: Path) -> None:
        """Writes a checkpoint."""
        self._asked("save", str(folder))

    def wait(self) -> None:
        """Does nothing: there is no group."""

    def leave(self) -> None:
        """Leaves the engine, unless that is lost; what the trial asks for next comes after it."""
        self._has_left.set()
        if self._actor is not None and not self._is_lost:
            with contextlib.suppress(RayError):
                asked = self._actor.leave.remote(self._key)
                since = time.monotonic()
                while not _has_come(asked) and time.monotonic() - since < _LEAVE_SECONDS:
                    self._beat()

    def _asked(self, method: str, *arguments: Any) -> Any:
        """Returns what the engine answers."""
        asked = getattr(self._actor, method).remote(self._key, *arguments)
        self._beat()
        while not _has_come(asked):
            self._beat()
        return self._value(asked)

    def _value(self, asked: Any) -> Any:
        try:
            answer: Answer = ray.get(asked)
        except RayError as error:
            raise self._lost() from error
        failure = answer.failure
        if failure is None:
            return answer.value
        if failure.kind == GONE:
            self._was_let_go = self._is_lost = True
            raise ModelLostError
        if failure.kind == ENDED:
            raise EvaluationInterruptedError(has_trained=failure.has_trained)
        raise FailedElsewhereError(failure.kind, failure.error, failure.trace)

    def _show_signs_of_life(self) -> None:
        """Lets the engine know that the trial is there, also while it waits for the driver."""
        while not self._has_left.wait(_ASK_SECONDS):
            # Whoever waits for the engine hears of its end by what he waits for.
            with contextlib.suppress(RayError):
                self._pulse()

    def _pulse(self) -> None:
        """Exchanges signs of life with the engine, which may be too busy to answer at once."""
        asked = self._actor.pulse.remote(self._key, self._is_to_end())
        while not _has_come(asked):
            if self._has_left.is_set():
                return
        pulse: Pulse | None = ray.get(asked)
        if pulse is not None:
            self.company, self._examples = pulse.company, pulse.examples_seen

    def _beat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat(self._examples)

    def _is_to_end(self) -> bool:
        return self._interruption is not None and self._interruption.requested()

    def _check_told(self, examples: int | None) -> None:
        """Keeps where the trial is if it was not told to end, but the engine is: it goes on then.

        Args:
            examples: Where it is; None where there is nothing to keep.

        Raises:
            ModelLostError: It was not.
        """
        if self._is_to_end():
            return
        if examples is not None and self._interruption is not None:
            self._interruption.record(examples, self.save)
        self._was_let_go = True
        raise ModelLostError

    def _lost(self) -> ModelLostError:
        """Returns how the engine's process has ended."""
        self._is_lost = True
        account = ""
        with contextlib.suppress(OSError):
            account = Path(self._account).read_text(errors="replace")
        return ModelLostError(account)


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]


def _has_come(asked: Any) -> bool:
    """Returns whether there is an answer, after a while at most."""
    return bool(ray.wait([asked], timeout=_ASK_SECONDS)[0])
