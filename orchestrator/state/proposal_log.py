"""What the sweep decided to run, written down before it runs.

A proposal is published before its trial starts, so that whatever happens afterwards the same trial
number means the same trial.
"""

from __future__ import annotations

import dataclasses
import json
import re
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from orchestrator.search.identity import configuration_id
from orchestrator.search.proposals import Proposal
from orchestrator.search.tries import latest_tries
from orchestrator.state.records import damaged, read_record
from orchestrator.state.sweep_files import SweepFiles

_WHAT = "a proposal"


class ProposalLog:
    """The proposals of one sweep, in `state/sweep=<sweep_id>/proposals/`, one JSON file each."""

    def __init__(self, files: SweepFiles) -> None:
        """Opens the log; nothing is written before the first proposal."""
        self._files = files

    def write(self, proposal: Proposal) -> Proposal:
        """Publishes the proposal and returns what is on record, which is the earlier one if any."""
        record: dict[str, Any] = dataclasses.asdict(proposal) | {
            "trial_id": self._files.trial_id(proposal.trial_number),
            "configuration_id": configuration_id(proposal.configuration),
        }
        key = f"{self._files.proposals_key}/{proposal.trial_number:06d}.json"
        data = json.dumps(record, sort_keys=True, indent=1).encode()
        if self._files.store.put_if_absent(key, data):
            return proposal
        return self._read(key)

    def read(self) -> dict[int, Proposal]:
        """Returns every proposal on record, by trial number.

        Raises:
            DamagedError: A file among them is none; names it and the remedy.
        """
        proposals = self._files.place.each(self._keys(), self._read)
        return {proposal.trial_number: proposal for proposal in proposals}

    def latest_tries(self) -> dict[int, int]:
        """Returns the trial number of the latest try at each run on record, by run number.

        From the names of the files alone.
        """
        names = [PurePosixPath(key).stem for key in self._keys()]
        return latest_tries(int(name) for name in names if name.isdecimal())

    def _keys(self) -> list[str]:
        found = self._files.place.files(self._files.proposals_key, ".json", deep=False)
        return [file.key for file in found]

    def _read(self, key: str) -> Proposal:
        path = PurePosixPath(key)
        remedy = partial(self._remedy, path)
        record = read_record(self._files.place, key, _WHAT, remedy) or {}
        try:
            proposal = Proposal(**{f.name: record[f.name] for f in dataclasses.fields(Proposal)})
            number = proposal.trial_number
            names = (f"{number:06d}", self._files.trial_id(number))
            whole = (path.stem, record["trial_id"], record["configuration_id"]) == (
                *names,
                configuration_id(proposal.configuration),
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise damaged(self._files.place.name(key), _WHAT, remedy()) from error
        if not whole or not _is_count(number) or not _is_count(proposal.replicate):
            raise damaged(self._files.place.name(key), _WHAT, remedy())
        return proposal

    def _remedy(self, path: PurePosixPath) -> str:
        """Returns what to do: what was proposed cannot be told from what the trial did."""
        if not re.fullmatch(r"\d{6,9}", path.stem):
            return "move it away"
        trial = self._files.trial_id(int(path.stem))
        if self._files.store.reports(self._files.sweep_id, trial):
            return (
                f"its trial {trial} has reported, so put it back from a copy of the store, or start"
                " another sweep with --new"
            )
        return "remove it: its trial has not reported, and another one is proposed"


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0
