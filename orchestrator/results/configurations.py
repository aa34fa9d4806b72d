"""What a trial was configured with, and in which of it trials differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from orchestrator.store.rows import Row
from orchestrator.terminal.values import configuration

BASELINE = "pretrained"
"""The technique of a trial that does not train."""

_TELLING = ("technique", "rank", "virtual_tokens", "target_modules", "learning_rate", "batch_size")


# Asked for several times a row; parsing it is what a ranking of many trials waits for.
@lru_cache(maxsize=1 << 16)
def configured(config_json: str | None) -> Mapping[str, Any]:
    """Returns the column `config_json` of a final row as a dictionary."""
    config: Mapping[str, Any] = json.loads(config_json or "{}")
    return config


def parameters(row: Row) -> dict[str, Any]:
    """Returns technique, the technique's own parameters, and data size, the telling ones first."""
    own = _parameters(row)
    return {name: own[name] for name in _in_order(own)}


def varied(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Returns the parameters that have more than one value, by technique.

    Alpha does not count where it is twice the rank in every trial: that is its default, and then
    it says nothing of its own.
    """
    return varying(map(_parameters, rows))


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
        if "alpha" not in same and all(map(_has_default_alpha, of_technique)):
            same["alpha"] = None
        found[technique] = [name for name in _in_order(names) if name not in same]
    return found


class Configurations:
    """Short descriptions of trials, by what differs between them.

    A parameter is named if it differs between trials of the same technique; rank, learning rate and
    their like also if they differ between techniques, whose other defaults always do.

    Args:
        rows: All trials that a reader sees together.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        own = [_parameters(row) for row in rows]
        self._within = varying(own)
        self._anywhere = {
            name
            for name in (*_TELLING, "data_size")
            if len({each.get(name) for each in own} - {None}) > 1
        }

    def describe(self, row: Row) -> str:
        """Returns e.g. "lora rank=8 learning_rate=0.0031 data_size=2000"."""
        own = parameters(row)
        named = self._anywhere.union(self._within[row["technique"]])
        return _written(own, [name for name in own if name in named])


def telling(row: Row) -> str:
    """Returns what a trial was configured with, in the parameters that tell most of it."""
    return _written(parameters(row), (*_TELLING, "data_size"))


def _written(own: Mapping[str, Any], names: Iterable[str]) -> str:
    given = {name: own[name] for name in names if own.get(name) is not None}
    return configuration({"technique": own["technique"]} | given)


def _parameters(row: Row) -> dict[str, Any]:
    own = configured(row["config_json"]).get("parameters", {})
    return {"technique": row["technique"], **own, "data_size": row["data_size"]}


def _in_order(names: Iterable[str]) -> list[str]:
    present = dict.fromkeys(names)
    return [name for name in dict.fromkeys([*_TELLING, *present]) if name in present]


def _has_default_alpha(own: dict[str, Any]) -> bool:
    rank, alpha = own.get("rank"), own.get("alpha")
    return alpha is not None and rank is not None and bool(alpha == 2 * rank)
