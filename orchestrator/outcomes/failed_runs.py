"""The runs of a sweep that failed, and their further tries.

A failure may have a cause outside the trial, which somebody mends. A further try is proposed like
any other run, durably before it starts, so that a start which is killed in between goes on with it;
the final row of what failed stays (`orchestrator.search.tries`).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

from orchestrator.search.proposals import Proposal
from orchestrator.search.tries import TRIED_AGAIN, latest_tries, next_try, run_number
from orchestrator.state.adoption_log import AdoptionLog
from orchestrator.state.confirmation_log import ConfirmationLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import index


@dataclasses.dataclass(frozen=True)
class FailedRun:
    """A run whose latest try failed.

    Attributes:
        trial_number: Of that try.
        outcome: One of `orchestrator.search.tries.TRIED_AGAIN`.
    """

    trial_number: int
    outcome: str


def failed_runs(stored: StoredSweep) -> list[FailedRun]:
    """Returns the runs of the sweep, confirming ones included, that failed and are not tried again.

    Raises:
        DamagedError: A record under `state/` is none.
        StoreError: The store cannot be read.
    """
    columns = ("trial_number", "outcome")
    ended = index.trials(stored.address, stored.id, columns=columns).to_pylist()
    tries = latest_tries(
        [*ProposalLog(stored.files).latest_tries().values(), *(row[columns[0]] for row in ended)]
    )
    wanted = {number for number, _, _ in AdoptionLog(stored.files).numbering(stored.sweep)}
    chosen = ConfirmationLog(stored.files).latest()
    if chosen is not None and stored.sweep.confirm is not None:
        wanted |= {run.trial_number for run in chosen.runs}
    return [
        FailedRun(row["trial_number"], row["outcome"])
        for row in ended
        if row["outcome"] in TRIED_AGAIN
        and run_number(row["trial_number"]) in wanted
        and tries[run_number(row["trial_number"])] == row["trial_number"]
    ]


def try_again(stored: StoredSweep) -> list[Proposal]:
    """Proposes a further try at every run that failed, and returns the proposals.

    Only the process that holds the sweep may. Where it is killed in between, some are proposed and
    some are not; asked again, it proposes the others.

    Raises:
        DamagedError: A record under `state/` is none.
        StoreError: A proposal could not be stored.
    """
    log = ProposalLog(stored.files)
    proposed = log.read()
    return [
        log.write(
            dataclasses.replace(
                proposed[failed.trial_number], trial_number=next_try(failed.trial_number)
            )
        )
        for failed in failed_runs(stored)
        if failed.trial_number in proposed
    ]


def counted(failed: Iterable[FailedRun]) -> str:
    """Returns how many runs failed and how, e.g. "3 runs failed (2 failed, 1 hung)"."""
    ends = Counter(each.outcome for each in failed)
    count = sum(ends.values())
    runs = "1 run" if count == 1 else f"{count:,} runs"
    if set(ends) == {"failed"}:
        return f"{runs} failed"
    return f"{runs} failed ({', '.join(f'{n:,} {outcome}' for outcome, n in ends.most_common())})"
