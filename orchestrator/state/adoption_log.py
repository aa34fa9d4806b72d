"""Which runs of other sweeps a sweep has taken over: one immutable list, made at its first start.

Runs that are made elsewhere later do not change the sweep. The record also says how its own trials
are stopped, so that a later sweep knows which of its verdicts stand.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from orchestrator.search.adoption import AdoptedRun, Adoption, Source, StoppingRule
from orchestrator.search.identity import configuration_id
from orchestrator.search.proposals import Numbering, Proposal
from orchestrator.search_space import Sweep
from orchestrator.state.records import damaged, read_record
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store.keys import check_id

_WHAT = "the record of what was adopted"
_REMEDY = "put it back from a copy of the store, or start another sweep with --new"

NOTHING = Adoption((), {})


class AdoptionLog:
    """The record of one sweep, `state/sweep=<sweep_id>/adopted.json`."""

    def __init__(self, files: SweepFiles) -> None:
        """Opens the log; nothing is written before `begin`."""
        self._files = files

    def begin(self, adoption: Adoption, rule: StoppingRule) -> Adoption:
        """Writes the list down and returns what is on record.

        Only the process that holds the sweep may. Of a sweep that has not begun an earlier list
        binds nobody.

        Args:
            adoption: What is to be taken over.
            rule: How the sweep's trials are stopped.

        Raises:
            DamagedError: What is on record is none.
            StoreError: It could not be stored.
        """
        if not self._files.has_begun():
            self._files.place.delete(self._files.adopted_key)
        record = {
            "runs": [dataclasses.asdict(run) for run in adoption.runs],
            "confirming": {
                name: dataclasses.asdict(source) for name, source in adoption.confirming.items()
            },
            "stopping": dataclasses.asdict(rule),
        }
        data = json.dumps(record, sort_keys=True, indent=1).encode()
        self._files.store.put_if_absent(self._files.adopted_key, data)
        return self.read()

    def read(self) -> Adoption:
        """Returns what the sweep has taken over; nothing where there is no record.

        Raises:
            DamagedError: The record is none; names it and the remedy.
        """
        record = self._record()
        if record is None:
            return NOTHING
        try:
            runs = tuple(_run(each) for each in record["runs"])
            confirming = {name: _source(each) for name, each in record["confirming"].items()}
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._damaged() from error
        return Adoption(runs, confirming)

    def numbering(self, sweep: Sweep) -> Numbering:
        """Returns the numbers of the sweep's runs, those that it has taken over included.

        Raises:
            DamagedError: As `read`.
        """
        return Numbering(sweep, (run.proposal.configuration_number for run in self.read().runs))

    def rule(self) -> StoppingRule | None:
        """Returns how the sweep's trials are stopped; None where that is not on record.

        Raises:
            DamagedError: As `read`.
        """
        record = self._record()
        try:
            return None if record is None else StoppingRule(**record["stopping"])
        except (LookupError, TypeError) as error:
            raise self._damaged() from error

    def _record(self) -> dict[str, Any] | None:
        return read_record(self._files.place, self._files.adopted_key, _WHAT, _REMEDY)

    def _damaged(self) -> Exception:
        return damaged(self._files.place.name(self._files.adopted_key), _WHAT, _REMEDY)


def _run(values: Mapping[str, Any]) -> AdoptedRun:
    proposal = Proposal(**values["proposal"])
    configuration_id(proposal.configuration)
    numbers = (proposal.trial_number, proposal.replicate, values["reached"] or 0)
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("a number is none")
    return AdoptedRun(
        proposal, _source(values["source"]), values["reached"], bool(values["undecided"])
    )


def _source(values: Mapping[str, Any]) -> Source:
    source = Source(**values)
    check_id(source.sweep_id)
    check_id(source.trial_id)
    return source
