"""The trials of one sweep as tools show them, read from the store at the time of asking."""

from __future__ import annotations

from pathlib import Path

from orchestrator.search.identity import trial_id
from orchestrator.search.proposals import Proposal
from orchestrator.search_space.membership import parameters_of
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.sweep_files import found
from orchestrator.store import Store, reader
from orchestrator.store.rows import Row
from orchestrator.tracking.run_record import Identity, Run, run
from trainables.techniques.registry import complete


class StoredRuns:
    """The trials of one sweep, of a store or of a compacted copy."""

    def __init__(self, root: Path, sweep_id: str) -> None:
        """Opens the sweep; nothing is read yet.

        Args:
            root: Folder of the store.
            sweep_id: The sweep.
        """
        self.root = root.absolute()
        self.sweep_id = sweep_id
        self._store = Store(root)
        self._told: dict[str, Identity] = {}
        self._finals: dict[str, Row] = {}
        self._proposals: dict[str, Proposal] | None = None

    def tell(self, identity: Identity) -> None:
        """Notes what a trial is that may have no row yet."""
        self._told[identity.trial_id] = identity

    def all(self) -> list[str]:
        """Returns the ids of the trials that have a row, by trial number.

        Raises:
            StoreError: The store cannot be read.
        """
        numbers: dict[str, int] = {}
        for row in reader.trials(self.root, self.sweep_id).to_pylist():
            self._finals[row["trial_id"]] = row
            numbers[row["trial_id"]] = row["trial_number"]
        seen = reader.reports(self.root, self.sweep_id).select(["trial_id", "trial_number"])
        numbers |= {row["trial_id"]: row["trial_number"] for row in seen.to_pylist()}
        return sorted(numbers, key=lambda name: numbers[name])

    def run(self, trial: str) -> Run:
        """Returns a trial as it is now.

        Raises:
            StoreError: The store cannot be read.
        """
        # Before the reports, all of which are there when the final row is.
        final = self._finals.get(trial) or self._store.trial(self.sweep_id, trial)
        reports = reader.reports(self.root, self.sweep_id, trial_ids=[trial]).to_pylist()
        return run(self.root, self.sweep_id, self._identity(trial, final), reports, final)

    def _identity(self, trial: str, final: Row | None) -> Identity:
        if trial in self._told:
            return self._told[trial]
        if final is not None:  # which says it all
            return Identity(trial)
        if self._proposals is None:
            self._proposals = self._proposed()
        if trial not in self._proposals:
            return Identity(trial)
        proposal = self._proposals[trial]
        given = proposal.configuration
        technique = str(given["technique"])
        parameters = {"technique": technique, **complete(technique, parameters_of(given))}
        if "data_size" in given:
            parameters["data_size"] = given["data_size"]
        parameters["replicate"] = proposal.replicate
        return Identity(trial, {"technique": technique}, parameters)

    def _proposed(self) -> dict[str, Proposal]:
        """Returns what was to run, by trial id; a compacted copy does not know."""
        files = found(self.root, self.sweep_id)
        known = {} if files is None else ProposalLog(files).read()
        return {trial_id(self.sweep_id, number): each for number, each in known.items()}
