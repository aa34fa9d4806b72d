"""What the sweep decided to run, written down before it runs.

A proposal is published before its trial starts, so that whatever happens afterwards the same trial
number means the same trial.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from orchestrator.search.identity import configuration_id
from orchestrator.search.proposals import Proposal
from orchestrator.state.sweep_files import SweepFiles


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
        """Returns every proposal on record, by trial number."""
        folder = self._files.proposals_key
        paths = sorted((self._files.store.root / folder).glob("*.json"))
        proposals = (self._read(f"{folder}/{path.name}") for path in paths)
        return {proposal.trial_number: proposal for proposal in proposals}

    def _read(self, key: str) -> Proposal:
        record = json.loads((self._files.store.root / key).read_text())
        return Proposal(**{f.name: record[f.name] for f in dataclasses.fields(Proposal)})
