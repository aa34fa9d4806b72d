"""What a trial was configured with, and in which of it trials differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from orchestrator.store.errors import DamagedError
from orchestrator.store.rows import Row
from orchestrator.terminal.values import configuration
from trainables.contract.configuration import TrialConfiguration
from trainables.techniques.registry import TECHNIQUES

_SINGLE = ("data_seed", "protocol", "scored_rungs", "base_model")
"""Keys of a configuration that trials are compared by."""

_BASE = "base_model"
_TELLING = ("technique", "rank", "virtual_tokens", "target_modules", "learning_rate", "batch_size")


def recorded(row: Row, column: str = "config_json") -> Mapping[str, Any]:
    """Returns a column of a final row that holds a JSON object; empty for NULL.

    Args:
        row: With its ids.
        column: "config_json" or "environment_json".

    Raises:
        DamagedError: The column holds something else; names the trial.
    """
    try:
        return _object(row[column])
    except (ValueError, RecursionError) as error:
        raise DamagedError(
            f"The final row of the trial {row['trial_id']} of {row['sweep_id']} has a {column} that"
            " is not one; it was changed since it was written: move its file out of the store."
        ) from error


def whole_configuration(row: Row) -> TrialConfiguration:
    """Returns all that a trial was configured with.

    Args:
        row: Its final row.

    Raises:
        DamagedError: The column `config_json` is none; names the trial.
    """
    try:
        values = json.loads(row["config_json"])
        values.pop("rungs", None)
        return TrialConfiguration.from_dict(values)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(
            f"The final row of the trial {row['trial_id']} of {row['sweep_id']} has a config_json"
            " that is none; it was changed since it was written, so choose another trial."
        ) from error


# Asked for several times a row; parsing it is what a ranking of many trials waits for.
@lru_cache(maxsize=1 << 16)
def _object(text: str | None) -> Mapping[str, Any]:
    found = json.loads(text or "{}")
    if not isinstance(found, dict):
        raise ValueError("no object")
    own = found.get("parameters", {})
    singles = [found.get(name) for name in _SINGLE]
    if not isinstance(own, dict) or any(
        isinstance(value, (dict, list)) for value in (*singles, *own.values())
    ):
        raise ValueError("no configuration")
    return found


def test_protocol(row: Row) -> str | None:
    """Returns by which protocol a trial has its test scores; None where it is not on record."""
    protocol = recorded(row).get("protocol")
    return "standard" if protocol == "both" else protocol


def parameters(row: Row) -> dict[str, Any]:
    """Returns technique, the technique's own parameters, and data size, the telling ones first."""
    recorded(row)  # which names the trial where there is no configuration
    return dict(_parameters(row["config_json"], row["technique"], row["data_size"]))


def by_configuration(rows: Iterable[Row]) -> dict[tuple[Any, ...], list[Row]]:
    """Returns the runs of each configuration: replicates, and runs that confirm it, are no other.

    Of one sweep, or of several whose trials were evaluated alike. Another base model makes another
    configuration.
    """
    rows = list(rows)
    bases = _bases(rows)
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        name = (*configuration_name(row), bases[recorded(row).get(_BASE)])
        found.setdefault(name, []).append(row)
    return found


def configuration_name(row: Row) -> tuple[Any, ...]:
    """Returns what a sweep's runs of one configuration have in common, and those of no other."""
    recorded(row)
    return _name(row["config_json"], row["technique"], row["data_size"])


def varied(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Returns the parameters that have more than one value, by technique.

    One whose default follows another (LoRA's alpha: twice the rank) does not count where every
    trial has that default: it then says nothing of its own.
    """
    return varying(map(parameters, rows))


def varying(configurations: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Returns what `varied` returns, for configurations as `parameters` returns them."""
    members: dict[str, list[dict[str, Any]]] = {}
    for own in configurations:
        members.setdefault(own["technique"], []).append(own)
    found = {}
    for technique, of_technique in members.items():
        names: dict[str, None] = {}
        same: dict[str, Any] = {}
        for own in of_technique:
            if not own.keys() <= names.keys():
                same |= {name: value for name, value in own.items() if name not in names}
                names |= dict.fromkeys(own)
            # One comparison of the dictionaries costs less than one of each parameter.
            if not same.items() <= own.items():
                same = {n: value for n, value in same.items() if n not in own or own[n] == value}
        for name, follows in _following(technique).items():
            if name not in same and all(_follows(own, name, *follows) for own in of_technique):
                same[name] = None
        found[technique] = [name for name in _in_order(names) if name not in same]
    return found


class Configurations:
    """Short descriptions of trials, by what differs between them.

    A parameter is named if it differs between trials of the same technique; rank, learning rate and
    their like also if they differ between techniques, whose other defaults always do. So is the
    base model, if there are several.

    Args:
        rows: All trials that a reader sees together.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        own = [parameters(row) for row in rows]
        self._within = varying(own)
        self._has_bases = len({*_bases(rows).values()}) > 1
        self._anywhere = {
            name
            for name in (*_TELLING, "data_size")
            if len({each.get(name) for each in own} - {None}) > 1
        }

    def describe(self, row: Row) -> str:
        """Returns e.g. "lora rank=8 learning_rate=0.0031 data_size=2000"."""
        own = parameters(row)
        named = self._anywhere.union(self._within[row["technique"]])
        base = {_BASE: recorded(row).get(_BASE)} if self._has_bases else {}
        return _written({**own, **base}, [*(name for name in own if name in named), *base])


def mixed_bases(rows: Iterable[Row]) -> list[str]:
    """Returns a sentence on base models that a difference may be of as well; none for one model."""
    bases = dict.fromkeys(map(str, _bases(rows).values()))
    if len(bases) < 2:
        return []
    return [
        f"These trials are of {len(bases)} base models ({', '.join(bases)}): what differs may be"
        " theirs."
    ]


def telling(row: Row) -> str:
    """Returns what a trial was configured with, in the parameters that tell most of it."""
    return _written(parameters(row), (*_TELLING, "data_size"))


def _written(own: Mapping[str, Any], names: Iterable[str]) -> str:
    given = {name: own[name] for name in names if own.get(name) is not None}
    return configuration({"technique": own["technique"]} | given)


# Both are asked for of each row a dozen times in a report.
@lru_cache(maxsize=1 << 16)
def _parameters(config: str | None, technique: str, data_size: int | None) -> Mapping[str, Any]:
    own = {"technique": technique, **_object(config).get("parameters", {}), "data_size": data_size}
    return {name: own[name] for name in _in_order(own)}


@lru_cache(maxsize=1 << 16)
def _name(config: str | None, technique: str, data_size: int | None) -> tuple[Any, ...]:
    own = sorted(_parameters(config, technique, data_size).items(), key=repr)
    return tuple(map(repr, (*own, _object(config).get("budget_examples"))))


def _bases(rows: Iterable[Row]) -> dict[str | None, str | None]:
    """Returns for each base model's name the first name of the same model.

    It is the same where a trial under either has seen the same weights and settings.
    """
    first: dict[str, str | None] = {}
    found: dict[str | None, str | None] = {}
    for row in rows:
        name, content = recorded(row).get(_BASE), row.get("base_fingerprint")
        if content:
            found[name] = first.setdefault(content, found.get(name, name))
        found.setdefault(name, name)
    return found


def _in_order(names: Iterable[str]) -> list[str]:
    present = dict.fromkeys(names)
    return [name for name in dict.fromkeys([*_TELLING, *present]) if name in present]


def _following(technique: str) -> dict[str, tuple[str, int]]:
    """Returns the parameters whose default is another's value times a factor, with both."""
    known = TECHNIQUES[technique].parameters.values() if technique in TECHNIQUES else ()
    return {each.name: each.default_from for each in known if each.default_from is not None}


def _follows(own: dict[str, Any], name: str, other: str, factor: int) -> bool:
    value, followed = own.get(name), own.get(other)
    return value is not None and followed is not None and bool(value == factor * followed)
