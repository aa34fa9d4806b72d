"""Follows a running sweep in the tools that its file names; a watcher of the sweep."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from orchestrator.outcomes.final_row import names_of
from orchestrator.search.proposals import Proposal, trial_configuration
from orchestrator.search.run_report import RunReport
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import StoreError
from orchestrator.store.rows import Row
from orchestrator.terminal.commands import command
from orchestrator.tracking.follower import Follower
from orchestrator.tracking.run_record import LABELS, Identity

SECONDS_AT_THE_END = 30.0
SECONDS_WHEN_ENDED = 5.0
"""After Ctrl-C or SIGTERM, when more is to be done in little time."""

_SECONDS_UNSAID = 2.0


class Tracking:
    """Tells each tool's process which trials have changed.

    Within the context the processes run. At its end they get a bounded time to write the last rows.
    Nothing here raises what a tool raises: it is said, and the sweep goes on.
    """

    def __init__(
        self,
        stored: StoredSweep,
        say: Callable[[str], object],
        is_hurried: Callable[[], bool] = lambda: False,
        seconds: float = SECONDS_AT_THE_END,
    ) -> None:
        """Starts nothing yet.

        Args:
            stored: The sweep.
            say: Prints a line for a person.
            is_hurried: Whether the sweep was asked to end.
            seconds: How long the end may take.
        """
        self._stored = stored
        self._say = say
        self._is_hurried = is_hurried
        self._seconds = seconds
        self._followers: list[Follower] = []
        self._identities: dict[int, Identity] = {}

    def __enter__(self) -> Tracking:
        """Starts the tools' processes."""
        for name in self._stored.sweep.track:
            try:
                self._followers.append(Follower(name, self._stored.root, self._stored.id))
            except OSError as error:
                self._say(f"{name} is not followed: its process cannot start ({error.strerror}).")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Lets the tools write the last rows, for a while, and says what each of them has."""
        is_hurried = self._is_hurried() or isinstance(error, KeyboardInterrupt)
        seconds = min(self._seconds, SECONDS_WHEN_ENDED) if is_hurried else self._seconds
        try:
            for follower in self._followers:
                follower.finish()
            begun = time.monotonic()
            if not all(each.wait(min(_SECONDS_UNSAID, seconds)) for each in self._followers):
                names = ", ".join(each.name for each in self._followers)
                self._say(f"Waiting for {names} to take the last rows, at most {seconds:g} s.")
            for follower in self._followers:
                follower.wait(max(0.0, begun + seconds - time.monotonic()))
                self._conclude(follower, seconds)
        finally:
            for follower in self._followers:
                follower.kill()
            self._followers.clear()

    def started(self, proposal: Proposal) -> None:
        """Tells the tools of a trial that has started."""
        self._changed(proposal)

    def reported(self, proposal: Proposal, report: RunReport) -> None:
        """Tells the tools of a trial that has reported."""
        self._changed(proposal)

    def ended(self, proposal: Proposal, row: Row) -> None:
        """Tells the tools of a trial that has its final row."""
        self._changed(proposal)
        self._identities.pop(proposal.trial_number, None)

    def paused(self, proposal: Proposal) -> None:
        """Does nothing: a trial that waits has said what it has."""

    def interrupted(self, proposal: Proposal, *, goes_on: bool = True) -> None:
        """Does nothing: a trial that is to be continued has said what it has."""

    def passed(self) -> None:
        """Says what a tool has said, and goes on without one that has failed."""
        for follower in list(self._followers):
            known = follower.where
            follower.look()
            if follower.error is not None:
                self._failed(follower)
            elif follower.where != known:
                self._say(f"Followed in {follower.name}: {follower.where}.")

    def _changed(self, proposal: Proposal) -> None:
        if not self._followers:
            return
        number = proposal.trial_number
        if number not in self._identities:
            try:
                self._identities[number] = identity(self._stored, proposal)
            except StoreError:  # which the sweep itself will say; the final row has it all too
                self._identities[number] = Identity(self._stored.trial_id(number))
        for follower in self._followers:
            follower.changed(self._identities[number])

    def _failed(self, follower: Follower) -> None:
        self._say(
            f"{follower.name} is not followed any more: {follower.error}. The sweep goes on;"
            f" afterwards {self._later(follower)} writes what is missing there."
        )
        follower.kill()
        self._followers.remove(follower)

    def _conclude(self, follower: Follower, seconds: float) -> None:
        if follower.done is not None:
            count = "1 trial is" if follower.done == 1 else f"{follower.done:,} trials are"
            self._say(f"{count} in {follower.name}: {follower.where}.")
            return
        why = follower.error or f"it did not take everything within {seconds:g} s"
        lost = f" {follower.dropped:,} changes were not handed over." if follower.dropped else ""
        self._say(
            f"{follower.name} lacks something of the sweep: {why}.{lost} {self._later(follower)}"
            " writes what is missing."
        )

    def _later(self, follower: Follower) -> str:
        stored = self._stored
        words = ("--root", stored.root, "track", follower.name, "--sweep", stored.id)
        return command("orchestrator.results", *words)


def identity(stored: StoredSweep, proposal: Proposal) -> Identity:
    """Returns what a trial is, in the words of its later final row."""
    configuration = trial_configuration(stored.sweep, proposal)
    names = {**names_of(stored, proposal), "technique": configuration.technique}
    labels = {name: str(names[name]) for name in LABELS if names[name] is not None}
    parameters = {
        "technique": configuration.technique,
        **configuration.parameters,
        "data_size": configuration.data_size or None,
        "seed": configuration.seed,
        "replicate": proposal.replicate,
    }
    known = {name: value for name, value in parameters.items() if value is not None}
    return Identity(stored.trial_id(proposal.trial_number), labels, known)
