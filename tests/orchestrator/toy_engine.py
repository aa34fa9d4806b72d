"""The toy learner for several trials in one process: a `trainables.contract.packs.Serving`.

What a learning rate does to the toy's process (`tests.orchestrator.toy`) it does here to the one
that all of them are in: 6.0 ends it, 4.0 hangs it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.orchestrator import toy
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.packs import GoneError, Pulse, Watch
from trainables.contract.reports import NO_TRAINING, Evaluation, Reached, Training

_T = TypeVar("_T")


@dataclass
class _Guest:
    """A trial that is here; as what the toy asks whether it is to end, an `Interruption`."""

    configuration: TrialConfiguration
    most: float
    examples: int
    index: int
    ends: bool = False
    inside: bool = False

    def requested(self) -> bool:
        return self.ends

    def record(self, examples_seen: int, save: Callable[[Path], None]) -> None:
        raise AssertionError("whoever owns the trial keeps where it is")


class ToyEngine:
    """Takes one request at a time."""

    def __init__(self, kind: str, places: int, watch: Watch) -> None:
        self._kind = kind
        self._places = places
        self._watch = watch
        self._guests: dict[str, _Guest] = {}
        self._waiting: list[tuple[str, Future[int]]] = []
        self._thread = ThreadPoolExecutor(1)
        self.works = True
        self._idle = watch.paused()
        self._idle.__enter__()

    def join(
        self, key: str, configuration: TrialConfiguration, checkpoint: Path | None, most: float
    ) -> Future[int]:
        passed = int((checkpoint / "examples").read_text()) if checkpoint else -1
        index = 0 if passed < 0 else 1
        self._guests[key] = _Guest(configuration, most, passed, index)
        joined: Future[int] = Future()
        self._waiting.append((key, joined))
        self._thread.submit(self._admit)
        return joined

    def reach(self, key: str, examples: int, *, scores: bool) -> Future[Reached]:
        def reach(guest: _Guest) -> Reached:
            self._idle.__exit__(None, None, None)
            try:
                return at_rung(guest)
            finally:
                self._idle = self._watch.paused()
                self._idle.__enter__()

        def at_rung(guest: _Guest) -> Reached:
            toy.suffer(guest.configuration, guest.index)
            if not toy.pass_gate(guest):
                ended = Training(None, False, None, 0, 0.0, interrupted=True)
                return Reached(0, max(guest.examples, 0) + 1, ended)
            metrics, predictions = toy.measure(
                guest.configuration, guest.index, examples, self._kind
            )
            guest.examples, guest.index = examples, guest.index + 1
            inside = float(sum(each.inside for each in self._guests.values()))
            metrics["pack_size"] = inside
            diverged = Training(None, True, None, 0, 0.0)
            is_well = metrics["eval_loss"] is not None
            return Reached(
                examples // 4,
                examples,
                NO_TRAINING if is_well else diverged,
                Evaluation(metrics, predictions) if is_well else None,
                metrics,
            )

        return self._asked(key, reach)

    def test(self, key: str, protocol: str) -> Future[Evaluation]:
        return self._asked(key, lambda guest: Evaluation({}, toy.tested(guest.configuration)))

    def save(self, key: str, folder: Path) -> Future[None]:
        return self._asked(key, lambda guest: toy.save(guest.examples, folder))

    def leave(self, key: str) -> Future[None]:
        def leave(guest: _Guest) -> None:
            del self._guests[key]
            for other, joined in self._waiting:
                if other == key:
                    joined.set_exception(GoneError())
            self._waiting = [each for each in self._waiting if each[0] != key]
            self._admit()

        return self._asked(key, leave)

    def pulse(self, key: str, *, ends: bool) -> Pulse | None:
        guest = self._guests.get(key)
        if guest is None:
            return None
        guest.ends = guest.ends or ends
        inside = sum(each.inside for each in self._guests.values())
        return Pulse(max(guest.examples, 0), inside if guest.inside else 0)

    def end_all(self) -> None:
        for guest in list(self._guests.values()):
            guest.ends = True

    def close(self) -> None:
        self._thread.shutdown()
        self._idle.__exit__(None, None, None)

    def _admit(self) -> None:
        """Takes in whoever waits and has a place, first come, first served."""
        while self._waiting:
            key, joined = self._waiting[0]
            inside = [each for each in self._guests.values() if each.inside]
            guest = self._guests.get(key)
            if guest is not None:
                most = min([self._places, guest.most, *(each.most for each in inside)])
                if len(inside) + 1 > most:
                    return
                guest.inside = True
                joined.set_result(guest.examples)
            self._waiting.pop(0)

    def _asked(self, key: str, does: Callable[[_Guest], _T]) -> Future[_T]:
        def asked() -> Any:
            guest = self._guests.get(key)
            if guest is None:
                raise GoneError
            return does(guest)

        return self._thread.submit(asked)
