"""Concludes trials: the driver alone writes final rows, from what a trial stored.

Nothing that travelled through Ray is needed, so a sweep that lost its driver can be concluded by
the next one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from orchestrator.outcomes import failures
from orchestrator.outcomes.adoption import source_of, stopped_there_too
from orchestrator.outcomes.final_row import TrialEnd, final_row
from orchestrator.outcomes.judgement import judge
from orchestrator.search.proposals import (
    CONFIRMING,
    Proposal,
    rungs,
    trial_configuration,
)
from orchestrator.search.run_result import RunResult, run_result
from orchestrator.search.tries import TRIED_AGAIN, TRIES, run_number
from orchestrator.state.adoption_log import AdoptionLog
from orchestrator.state.attempts import DIED, MACHINE, TERMINATED, AttemptLog
from orchestrator.state.confirmation_log import Confirmation, ConfirmationLog, Terms
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import index
from orchestrator.store.rows import Row

_EVERYBODYS = re.compile(
    r"(?:orchestrator\.store\.errors\.\w+|trainables\.runtime\.rendezvous\.RendezvousError): (.*)"
)
"""The last line of the traceback of an error that is no trial's and could not put itself on record:
of the store, or of workers that did not come together."""


def is_finished(stored: StoredSweep) -> bool:
    """Returns whether every run of the sweep, confirming ones included, has its final row."""
    done = _done(stored)
    if not _is_searched(stored, done):
        return False
    if stored.sweep.confirm is None:
        return True
    confirmation = confirmation_of(stored)
    return confirmation is not None and all(run.run_number in done for run in confirmation.runs)


def is_searched(stored: StoredSweep) -> bool:
    """Returns whether every run but the confirming ones has its final row."""
    return _is_searched(stored, _done(stored))


def confirmation_of(stored: StoredSweep) -> Confirmation | None:
    """Returns what is confirmed of the sweep as its file is now; None if it is not chosen yet.

    A longer search, or another `confirm`, chooses anew, and so does a search of which a run that
    had failed did not fail again.
    """
    terms, latest = terms_of(stored), ConfirmationLog(stored.files).latest()
    return latest if latest is not None and latest.terms == terms else None


def terms_of(stored: StoredSweep) -> Terms | None:
    """Returns on which terms a sweep chooses what it confirms; None if it confirms nothing."""
    sweep, confirm = stored.sweep, stored.sweep.confirm
    if confirm is None:
        return None
    ended = index.trials(stored.address, stored.id, columns=("trial_number", "outcome")).to_pylist()
    mended = {
        run_number(row["trial_number"])
        for row in ended
        if row["trial_number"] >= TRIES
        and run_number(row["trial_number"]) < CONFIRMING
        and row["outcome"] not in TRIED_AGAIN
    }
    tried = len(AdoptionLog(stored.files).numbering(sweep))
    return Terms(
        sweep.ask, tried, confirm.seeds, confirm.configurations, len(mended), confirm.around
    )


def _done(stored: StoredSweep) -> set[int]:
    """Returns the numbers of the runs whose latest try has its final row."""
    columns = ("trial_number",)
    ended = index.trials(stored.address, stored.id, columns=columns)["trial_number"].to_pylist()
    tries = ProposalLog(stored.files).latest_tries()
    return {run_number(n) for n in ended if n >= tries.get(run_number(n), n)}


def _is_searched(stored: StoredSweep, done: set[int]) -> bool:
    return all(number in done for number, _, _ in AdoptionLog(stored.files).numbering(stored.sweep))


class Conclusions:
    """Writes the final rows of one sweep."""

    def __init__(self, stored: StoredSweep, environment: str) -> None:
        """Prepares to write final rows.

        Args:
            stored: The sweep.
            environment: JSON of what this process runs in; of a trial of which nothing is on
                record it is told as the trial's.
        """
        self._stored = stored
        self._limits = stored.sweep.limits
        self._environment = environment
        self._attempts = AttemptLog(stored.files)

    def conclude(
        self,
        proposal: Proposal,
        *,
        stopped: bool,
        error: str | None = None,
        earlier_attempts: int | None = None,
    ) -> tuple[Row, RunResult] | None:
        """Writes the final row of a trial whose process has ended.

        Args:
            proposal: The trial.
            stopped: Whether early stopping ended it.
            error: Ray's account of the error that ended it, if one did.
            earlier_attempts: How many attempts there were before this one, where that is known.

        Returns:
            The stored row and what the search learns from it; None if the end is not final, so
            that the trial is to be continued.

        Raises:
            MachineError: The machine, not the trial, is at fault.
            StoreError: The row could not be stored.
        """
        sweep, store = self._stored.sweep, self._stored.store
        identifier = self._stored.trial_id(proposal.trial_number)
        configuration = trial_configuration(sweep, proposal)
        # The row is of the latest one; of those before it there are many where rungs are.
        decided_by = ("rung_examples", sweep.compared_by, sweep.objective.metric)
        failure = None
        if error is not None:
            failure, error = self._failure(proposal.trial_number, error, earlier_attempts)
        # At once: in a bucket the driver waits for each answer, and trials that have ended for it.
        asked: list[Callable[[], Any]] = [
            partial(store.reports, self._stored.id, identifier, earlier=decided_by),
            partial(store.predictions, self._stored.id, identifier, "test"),
            partial(self._attempts.of, proposal.trial_number),
        ]
        reports, test, attempts = store.place.each(asked, lambda ask: ask())
        outcome = judge(
            reports,
            rungs(sweep, configuration)[-1],
            sweep.objective.metric,
            stopped=stopped,
            tested=set(configuration.test_protocols) <= set(test["protocol"].to_pylist()),
            failure=failure,
        )
        if outcome is None:
            return None
        end = TrialEnd(outcome, reports, test, attempts, error if outcome == failure else None)
        row = source = None
        if outcome == "stopped" and not attempts.count:
            row = stopped_there_too(self._stored, proposal)
            source = source_of(self._stored, proposal)
        if row is None:
            ran_in = self._ran_in(proposal.trial_number, end)
            written = final_row(self._stored, proposal, end, ran_in)
            if source is not None:  # it has gone, but nothing was trained here
                written["adopted_from"] = f"{source.sweep_id}/{source.trial_id}"
            row = store.publish_trial(written)
        return row, run_result(row["outcome"], reports, sweep)

    def _ran_in(self, trial_number: int, end: TrialEnd) -> str:
        """Returns as JSON the environment of the trial's last report, on its own node."""
        attempt = end.reports[-1]["attempt"] if end.reports else end.attempts.count
        found = self._attempts.environment(trial_number, attempt) if attempt else None
        return self._environment if found is None else json.dumps(found, sort_keys=True)

    def _failure(
        self, trial_number: int, error: str, earlier_attempts: int | None
    ) -> tuple[str | None, str]:
        """Returns how a trial fails whose process ended with an error, and the error's account.

        The first is None where the trial is to be tried again.
        """
        attempts = self._attempts.of(trial_number)
        if attempts.count == earlier_attempts:  # it died before it could say that it started
            self._attempts.start(trial_number, "")
            attempts = self._attempts.of(trial_number)
        if attempts.failure is None:
            self._record_end(trial_number, error)
            attempts = self._attempts.of(trial_number)
        if attempts.failure is not None:
            error = attempts.failure["traceback"]
        return failures.outcome(attempts, self._limits.max_attempts), error

    def _record_end(self, trial_number: int, error: str) -> None:
        """Puts on record how a process ended that could not say it itself."""
        hang = self._attempts.hang(trial_number)
        if hang is not None:
            minutes = self._limits.heartbeat_minutes
            reason = (
                f"no sign of life for {minutes:g} minutes (limits.heartbeat_minutes; if it was"
                " still loading, raise that or run `hf download` beforehand)"
            )
            self._attempts.fail(trial_number, "hung", reason, f"{hang.strip()}\n{reason}")
        elif "low on memory" in error:  # Ray ends a process before the machine runs out.
            self._attempts.fail(trial_number, "out_of_memory", "the host's memory ran low", error)
        elif refused := _EVERYBODYS.search(error):  # A full disk takes no record of itself.
            self._attempts.fail(trial_number, MACHINE, refused[1], error)
        elif self._attempts.saved_on_termination(trial_number):
            self._attempts.fail(trial_number, TERMINATED, "its process received SIGTERM", error)
        else:
            self._attempts.fail(trial_number, DIED, "the process died", error)
