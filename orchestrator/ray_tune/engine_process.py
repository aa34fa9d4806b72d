"""The process that trains a pack: an actor with the device, which trials' own processes ask.

Of several calls that wait each has a thread of Ray's, and the engine has one of its own. So the
actor's first thread takes signals, and a call that asks for a sign of life is answered at once.
"""

from __future__ import annotations

import os
import signal
import traceback
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import told
from orchestrator.state.stop_request import GRACE_SECONDS
from orchestrator.trial.attempt import named
from orchestrator.trial.failure_kind import failure_kind
from orchestrator.trial.watchdog import Watchdog
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.packs import GoneError, Pulse, Serving
from trainables.contract.reports import EvaluationInterruptedError

GONE = "gone"
ENDED = "ended"


@dataclass(frozen=True)
class Failure:
    """Why there is no answer.

    Errors are told in words: to make one anew takes the modules that it comes from.

    Attributes:
        kind: As of `failure_kind`; or `GONE`: the trial is not there; or `ENDED`: it was told to.
        error: What went wrong, in a line.
        trace: The same with its traceback.
        has_trained: Of one that has ended, whether there is anything to save.
    """

    kind: str
    error: str = ""
    trace: str = ""
    has_trained: bool = False


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Attributes:
        value: What was asked for.
        failure: Why there is none.
    """

    value: Any = None
    failure: Failure | None = None


class EngineProcess:
    """Trains a pack of trials; `trainables.contract.packs.Serving` says what each method does."""

    def __init__(
        self, engine: str, kind: str, places: int, accounts: Path, silent_seconds: float
    ) -> None:
        """Makes the engine, in the process's first thread.

        Args:
            engine: "module:class" of a `Serving`.
            kind: The kind of device.
            places: Trials at a time.
            accounts: Folder in which it is written where the threads stood when the process was
                ended for hanging.
            silent_seconds: The longest time between two of the engine's signs of life.
        """
        accounts.mkdir(parents=True, exist_ok=True)
        self._account = accounts / f"{os.getpid()}.txt"
        self._watchdog = Watchdog(self._account, silent_seconds)
        self._watchdog.__enter__()
        self._guests: set[str] = set()
        self._ends = False
        self._engine: Serving = named(engine)(kind, places, self._watchdog)
        # After torch, which takes no signal; Ray's own handler ends the process at once.
        signal.signal(signal.SIGALRM, signal.signal(signal.SIGTERM, self._terminate))

    def account(self) -> str:
        """Returns the file in which it will be written where the threads stood."""
        return str(self._account)

    def join(
        self, key: str, configuration: dict[str, Any], checkpoint: str | None, most: float
    ) -> Answer:
        """Takes in a trial; the value is at how many examples it was evaluated last."""
        if self._ends:
            return Answer(failure=Failure(GONE))
        self._guests.add(key)
        return self._answer(
            self._engine.join(
                key,
                TrialConfiguration.from_dict(configuration),
                None if checkpoint is None else Path(checkpoint),
                most,
            )
        )

    def reach(self, key: str, examples: int, scores: bool) -> Answer:
        """Trains a trial to a rung and measures it; the value is a `Reached`."""
        return self._answer(self._engine.reach(key, examples, scores=scores))

    def test(self, key: str, protocol: str) -> Answer:
        """Measures a trial on the test rows; the value is an `Evaluation`."""
        return self._answer(self._engine.test(key, protocol))

    def save(self, key: str, folder: str) -> Answer:
        """Writes a trial's checkpoint."""
        return self._answer(self._engine.save(key, Path(folder)))

    def leave(self, key: str) -> Answer:
        """Lets a trial go."""
        self._guests.discard(key)  # before it is answered: then the trial may come again
        answer = self._answer(self._engine.leave(key))
        if self._ends and not self._guests:
            os.kill(os.getpid(), signal.SIGALRM)
        return answer

    def pulse(self, key: str, ends: bool) -> Pulse | None:
        """Says how far a trial is; None of one that is not here."""
        if not self._engine.works:
            os._exit(1)  # a fault of no trial's: the next process takes them in
        return self._engine.pulse(key, ends=ends)

    def _answer(self, future: Future[Any]) -> Answer:
        try:
            return Answer(future.result())
        except GoneError:
            return Answer(failure=Failure(GONE))
        except EvaluationInterruptedError as error:
            return Answer(failure=Failure(ENDED, has_trained=error.has_trained))
        except Exception as error:
            if type(error).__name__ == "AcceleratorError":
                os._exit(1)  # after it nothing works on the device in this process
            words = f"{type(error).__name__}: {told(error)}"
            return Answer(failure=Failure(failure_kind(error), words, traceback.format_exc()))

    def _terminate(self, number: int, frame: object) -> None:
        """Has every trial save where it is; whoever is here then is out of time."""
        self._ends = True
        self._engine.end_all()
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
