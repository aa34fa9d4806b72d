"""Where a sweep stands, read from what it stored.

At every start the proposals, the final rows and the reports are read; trials that had ended without
anybody to write their final row get it now; early stopping's rungs are filled by replaying the
reports in the order in which they came. Ray's own state is never read.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.outcomes.conclusions import Conclusions, RunResult, run_result
from orchestrator.search.halving import RUNG, TechniqueHalving
from orchestrator.search.identity import trial_id
from orchestrator.search.proposals import Proposal, ProposalBook
from orchestrator.search_space import Sweep
from orchestrator.store import Store, index
from orchestrator.store.rows import Row


@dataclass(frozen=True)
class Standing:
    """Where a sweep stands.

    Attributes:
        proposals: Everything proposed so far, by trial number.
        finished: How the trials with a final row ended, by trial number.
        rows: Their final rows.
        halving: Early stopping with everything reported so far in its rungs.
        seconds: How long trials took up to their latest reports, in all.
    """

    proposals: Mapping[int, Proposal]
    finished: Mapping[int, RunResult]
    rows: Mapping[int, Row]
    halving: TechniqueHalving
    seconds: float


def standing(
    sweep: Sweep,
    sweep_id: str,
    store: Store,
    conclusions: Conclusions,
    halving: TechniqueHalving | None = None,
) -> Standing:
    """Reads where the sweep stands and concludes the trials that had ended.

    Args:
        sweep: The resolved search space file.
        sweep_id: The sweep.
        store: Where it is stored.
        conclusions: Writes the final rows that are missing.
        halving: Early stopping as it stands, where this process has decided so far: trials side by
            side were told to it in an order that a replay could not know. It keeps its verdicts,
            and gives those on reports that never reached it.
    """
    metric = sweep.objective.metric
    proposals = ProposalBook(store, sweep_id).read()
    rows = {int(row["trial_number"]): row for row in index.trials(store.root, sweep_id).to_pylist()}
    reports: dict[int, list[Row]] = {}
    history: list[dict[str, Any]] = []
    for row in in_order(index.reports(store.root, sweep_id).to_pylist()):
        number = int(row["trial_number"])
        reports.setdefault(number, []).append(row)
        if number in proposals:
            history.append(
                {
                    "trial_id": row["trial_id"],
                    "technique": proposals[number].configuration["technique"],
                    RUNG: row[RUNG],
                    "objective": row[metric],
                }
            )
    halving = halving or TechniqueHalving(sweep)
    stopped = halving.replay(history)
    finished = {
        number: run_result(row["outcome"], reports.get(number, []), metric)
        for number, row in rows.items()
    }
    for number, proposal in proposals.items():
        if number not in rows:
            concluded = conclusions.conclude(
                proposal, stopped=trial_id(sweep_id, number) in stopped
            )
            if concluded is not None:
                rows[number], finished[number] = concluded
    seconds = math.fsum(of_trial[-1]["elapsed_seconds"] or 0.0 for of_trial in reports.values())
    return Standing(proposals, finished, rows, halving, seconds)


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
