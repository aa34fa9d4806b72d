"""Which runs of other sweeps a new sweep takes over: those that it would train to the same numbers.

All of them that lie inside its space, however they ended: a choice by score would bias what is
learnt from them. They are told to the search and to early stopping before anything new. What is not
proposed by chance (the baseline, points, a grid) keeps its own number; the others take the numbers
that the search deals to their strata, in the order in which they were proposed, so that what is
left evens the strata out.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.search.content import Content, content_id
from orchestrator.search.halving import RUNG, compared_with
from orchestrator.search.identity import configuration_id
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import (
    CONFIRMING,
    Numbering,
    Proposal,
    rungs,
    trial_configuration,
)
from orchestrator.search.study import fixed_configurations
from orchestrator.search.tries import TRIED_AGAIN
from orchestrator.search_space import Sweep
from orchestrator.search_space.membership import drawn
from orchestrator.store.rows import Row
from orchestrator.store.schema import CONFIRM
from trainables.techniques.registry import BASELINE

_HALVED = "micro_batch_size"
"""What a lack of memory changes of a configuration that is on record, and of no number."""


@dataclass(frozen=True)
class Source:
    """The trial whose rows are taken over.

    Attributes:
        sweep_id: Its sweep.
        trial_id: Its id.
    """

    sweep_id: str
    trial_id: str


@dataclass(frozen=True)
class StoppingRule:
    """What a verdict rests on beside the group that a trial is compared in.

    Attributes:
        by: The metric that is compared.
        reduction_factor: The share that goes on is one over it; None where nothing is stopped.
        cohorts: Whether a few trials at a time wait for each other, or all of a group.
    """

    by: str
    reduction_factor: float | None
    cohorts: bool

    @classmethod
    def of(cls, sweep: Sweep) -> StoppingRule:
        """Returns the rule of a sweep."""
        factor = None if sweep.stopping is None else sweep.stopping.reduction_factor
        cohorts = sweep.search.method == "tpe"
        return cls(sweep.compared_by, None if factor is None else float(factor), cohorts)


@dataclass(frozen=True)
class AdoptedRun:
    """A run of the search that was trained in another sweep.

    Attributes:
        proposal: What it is here.
        source: Where it was trained, or has been taken over already.
        reached: The examples at its last report; None without one.
        undecided: Whether it was stopped there by another rule: its reports are taken over, and
            this sweep's own early stopping says whether it is trained on.
    """

    proposal: Proposal
    source: Source
    reached: int | None
    undecided: bool


@dataclass(frozen=True)
class Adoption:
    """What a sweep takes over.

    Attributes:
        runs: Of the search, by trial number.
        confirming: Content id -> a confirming run, which nothing was chosen by, should this sweep
            come to confirm the same.
    """

    runs: tuple[AdoptedRun, ...]
    confirming: Mapping[str, Source]


COLUMNS = (
    *("sweep_id", "trial_id", "trial_number", "content_id", "adopted_from", "phase", "stratum"),
    *("technique", "seed", "outcome", "last_rung", "config_json", "meteor_synonyms"),
)
"""Of final rows, what is looked at here."""


def adoption(
    sweep: Sweep,
    content: Content,
    rows: Iterable[Row],
    reports: Callable[[Sequence[Source]], Mapping[Source, Sequence[Row]]],
    rules: Mapping[str, StoppingRule],
) -> Adoption:
    """Returns what a new sweep takes over of what is stored.

    Args:
        sweep: The resolved search space file.
        content: What its runs depend on.
        rows: Final rows of other sweeps, with `COLUMNS`.
        reports: Gives the reports of trials, by rung.
        rules: Sweep id -> how its trials were stopped, where that is on record.
    """
    searched: dict[str, Row] = {}
    confirmed: dict[str, Row] = {}
    for row in sorted(rows, key=_preference):
        if row["content_id"] is not None:
            found = confirmed if row["phase"] == CONFIRM else searched
            found.setdefault(row["content_id"], row)
    pairs = _runs(sweep, content, searched)
    reported = reports([_source(row) for _, row in pairs])
    whole = [(proposal, row) for proposal, row in pairs if _is_whole(row, reported)]
    runs = [
        AdoptedRun(
            proposal,
            _source(row),
            _reached(reported.get(_source(row), ())),
            _is_undecided(sweep, proposal, row, rules.get(row["sweep_id"])),
        )
        for proposal, row in whole
    ]
    return Adoption(
        tuple(sorted(runs, key=lambda run: run.proposal.trial_number)),
        {
            name: _source(row)
            for name, row in confirmed.items()
            if _confirming_id(sweep, content, row) == name
        },
    )


def describe(sweep: Sweep, adopted: Sequence[AdoptedRun]) -> str:
    """Returns what is taken over and what is left, in words.

    Args:
        sweep: The resolved search space file.
        adopted: Runs of the search.
    """
    whole = [run for run in adopted if not run.undecided]
    left = len(Numbering(sweep, (run.proposal.configuration_number for run in adopted)))
    undecided = len(adopted) - len(whole)
    left -= len(adopted)
    sources = sorted(Counter(run.source.sweep_id for run in whole).items())
    listed = [
        f"{count:,}{_runs_of(count) if not index else ''} of {name}"
        for index, (name, count) in enumerate(sources)
    ]
    said = " and ".join(
        [", ".join(listed[:-1]), listed[-1]] if listed[1:] else listed or ["No run"]
    )
    words = f"{said} {_are(len(whole))} adopted; {left:,} {_are(left)} left"
    if undecided:
        words += (
            f"; {undecided:,} that {_were(undecided)} stopped by another rule {_are(undecided)}"
        )
        words += " decided on here"
    return words


def _runs_of(count: int) -> str:
    return " run" if count == 1 else " runs"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _preference(row: Row) -> tuple[bool, int, bool, str, int]:
    """Orders the trials of one run: they have the same numbers, and one may have got further."""
    last = -1 if row["last_rung"] is None else int(row["last_rung"])
    failed = row["outcome"] in TRIED_AGAIN
    return failed, -last, row["adopted_from"] is not None, row["sweep_id"], row["trial_number"]


def _runs(
    sweep: Sweep, content: Content, searched: Mapping[str, Row]
) -> list[tuple[Proposal, Row]]:
    """Returns the runs of the search that are there, each with its row."""
    numbering, fixed = Numbering(sweep), fixed_configurations(sweep)
    numbered: Iterator[tuple[int, Configuration]] = enumerate(fixed)
    if sweep.space is not None and sweep.search.method != "grid":
        inside = _inside(sweep, content, searched.values())
        numbered = itertools.chain(numbered, _dealt(sweep, inside))
    if not searched:
        return []
    found = []
    if sweep.baseline:
        found.append(Proposal(0, None, 0, {"technique": BASELINE.name}))
    for number, configuration in numbered:
        for replicate in range(numbering.replicates(number)):
            trial = numbering.trial_number(number, replicate)
            if trial < CONFIRMING:
                found.append(Proposal(trial, number, replicate, configuration))
    named = ((proposal, _content_id(sweep, content, proposal)) for proposal in found)
    return [(proposal, searched[name]) for proposal, name in named if name and name in searched]


def _inside(sweep: Sweep, content: Content, rows: Iterable[Row]) -> list[Configuration]:
    """Returns the configurations that the search could propose, in the order of their proposal."""
    assert sweep.space is not None
    found: dict[str, Configuration] = {}
    known = {configuration_id(point) for point in sweep.points}
    for row in sorted(rows, key=lambda row: (row["sweep_id"], row["trial_number"])):
        for recorded in _recorded(row):
            values = drawn(sweep.space, recorded)
            if values is None or row["seed"] is None:
                continue
            size = values.pop("data_size")
            configuration = {"technique": recorded["technique"], "data_size": size, **values}
            tuned = Proposal(0, len(sweep.points), row["seed"] - sweep.seed, configuration)
            name = configuration_id(configuration)
            if name not in known and _content_id(sweep, content, tuned) == row["content_id"]:
                found.setdefault(name, configuration)
    return list(found.values())


def _dealt(
    sweep: Sweep, configurations: Sequence[Configuration]
) -> Iterator[tuple[int, Configuration]]:
    """Yields configurations, each with the number that the search would give it in its stratum."""
    places = {stratum.values: place for place, stratum in enumerate(sweep.strata)}
    turns = dict.fromkeys(places.values(), 0)
    first = len(sweep.points)
    for index, configuration in enumerate(configurations):
        if not places:
            yield first + index, configuration
            continue
        values = sweep.stratum_of(configuration)
        if values in places:
            place = places[values]
            yield first + place + len(places) * turns[place], configuration
            turns[place] += 1


def _content_id(sweep: Sweep, content: Content, proposal: Proposal) -> str | None:
    configuration = trial_configuration(sweep, proposal)
    return content_id(configuration, rungs(sweep, configuration), content)


def _confirming_id(sweep: Sweep, content: Content, row: Row) -> str | None:
    """Returns what a stored confirming run would be called here, under its seed."""
    if sweep.confirm is None or sweep.budget is None:
        return None
    for recorded in _recorded(row):
        configuration = dataclasses.replace(
            trial_configuration(sweep, Proposal(CONFIRMING, None, 0, recorded)), seed=row["seed"]
        )
        name = content_id(configuration, rungs(sweep, configuration), content)
        if name == row["content_id"]:
            return name
    return None


def _recorded(row: Row) -> Iterator[Configuration]:
    """Yields the whole configurations that a row may be of; none for a row that is damaged.

    The second is for one that lacked memory.
    """
    try:
        config = json.loads(row["config_json"])
        parameters = dict(config["parameters"])
        beside = {"technique": config["technique"], "data_size": int(config["data_size"])}
        configuration_id({**beside, **parameters})
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return
    yield {**beside, **parameters}
    if parameters.pop(_HALVED, None) is not None:
        yield {**beside, **parameters}


def _source(row: Row) -> Source:
    return Source(row["sweep_id"], row["trial_id"])


def _is_whole(row: Row, reported: Mapping[Source, Sequence[Row]]) -> bool:
    """Returns whether all reports of a trial are there: the store may have been copied in part."""
    count = 0 if row["last_rung"] is None else int(row["last_rung"]) + 1
    there = [int(report["rung"]) for report in reported.get(_source(row), ())]
    return there == list(range(count))


def _reached(reports: Sequence[Row]) -> int | None:
    return int(reports[-1][RUNG]) if reports else None


def _is_undecided(sweep: Sweep, proposal: Proposal, row: Row, rule: StoppingRule | None) -> bool:
    """Returns whether a run was stopped by another rule, or among another group."""
    if row["outcome"] != "stopped":
        return False
    return rule != StoppingRule.of(sweep) or _group_there(row) != compared_with(sweep, proposal)


def _group_there(row: Row) -> str:
    """Returns what `compared_with` returned for a trial in its own sweep."""
    dealt = row["phase"] == "tune" and row["stratum"]
    return f"{row['technique']} ({row['stratum']})" if dealt else str(row["technique"])
