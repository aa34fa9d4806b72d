"""What a sweep runs: configurations, each under its seeds, by number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.search.identity import confirming_seed
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.tries import run_number
from orchestrator.search_space import Sweep
from orchestrator.search_space.strata import stratum_name
from trainables.contract.configuration import TrialConfiguration
from trainables.techniques.registry import complete, is_untuned

CONFIRMING = 1_000_000
"""The trial number of the first confirming run: beyond every run of a search."""


@dataclass(frozen=True)
class Proposal:
    """One run: a configuration under one seed.

    Attributes:
        trial_number: Counts the runs of the sweep from 0; the untuned baseline, if any, is 0.
            Confirming runs count from `CONFIRMING`. A further try at a run that failed has a number
            of its own; see `orchestrator.search.tries`.
        configuration_number: Counts the configurations from 0; None for the baseline and for
            confirming runs, which are no part of the search.
        replicate: Which of the configuration's seeds, from 0.
        configuration: Technique, data size and the parameters as sampled or given.
    """

    trial_number: int
    configuration_number: int | None
    replicate: int
    configuration: Configuration

    @property
    def confirms(self) -> bool:
        """Whether it confirms what the search has chosen."""
        return self.run_number >= CONFIRMING

    @property
    def run_number(self) -> int:
        """The trial number of the first try at this run."""
        return run_number(self.trial_number)


def phase(sweep: Sweep, proposal: Proposal) -> str:
    """Returns what a run is for: `baseline`, `point`, `tune` or `confirm`."""
    if proposal.confirms:
        return "confirm"
    if proposal.configuration_number is None:
        return "baseline"
    return "point" if proposal.configuration_number < len(sweep.points) else "tune"


def stratum(sweep: Sweep, proposal: Proposal) -> str | None:
    """Returns the name of the stratum that a run is in; None for a point and the baseline."""
    if phase(sweep, proposal) not in ("tune", "confirm"):
        return None
    values = sweep.stratum_of(proposal.configuration)
    return None if values is None else stratum_name(values)


def confirming_runs(sweep: Sweep) -> int:
    """Returns how many confirming runs there are at most."""
    confirm = sweep.confirm
    if confirm is None:
        return 0
    found = len(sweep.strata) + len(sweep.points) if sweep.strata else sweep.configurations
    return min(confirm.configurations, found) * confirm.runs_of_each


class Numbering:
    """Which run has which trial number: baseline, points, then what the search proposes.

    A longer sweep continues a shorter one's numbers, since only the last part grows.
    """

    def __init__(self, sweep: Sweep, beyond: Iterable[int | None] = ()) -> None:
        """Numbers the runs of a sweep.

        Args:
            sweep: The resolved search space file.
            beyond: Numbers of configurations that belong to it too, though they may lie beyond its
                number of trials: those that were taken over from other sweeps.
        """
        self._baseline = sweep.baseline
        self._points = len(sweep.points)
        self._each = sweep.replicates
        # An untuned model gives the same numbers under every seed.
        points = (1 if is_untuned(point) else sweep.replicates for point in sweep.points)
        self._replicates = [*points, *[sweep.replicates] * sweep.trials]
        own = len(self._replicates)
        self._beyond = sorted({number for number in beyond if number is not None and number >= own})

    def __iter__(self) -> Iterator[tuple[int, int | None, int]]:
        """Yields (trial number, configuration number, replicate), by trial number."""
        if self._baseline:
            yield 0, None, 0
        trial_number = int(self._baseline)
        for number, replicates in enumerate(self._replicates):
            for replicate in range(replicates):
                yield trial_number, number, replicate
                trial_number += 1
        for number in self._beyond:
            for replicate in range(self._each):
                yield self.trial_number(number, replicate), number, replicate

    def __len__(self) -> int:
        """Returns how many runs there are."""
        return int(self._baseline) + sum(self._replicates) + len(self._beyond) * self._each

    def replicates(self, configuration_number: int) -> int:
        """Returns under how many seeds a configuration runs, also of one beyond the sweep's."""
        if configuration_number < len(self._replicates):
            return self._replicates[configuration_number]
        return self._each

    def trial_number(self, configuration_number: int, replicate: int) -> int:
        """Returns the number of a run, also of one beyond the sweep's."""
        points = min(configuration_number, self._points)
        searched = self._each * (configuration_number - points)
        return int(self._baseline) + sum(self._replicates[:points]) + searched + replicate


def trial_configuration(sweep: Sweep, proposal: Proposal) -> TrialConfiguration:
    """Returns what the trial is to do, with every default of its technique filled in.

    Replicate r of every configuration has the same seed, so that configurations are compared under
    common random numbers. A confirming run has a seed of its own: one that nobody has chosen by.
    Where runs are confirmed, those that are chosen from do not see the test rows.
    """
    given = dict(proposal.configuration)
    technique = str(given.pop("technique"))
    data_size = given.pop("data_size", 0)
    assert isinstance(data_size, int)  # the search space file is checked
    given.pop("epochs", None)
    return TrialConfiguration(
        technique=technique,
        parameters=complete(technique, given),
        data_size=data_size,
        budget_examples=sweep.budget_examples(proposal.configuration),
        seed=confirming_seed(sweep.seed, proposal.configuration, proposal.replicate)
        if proposal.confirms
        else sweep.seed + proposal.replicate,
        data_seed=sweep.seed,
        base_model=sweep.base_model,
        base_model_revision=sweep.base_model_revision,
        dataset=sweep.dataset,
        dataset_revision=sweep.dataset_revision,
        split_by=sweep.split_by,
        columns={} if sweep.columns is None else sweep.columns.given(),
        databases=sweep.databases,
        bad_rows=sweep.bad_rows,
        validation_rows=sweep.evaluation.validation_rows,
        test_rows=sweep.evaluation.test_rows,
        tested=sweep.confirm is None or phase(sweep, proposal) in ("baseline", "confirm"),
        protocol=sweep.evaluation.protocol,
        scored_rungs="all" if sweep.scores_every_rung else "last",
        source_tokens=sweep.lengths.source,
        target_tokens=sweep.lengths.target,
    )


def rungs(sweep: Sweep, configuration: TrialConfiguration) -> tuple[int, ...]:
    """Returns the numbers of examples after which the trial reports; the last is its budget."""
    return sweep.rungs(configuration.budget_examples)
