"""The runs of a sweep that are left: what is unfinished first, then what the study proposes.

The confirming runs have a queue of their own: they are a list, and nobody learns from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import Numbering, Proposal
from orchestrator.search.run_result import RunResult
from orchestrator.search.strata_study import study_of
from orchestrator.search_space import Sweep
from trainables.techniques.registry import BASELINE

_BASELINE: Configuration = {"technique": BASELINE.name}


Propose = Callable[[Proposal], Proposal | None]
"""Writes a proposal down, before its trial starts, and returns what is on record; None if it could
not, so that nothing more is to start."""


class Queue(Protocol):
    """The runs that are left."""

    @property
    def pauses(self) -> bool:
        """Whether runs wait for others at their rungs, and are handed out again."""

    def __len__(self) -> int:
        """Returns how many runs are not handed out."""

    def next(self) -> Proposal | None:
        """Returns the next run, which is on record; None if there is no other."""

    def resume(self, proposal: Proposal) -> None:
        """Takes back a run that has waited and is to go on; such runs are the next ones."""

    def put_back(self, proposal: Proposal) -> None:
        """Takes back a run that could not run where it was; it is the next one."""

    def ended(self, proposal: Proposal, result: RunResult) -> None:
        """Takes in how a run ended."""


class RunQueue:
    """Hands out runs one by one, and lets the study learn from how they ended."""

    def __init__(
        self,
        sweep: Sweep,
        on_record: Mapping[int, Proposal],
        finished: Mapping[int, RunResult],
        propose: Propose,
        waiting: Collection[int] = (),
        adopted: Collection[int] = (),
    ) -> None:
        """Rebuilds the study and lines up the runs that are left.

        Args:
            sweep: The resolved search space file.
            on_record: The proposals written down so far, by run number, of the latest try each.
            finished: The ends of those that have a final row, by run number.
            propose: Writes a proposal down.
            waiting: The run numbers of those on record that wait for others at a rung: they are not
                handed out before `resume`.
            adopted: The numbers of the runs that were taken over from other sweeps. The study
                hears of them first, at every start.
        """
        self._study = study_of(sweep)
        self._pauses = sweep.stopping is not None
        self._going_on: list[Proposal] = []
        self._propose = propose
        self._on_record = dict(on_record)
        taken_over = sorted(set(adopted) & self._on_record.keys())
        self._numbering = Numbering(
            sweep, (self._on_record[number].configuration_number for number in taken_over)
        )
        self._ended: dict[int, list[RunResult]] = {}
        self._configurations: dict[int, Configuration] = {}
        self._left: list[tuple[int, int | None, int]] = []
        for number in taken_over:
            proposal = self._on_record[number]
            if proposal.configuration_number is not None:
                self._configuration(proposal.configuration_number, proposal.configuration)
            if number in finished:
                self._learn(proposal.configuration_number, finished[number])
        for number, configuration, replicate in self._numbering:
            if number in self._on_record and configuration is not None and replicate == 0:
                self._configuration(configuration, self._on_record[number].configuration)
            if number in finished:
                if number not in adopted:
                    self._learn(configuration, finished[number])
            elif number not in waiting:
                self._left.append((number, configuration, replicate))
        self._left.sort(key=lambda run: (run[0] not in self._on_record, run[0]))

    @property
    def pauses(self) -> bool:
        """Whether runs wait for others at their rungs, and are handed out again."""
        return self._pauses

    def __len__(self) -> int:
        """Returns how many runs are not handed out."""
        return len(self._left) + len(self._going_on)

    def next(self) -> Proposal | None:
        """Returns the next run, which is on record; None if there is no other."""
        if self._going_on:
            return self._going_on.pop(0)
        if not self._left:
            return None
        number, configuration, replicate = self._left.pop(0)
        proposal = self._on_record.get(number)
        if proposal is not None:
            return proposal
        chosen = _BASELINE if configuration is None else self._configuration(configuration)
        if chosen is None:
            return None
        return self._propose(Proposal(number, configuration, replicate, chosen))

    def resume(self, proposal: Proposal) -> None:
        """Takes back a run that has waited and is to go on; such runs are the next ones."""
        self._going_on.append(proposal)

    def put_back(self, proposal: Proposal) -> None:
        """Takes back a run that could not run where it was; it is the next one."""
        self._going_on.insert(0, proposal)

    def ended(self, proposal: Proposal, result: RunResult) -> None:
        """Takes in how a run ended."""
        self._learn(proposal.configuration_number, result)

    def _configuration(
        self, number: int, known: Configuration | None = None
    ) -> Configuration | None:
        if number not in self._configurations:
            chosen = self._study.propose(number, known)
            if chosen is None:
                return None
            self._configurations[number] = chosen
        return self._configurations[number]

    def _learn(self, configuration: int | None, result: RunResult) -> None:
        if configuration is None:
            return
        ended = self._ended.setdefault(configuration, [])
        ended.append(result)
        if len(ended) == self._numbering.replicates(configuration):
            self._study.finish(configuration, ended)


class ConfirmingQueue:
    """Hands out the confirming runs that are left, in their order."""

    def __init__(
        self,
        runs: Sequence[Proposal],
        on_record: Mapping[int, Proposal],
        finished: Mapping[int, RunResult],
        propose: Propose,
    ) -> None:
        """Lines up the runs that are left.

        Args:
            runs: All of them.
            on_record: The proposals written down so far, by run number, of the latest try each.
            finished: The ends of those that have a final row, by run number.
            propose: Writes a proposal down.
        """
        left = (run for run in runs if run.run_number not in finished)
        self._left = [on_record.get(run.run_number, run) for run in left]
        self._propose = propose

    @property
    def pauses(self) -> bool:
        """Returns False: what confirms is compared with nothing."""
        return False

    def __len__(self) -> int:
        """Returns how many runs are not handed out."""
        return len(self._left)

    def next(self) -> Proposal | None:
        """Returns the next run, which is on record; None if there is no other."""
        return self._propose(self._left.pop(0)) if self._left else None

    def resume(self, proposal: Proposal) -> None:
        """Refuses: no run waits.

        Raises:
            AssertionError: Always.
        """
        raise AssertionError(f"the confirming run {proposal.trial_number} has waited")

    def put_back(self, proposal: Proposal) -> None:
        """Takes back a run that could not run where it was; it is the next one."""
        self._left.insert(0, proposal)

    def ended(self, proposal: Proposal, result: RunResult) -> None:
        """Does nothing: no study learns from confirming runs."""
