"""Where a sweep stands, read from what it stored.

At every start the proposals, the final rows and the reports are read; trials that had ended without
anybody to write their final row get it now; early stopping's rungs are filled with the reports and
the verdicts on them. A report without a verdict waits for the others of its trial's cohort; where
all of them are there, because the driver ended before it could say so, it is decided on now. Ray's
own state is never read.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.search.adoption import AdoptedRun
from orchestrator.search.halving import RUNG, Halving, compared_with, replay
from orchestrator.search.proposals import CONFIRMING, Proposal
from orchestrator.search.run_result import RunResult, run_result
from orchestrator.search.tries import latest_tries, run_number
from orchestrator.state.adoption_log import AdoptionLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.state.verdict_log import VerdictLog, Verdicts
from orchestrator.store import index, keys
from orchestrator.store.errors import DamagedError
from orchestrator.store.rows import Row
from orchestrator.store.schema import TRIALS

_OF_TRIALS = tuple(
    name for name in TRIALS.schema.names if name not in ("config_json", "environment_json")
)
"""Without the two that are most of a row and that no driver asks for."""

_OF_REPORTS = (
    *("trial_id", "trial_number", "rung", RUNG),
    *("eval_loss", "elapsed_seconds", "reported_at", "checkpoint"),
)
"""What is decided by, beside the metrics, and what is refused where it names another trial's: a
sweep has ten thousands of reports, and a hundred columns of each, without the curves, are more of
memory and time than all else of a start."""


@dataclass(frozen=True)
class Standing:
    """Where a sweep stands.

    Attributes:
        proposals: Everything proposed so far, by run number: of each run its latest try.
        finished: How those of them that have a final row ended, by run number.
        rows: Their final rows, by run number, of those that ended before without the columns
            `config_json` and `environment_json`.
        halving: Early stopping with everything reported so far in its rungs.
        seconds: How long trials took up to their latest reports, in all; adopted ones took nothing.
        adopted: The numbers of the runs that were taken over from other sweeps.
    """

    proposals: Mapping[int, Proposal]
    finished: Mapping[int, RunResult]
    rows: Mapping[int, Row]
    halving: Halving
    seconds: float
    adopted: frozenset[int] = frozenset()


def standing(
    stored: StoredSweep, conclusions: Conclusions, halving: Halving | None = None
) -> Standing:
    """Reads where the sweep stands and concludes the trials that had ended.

    Args:
        stored: The sweep.
        conclusions: Writes the final rows that are missing.
        halving: Early stopping as it stands, where this process has decided so far; None fills it
            from the reports and verdicts.
    """
    compared_by = stored.sweep.compared_by
    proposed = ProposalLog(stored.files).read()
    trials = index.trials(stored.address, stored.id, columns=_OF_TRIALS).to_pylist()
    ended = {int(row["trial_number"]): row for row in trials}
    _check(stored, ended)
    latest = latest_tries([*proposed, *ended])
    proposals = {run: proposed[number] for run, number in latest.items() if number in proposed}
    rows = {run: ended[number] for run, number in latest.items() if number in ended}
    reports: dict[int, list[Row]] = {}
    history: list[dict[str, Any]] = []
    decided_by = (compared_by, stored.sweep.objective.metric)
    columns = [*dict.fromkeys([*_OF_REPORTS, *decided_by])]
    for row in in_order(index.reports(stored.address, stored.id, columns=columns).to_pylist()):
        number = int(row["trial_number"])
        reports.setdefault(number, []).append(row)
        # Of a run that is tried again no earlier try is compared with: it would count twice.
        if number in proposed and latest[run_number(number)] == number:
            history.append(
                {
                    "trial_id": row["trial_id"],
                    RUNG: row[RUNG],
                    "value": row[compared_by],
                    "eval_loss": row["eval_loss"],
                    "number": number,
                }
            )
    verdicts = VerdictLog(stored.files)
    _add_verdicts(history, verdicts.read(), ended)
    taken_over = AdoptionLog(stored.files)
    adopted = {run.proposal.trial_number: run for run in taken_over.read().runs}
    halving = halving or Halving(stored.sweep, len(taken_over.numbering(stored.sweep)))
    # Those that were taken over come first, as they did when the sweep began.
    for _, proposal in sorted(
        proposals.items(), key=lambda each: (each[0] not in adopted, each[0])
    ):
        if not proposal.confirms:
            group = compared_with(stored.sweep, proposal)
            halving.enter(stored.trial_id(proposal.trial_number), group)
    replay(halving, history)
    for run in rows:
        if run < CONFIRMING:
            halving.enter(stored.trial_id(latest[run]), None)  # where no proposal is on record
            halving.leave(stored.trial_id(latest[run]))
    halving.settle(verdicts.write)
    _check_complete(stored, ended, reports)
    finished = {
        run: run_result(row["outcome"], reports.get(latest[run], []), stored.sweep)
        for run, row in rows.items()
    }
    undecided = True
    while undecided:  # a trial that has failed is waited for no more, which stops others
        for run, proposal in proposals.items():
            if run not in rows:
                identifier = stored.trial_id(proposal.trial_number)
                concluded = conclusions.conclude(proposal, stopped=halving.stops(identifier))
                if concluded is not None:
                    rows[run], finished[run] = concluded
                    halving.leave(identifier)
        undecided = bool(halving.settle(verdicts.write))
    seconds = math.fsum(
        of_trial[-1]["elapsed_seconds"] or 0.0
        for number, of_trial in reports.items()
        if not _is_adopted(number, of_trial[-1], adopted, ended)
    )
    return Standing(proposals, finished, rows, halving, seconds, frozenset(adopted))


def _is_adopted(
    number: int, last: Row, adopted: Mapping[int, AdoptedRun], rows: Mapping[int, Row]
) -> bool:
    """Returns whether all that a trial has reported was reported in another sweep."""
    if number in rows:
        return rows[number]["adopted_from"] is not None
    return number in adopted and last[RUNG] == adopted[number].reached


def _add_verdicts(
    history: Sequence[dict[str, Any]], verdicts: Verdicts, rows: Mapping[int, Row]
) -> None:
    """Says of each report whether its trial was stopped there; None where that is not known.

    Where no verdict is stored, as by earlier versions, what happened to the trial tells most: it
    went on if it reported again or ended otherwise.
    """
    last = {report["trial_id"]: report for report in history}
    for report in history:
        stopped = verdicts.get((report["trial_id"], report[RUNG]))
        if stopped is None and report is not last[report["trial_id"]]:
            stopped = False
        if stopped is None and report["number"] in rows:
            stopped = rows[report["number"]]["outcome"] == "stopped"
        report["stopped"] = stopped


def _check(stored: StoredSweep, rows: Mapping[int, Row]) -> None:
    """Refuses final rows that are not of this sweep's trials."""
    for number, row in rows.items():
        if row["trial_id"] != stored.trial_id(number):
            file = stored.store.place.name(keys.trial_key(stored.id, row["trial_id"]))
            raise DamagedError(
                f"{file} says that it is of the trial {number}, whose id is"
                f" {stored.trial_id(number)}; move the file out of the store."
            )


def _check_complete(
    stored: StoredSweep, rows: Mapping[int, Row], reports: Mapping[int, Sequence[Row]]
) -> None:
    """Refuses final rows without the reports that precede them: a store that was copied in part."""
    for number, row in rows.items():
        there = {report["rung"] for report in reports.get(number, ())}
        count = 0 if row["last_rung"] is None else row["last_rung"] + 1
        if count > len(there) or not there.issuperset(range(count)):
            folder = stored.store.place.name(keys.report_folder(stored.id, row["trial_id"]))
            raise DamagedError(
                f"The trial {row['trial_id']} has its final row, but not all of its"
                f" {row['last_rung'] + 1} reports under {folder}; copy the whole store, or start"
                " another sweep with --new."
            )


def in_order(reports: Sequence[Row]) -> list[Row]:
    """Returns the reports of a sweep in the order in which they came, a trial's by rung.

    The time is that of the trial's machine, and the next attempt may be on another one whose clock
    is behind: a report is no earlier than its trial's previous one. Equal times are told apart by
    trial number, so that the order is the same at every start.
    """
    latest: dict[int, datetime.datetime] = {}
    timed: list[tuple[datetime.datetime, int, int, Row]] = []
    for row in sorted(reports, key=lambda row: int(row["rung"])):
        number, at = int(row["trial_number"]), row["reported_at"]
        latest[number] = max(at, latest.get(number, at))
        timed.append((latest[number], number, int(row["rung"]), row))
    return [row for *_, row in sorted(timed, key=lambda each: each[:3])]
