"""What was chosen to be confirmed, written down before its first run.

What stands there is never chosen anew: the test rows would then have been chosen on. A sweep whose
search has gone on, or whose `confirm` has changed, gets a further record; runs of the same
configurations count for both.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.search.identity import configuration_id
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import CONFIRMING, Proposal
from orchestrator.search_space.confirm_rules import seeds_around
from orchestrator.state.records import damaged, read_record
from orchestrator.state.sweep_files import SweepFiles

_WHAT = "a record of what is confirmed"
_REMEDY = "put it back from a copy of the store, or start another sweep with --new"


@dataclass(frozen=True)
class Choice:
    """A configuration that is to be confirmed, and why.

    Attributes:
        configuration: What is trained again.
        tuned: Id of the trial that led to it: the best of its stratum.
        reason: `best`, `best of its stratum`, `optimum of its stratum` or `beside it`.
        searched: The range that its rate was searched in, where rates around it are trained, too.
        beside: Whether it is one of those around a chosen one, with whose `tuned` it goes.
    """

    configuration: Configuration
    tuned: str
    reason: str
    searched: tuple[float, float] | None = None
    beside: bool = False


@dataclass(frozen=True)
class Confirmed:
    """A choice with its runs.

    Attributes:
        choice: What is confirmed.
        trials: The numbers of its runs, one a seed.
    """

    choice: Choice
    trials: tuple[int, ...]


@dataclass(frozen=True)
class Terms:
    """What a choice depends on beside scores; a sweep whose terms have changed chooses again.

    Attributes:
        ask: What the sweep asks about.
        tried: Number of runs of the search that are chosen from.
        seeds: Under how many seeds each choice runs.
        most: How many choices there is room for.
        mended: Number of those runs that had failed and, tried again, did not.
        around: Decades from each choice at which its combination is trained, too.
    """

    ask: tuple[str, ...]
    tried: int
    seeds: int
    most: int
    mended: int = 0
    around: tuple[float, ...] = ()

    @property
    def seeds_around(self) -> int:
        """Under how many seeds each of those around a choice runs."""
        return seeds_around(self.seeds)


@dataclass(frozen=True)
class Optima:
    """What is unknown of the choices where each is to be the optimum of its combination.

    Attributes:
        missing: Second moments of what they score less than their optima, in units of the objective
            squared; as many rows and columns as there are choices.
        degrees: Degrees of freedom of that.
    """

    missing: list[list[float]]
    degrees: int


@dataclass(frozen=True)
class Confirmation:
    """One record: what was chosen.

    Attributes:
        terms: On which terms.
        confirmed: The choices, the one that tuning found best first.
        optima: What is unknown of them as optima; or a clause that says why none are known, and
            the choices are the best that were tried.
    """

    terms: Terms
    confirmed: tuple[Confirmed, ...]
    optima: Optima | str

    @property
    def runs(self) -> list[Proposal]:
        """Its runs: every configuration under its first seed, then under the second, and so on."""
        runs = [
            Proposal(number, None, replicate, each.choice.configuration)
            for each in self.confirmed
            for replicate, number in enumerate(each.trials)
        ]
        return sorted(runs, key=lambda run: (run.replicate, run.trial_number))


class ConfirmationLog:
    """The records of one sweep, in `state/sweep=<sweep_id>/confirmations/`, one JSON file each."""

    def __init__(self, files: SweepFiles) -> None:
        """Opens the log; nothing is written before something is chosen."""
        self._files = files

    def write(self, terms: Terms, choices: Sequence[Choice], optima: Optima | str) -> Confirmation:
        """Numbers the runs of what is chosen and writes it down.

        Args:
            terms: On which terms.
            choices: The best by tuning first.
            optima: As of `Confirmation`.

        Returns:
            What is on record, which is somebody else's if that was there first.
        """
        known: dict[str, tuple[int, ...]] = {}
        following = CONFIRMING
        records = self.read()
        for record in records:
            for each in record.confirmed:
                name = configuration_id(each.choice.configuration)
                known[name] = max(known.get(name, ()), each.trials, key=len)
                following = max(following, *(number + 1 for number in each.trials))
        confirmed = []
        for choice in choices:
            seeds = terms.seeds_around if choice.beside else terms.seeds
            there = known.get(configuration_id(choice.configuration), ())[:seeds]
            new = range(following, following + seeds - len(there))
            following = max(following, new.stop)
            confirmed.append(Confirmed(choice, (*there, *new)))
        confirmation = Confirmation(terms, tuple(confirmed), optima)
        key = self._key(len(records))
        data = json.dumps(dataclasses.asdict(confirmation), sort_keys=True, indent=1).encode()
        self._files.store.put_if_absent(key, data)
        return self._read(key) or confirmation

    def read(self) -> list[Confirmation]:
        """Returns every record, the first one first.

        Raises:
            DamagedError: A file among them is none; names it and the remedy.
        """
        records: list[Confirmation] = []
        while (record := self._read(self._key(len(records)))) is not None:
            records.append(record)
        return records

    def latest(self) -> Confirmation | None:
        """Returns the last record, None before there is one."""
        records = self.read()
        return records[-1] if records else None

    def _key(self, index: int) -> str:
        return f"{self._files.confirmations_key}/{index:04d}.json"

    def _read(self, key: str) -> Confirmation | None:
        name = self._files.place.name(key)
        record = read_record(self._files.place, key, _WHAT, _REMEDY)
        if record is None:
            return None
        try:
            confirmed = tuple(
                Confirmed(_choice(each["choice"]), tuple(each["trials"]))
                for each in record["confirmed"]
            )
            terms = Terms(
                **record["terms"]
                | {
                    "ask": tuple(record["terms"]["ask"]),
                    "around": tuple(record["terms"].get("around", ())),
                }
            )
            optima = record["optima"]
            if not isinstance(optima, str):
                optima = Optima(**optima)
            confirmation = Confirmation(terms, confirmed, optima)
        except (LookupError, TypeError) as error:
            raise damaged(name, _WHAT, _REMEDY) from error
        _check(name, confirmation)
        return confirmation


def _choice(record: dict[str, Any]) -> Choice:
    searched = record.get("searched")
    return Choice(**record | {"searched": None if searched is None else tuple(searched)})


def _check(name: str, confirmation: Confirmation) -> None:
    """Refuses a record whose parts are not what they should be."""
    terms = confirmation.terms
    fine = all(type(count) is int and count > 0 for count in (terms.tried, terms.seeds, terms.most))
    fine = fine and type(terms.mended) is int
    fine = fine and all(isinstance(name, str) for name in terms.ask)
    fine = fine and all(isinstance(each, int | float) for each in terms.around)
    fine = fine and _is_square(confirmation.optima, len(confirmation.confirmed))
    for each in confirmation.confirmed:
        fine = fine and all(type(n) is int and n >= CONFIRMING for n in each.trials)
        fine = fine and isinstance(each.choice.tuned, str) and type(each.choice.beside) is bool
        fine = fine and _is_range(each.choice.searched)
        try:
            configuration_id(each.choice.configuration)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise damaged(name, _WHAT, _REMEDY) from error
    if not fine:
        raise damaged(name, _WHAT, _REMEDY)


def _is_range(searched: tuple[float, float] | None) -> bool:
    if searched is None:
        return True
    fine = len(searched) == 2 and all(isinstance(each, int | float) for each in searched)
    return fine and 0 < searched[0] < searched[1] < math.inf


def _is_square(optima: Optima | str, size: int) -> bool:
    if isinstance(optima, str):
        return True
    rows = optima.missing
    whole = type(optima.degrees) is int and isinstance(rows, list) and len(rows) == size
    return whole and all(
        isinstance(row, list)
        and len(row) == size
        and all(isinstance(value, int | float) and math.isfinite(value) for value in row)
        for row in rows
    )
