"""An engine that others ask: trials of one sweep, told what to do by whoever owns each of them.

The engine works in a thread of its own, between two requests one optimiser step of everybody at a
time. Whoever owns a trial asks it to join and to reach a rung, and lets it know that he is still
there: a trial that nobody asks after leaves by itself.
"""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

from trainables.contract.configuration import TrialConfiguration
from trainables.contract.packs import GoneError, Pulse, Watch
from trainables.contract.reports import Evaluation, Reached, Training
from trainables.engine.engine import Engine
from trainables.finetune import Finetuning

SILENT_SECONDS = 30.0
"""After which a trial leaves whose owner has not asked after it; he asks about twice a second."""
_LOOK_SECONDS = 1.0

_Answer = TypeVar("_Answer")


class _Unwatched:
    """A `Watch` that sees nothing."""

    def beat(self) -> None:
        pass

    def paused(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext()


@dataclass
class _Guest:
    """A trial that has asked to join.

    Attributes:
        name: Of this visit, in the engine.
        configuration: What it is.
        checkpoint: Where it goes on; None from the beginning.
        most: The most trials that it shares the engine with, itself included.
        joined: Is told at how many examples it was evaluated last.
        heard: When its owner was last heard of.
        trial: The trial, once it has joined.
        examples: Training examples so far.
        ends: Whether it is to end where it is.
        scores: Whether SQL is written and scored where it is on its way to.
        reached: Is told what comes of its way.
        tests: Protocols by which it is to be measured on the test rows, and who is told.
    """

    name: str
    configuration: TrialConfiguration
    checkpoint: Path | None
    most: float
    joined: Future[int]
    heard: float
    trial: Finetuning | None = None
    examples: int = 0
    ends: bool = False
    scores: bool = True
    reached: Future[Reached] | None = None
    tests: list[tuple[str, Future[Evaluation]]] = field(default_factory=list)


class EngineThread:
    """Trains whoever joins, as many at a time as there are places: a `contract.packs.Serving`.

    What is asked for comes as a future; a trial's error is its future's.
    """

    def __init__(
        self,
        device: str = "auto",
        places: int = 1,
        watch: Watch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts the thread.

        Args:
            device: Where trials train.
            places: Trials at a time; further ones wait.
            watch: Sees that the thread does not hang.
            clock: Seconds, monotonic.
        """
        self._device = device
        self._places = places
        self._watch = watch or _Unwatched()
        self._clock = clock
        self._engine = Engine()
        self._requests: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._guests: dict[str, _Guest] = {}  # in the order in which they came
        self._visits = count()
        self._lock = threading.Lock()
        self._is_over = False
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    def join(
        self,
        key: str,
        configuration: TrialConfiguration,
        checkpoint: Path | None = None,
        most: float = math.inf,
    ) -> Future[int]:
        """Takes in a trial when there is a place for it; one of this name leaves before.

        Args:
            key: Its name here.
            configuration: The trial.
            checkpoint: Where it goes on; None from the beginning.
            most: The most trials that it shares the engine with, itself included.

        Returns:
            At how many training examples it was evaluated last; below 0 before.
        """
        joined: Future[int] = Future()
        name = f"{key} {next(self._visits)}"
        guest = _Guest(name, configuration, checkpoint, most, joined, self._clock())
        with self._lock:
            if self._is_over:
                joined.set_exception(GoneError("the engine has ended"))
                return joined
            before = self._guests.pop(key, None)
            self._guests[key] = guest
            self._requests.put(lambda: self._let_go(before))
        return joined

    def reach(self, key: str, examples: int, *, scores: bool) -> Future[Reached]:
        """Trains a trial to a rung and measures it there; arguments as of `Finetuning.reach`."""

        def set_out(guest: _Guest, reached: Future[Reached]) -> None:
            _joined(guest)
            guest.scores, guest.reached = scores, reached
            self._engine.advance(guest.name, examples)

        return self._asked(key, set_out)

    def test(self, key: str, protocol: str) -> Future[Evaluation]:
        """Measures a trial on the test rows."""

        def note(guest: _Guest, tested: Future[Evaluation]) -> None:
            _joined(guest)
            guest.tests.append((protocol, tested))

        return self._asked(key, note)

    def save(self, key: str, folder: Path) -> Future[None]:
        """Writes a trial's checkpoint."""

        def save(guest: _Guest, saved: Future[None]) -> None:
            _joined(guest).save(folder)
            saved.set_result(None)

        return self._asked(key, save)

    def leave(self, key: str) -> Future[None]:
        """Lets a trial go, wherever it is."""

        def leave(guest: _Guest, left: Future[None]) -> None:
            self._forget(key, guest)
            self._let_go(guest)
            left.set_result(None)

        return self._asked(key, leave)

    def pulse(self, key: str, *, ends: bool = False) -> Pulse | None:
        """Lets the engine know that a trial's owner is there, and returns how far the trial is.

        Args:
            key: Of the trial.
            ends: Whether it is to end where it is: `reach` then returns, and an evaluation raises.

        Returns:
            None of a trial that is not here.
        """
        guest = self._guests.get(key)
        if guest is None:
            return None
        guest.heard = self._clock()
        guest.ends = guest.ends or ends
        return Pulse(guest.examples, len(self._inside()) if guest.trial is not None else 0)

    def end_all(self) -> None:
        """Ends every trial where it is."""
        for guest in list(self._guests.values()):
            guest.ends = True

    def close(self) -> None:
        """Lets everybody go, and ends the thread."""
        self._requests.put(None)
        self._thread.join()

    @property
    def works(self) -> bool:
        """Whether the thread is there; not after `close`, nor after a fault of the engine's own."""
        return not self._is_over

    def _asked(self, key: str, does: Callable[[_Guest, Future[_Answer]], None]) -> Future[_Answer]:
        """Has something done with a guest in the thread, and returns the answer that is to come.

        With the one who is here now: not with whoever has come in his name until it is done.
        """
        answer: Future[_Answer] = Future()
        guest = self._guests.get(key)

        def request() -> None:
            if guest is None or self._guests.get(key) is not guest:
                answer.set_exception(GoneError(f"there is no trial {key}"))
                return
            try:
                does(guest, answer)
            except Exception as error:
                answer.set_exception(error)

        self._ask(request)
        return answer

    def _ask(self, request: Callable[[], None]) -> None:
        """Has something done in the thread; where that has ended, which nobody is in, here."""
        with self._lock:
            if not self._is_over:
                self._requests.put(request)
                return
        request()

    def _work(self) -> None:
        try:
            while self._take_requests():
                self._watch.beat()
                self._drop_silent()
                self._admit()
                self._tell(self._engine.step())
                self._test()
        finally:
            with self._lock:
                self._is_over = True
            while self._guests:
                self._let_go(self._guests.popitem()[1])
            while not self._requests.empty():
                if (request := self._requests.get()) is not None:
                    request()

    def _take_requests(self) -> bool:
        """Does what was asked for, and waits for it where there is nothing else to do.

        Returns:
            Whether the thread is to go on.
        """
        try:
            if self._engine.on_the_way:
                request = self._requests.get_nowait()
            else:
                with self._watch.paused():
                    request = self._requests.get(timeout=_LOOK_SECONDS)
            while request is not None:
                request()
                request = self._requests.get_nowait()
        except queue.Empty:
            return True
        return False

    def _drop_silent(self) -> None:
        """Lets those go whose owners have not been heard of."""
        now = self._clock()
        for key, guest in list(self._guests.items()):
            if now - guest.heard > SILENT_SECONDS:
                self._forget(key, guest)
                self._let_go(guest)

    def _admit(self) -> None:
        """Takes in those for whom there is a place, first come, first served."""
        for key, guest in list(self._guests.items()):
            if guest.trial is not None:
                continue
            inside = self._inside()
            if len(inside) + 1 > min([self._places, guest.most, *(each.most for each in inside)]):
                return
            try:
                guest.trial = self._started(guest)
            except Exception as error:
                self._forget(key, guest)
                guest.joined.set_exception(error)
            else:
                self._engine.join(guest.name, guest.trial)
                guest.joined.set_result(guest.trial.evaluated_to)

    def _started(self, guest: _Guest) -> Finetuning:
        def beat(examples: int) -> None:
            guest.examples = examples
            self._watch.beat()

        trial = Finetuning(
            guest.configuration, self._device, heartbeat=beat, interrupted=lambda: guest.ends
        )
        try:
            if guest.checkpoint is not None:
                trial.load(guest.checkpoint)
        except BaseException:
            trial.close()
            raise
        guest.examples = trial.examples_seen
        return trial

    def _tell(self, arrived: Mapping[str, Training | Exception]) -> None:
        """Measures those who have arrived, and tells their owners."""
        there = [guest for guest in self._inside() if guest.name in arrived]
        for scores in (False, True):
            due = [each for each in there if each.scores is scores and _is_due(arrived[each.name])]
            if not due:
                continue
            found = self._engine.evaluate([each.name for each in due], "validation", scores=scores)
            for guest in due:
                self._answer(guest, arrived[guest.name], found[guest.name])
        for guest in there:
            if not _is_due(arrived[guest.name]):
                self._answer(guest, arrived[guest.name])

    def _answer(
        self,
        guest: _Guest,
        training: Training | Exception,
        evaluation: Evaluation | Exception | None = None,
    ) -> None:
        """Tells a trial's owner where it has come to."""
        reached, guest.reached = guest.reached, None
        assert reached is not None  # it was on its way
        if isinstance(training, Exception):
            reached.set_exception(training)
        elif isinstance(evaluation, Exception):
            reached.set_exception(evaluation)
        else:
            reached.set_result(_joined(guest).reached(training, evaluation))

    def _test(self) -> None:
        """Measures those who are to be on the test rows, and tells their owners."""
        asked = [(guest, *each) for guest in self._inside() for each in guest.tests]
        for guest in self._inside():
            guest.tests.clear()
        for protocol in dict.fromkeys(protocol for _, protocol, _ in asked):
            own = [(guest, tested) for guest, other, tested in asked if other == protocol]
            found = self._engine.evaluate([guest.name for guest, _ in own], "test", protocol)
            for guest, tested in own:
                _resolve(tested, found[guest.name])

    def _forget(self, key: str, guest: _Guest) -> None:
        """Takes a guest off the list, but not whoever has come in his name meanwhile."""
        with self._lock:
            if self._guests.get(key) is guest:
                del self._guests[key]

    def _let_go(self, guest: _Guest | None) -> None:
        """Closes a trial, and tells its owner, if he still waits for anything, that it is gone."""
        if guest is None:
            return
        if guest.trial is not None:
            self._engine.leave(guest.name).close()
            guest.trial = None
        waits = [guest.joined, guest.reached, *(tested for _, tested in guest.tests)]
        for each in waits:
            if each is not None and not each.done():
                each.set_exception(GoneError(f"{guest.name} has left"))

    def _inside(self) -> list[_Guest]:
        return [guest for guest in list(self._guests.values()) if guest.trial is not None]


def _is_due(outcome: Training | Exception) -> bool:
    """Returns whether a trial that has arrived is to be measured."""
    return isinstance(outcome, Training) and not (outcome.interrupted or outcome.diverged)


def _joined(guest: _Guest) -> Finetuning:
    """Returns the trial of a guest who has joined."""
    if guest.trial is None:
        raise GoneError(f"{guest.name} has not joined")
    return guest.trial


def _resolve(future: Future[_Answer], outcome: _Answer | Exception) -> None:
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
