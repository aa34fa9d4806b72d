"""Names that follow from contents: the same command means the same sweep, trial and configuration.

Every identifier begins with a letter and holds a dash, so that no reader of hive-partitioned
folders takes it for a number (`12345678`, `1e5`) or a date.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from orchestrator.search_space.membership import whole
from orchestrator.search_space.model import Sweep
from trainables.contract.configuration import Scalar
from trainables.contract.splits import BY_SCHEMA

IDENTIFYING = (
    "space",
    "points",
    "baseline",
    "replicates",
    "objective",
    "budget",
    "stopping",
    "seed",
    "profile",
    "base_model",
    "base_model_revision",
    "dataset",
    "dataset_revision",
    "evaluation",
    "lengths",
)
"""Keys of a resolved search space file that change a trial's numbers, or which trials there are.
Not among them: how many trials, what they run on, and words. Model and data stand here by the names
that were given; what these mean is on record (`orchestrator.state.content_log`)."""


def sweep_id(sweep: Sweep, ordinal: int = 1) -> str:
    """Returns a sweep's identifier, `<name>-<8 hex digits>`.

    Args:
        sweep: The resolved search space file.
        ordinal: 1, or for `--new` which further sweep of the same file it is; appended from 2 on.
    """
    stopping = None if sweep.stopping is None else sweep.stopping.model_dump(mode="json")
    if stopping is not None and stopping["by"] == "objective":
        del stopping["by"]  # as before there was the key: such a sweep goes on
    if stopping is not None and sweep.leaves_out_rungs:
        stopping["rungs"] = sweep.rungs(sweep.budget.examples if sweep.budget else 0)
    return _sweep_id(sweep, stopping, ordinal)


def earlier_sweep_id(sweep: Sweep, ordinal: int = 1) -> str:
    """Returns the identifier that a sweep of the same file had before `stopping.by` was a key.

    It is another one where trials are now stopped in another way: by the loss, or without a rung a
    hair before the end. Arguments as of `sweep_id`.
    """
    stopping = None if sweep.stopping is None else sweep.stopping.model_dump(mode="json")
    return _sweep_id(sweep, stopping and {k: v for k, v in stopping.items() if k != "by"}, ordinal)


def _sweep_id(sweep: Sweep, stopping: dict[str, Any] | None, ordinal: int) -> str:
    resolved = sweep.model_dump(mode="json")
    identifying: dict[str, Any] = {key: resolved[key] for key in IDENTIFYING}
    identifying["stopping"] = stopping
    if sweep.space is not None:
        identifying["search"] = resolved["search"]
    if sweep.ask:  # a file without it keeps the id that it had before there was this key
        identifying["ask"] = resolved["ask"]
    if sweep.split_by != BY_SCHEMA:  # a file without it keeps the id that it had before
        identifying["split_by"] = sweep.split_by
    if sweep.columns is not None and sweep.columns.given():
        identifying["columns"] = sweep.columns.given()
    if sweep.databases is not None:
        identifying["databases"] = sweep.databases
    if sweep.bad_rows != "error":
        identifying["bad_rows"] = sweep.bad_rows
    identifier = f"{sweep.name}-{_digest(identifying).hex()[:8]}"
    return identifier if ordinal == 1 else f"{identifier}-{ordinal}"


def trial_id(sweep_id: str, number: int) -> str:
    """Returns a trial's identifier, `t-<10 base32 characters>`, unique over all sweeps.

    Args:
        sweep_id: Of the trial's sweep.
        number: The trial's, from 0, in the order of proposal.
    """
    return f"t-{digest_name([sweep_id, number])}"


def configuration_id(configuration: Mapping[str, Scalar]) -> str:
    """Returns a configuration's identifier, `c-<10 base32 characters>`.

    It is that of the completed configuration: a parameter given with its default's value and one
    left to its default make the same trial. Replicates share it, also across sweeps.

    Args:
        configuration: Technique, data size, perhaps epochs, and valid parameters.
    """
    return f"c-{digest_name(whole(configuration))}"


def confirming_seed(seed: int, configuration: Mapping[str, Scalar], replicate: int) -> int:
    """Returns the seed of a confirming run: 32 bits that no run of a search begins from.

    Args:
        seed: The sweep's.
        configuration: What is confirmed.
        replicate: Which of its seeds, from 0.
    """
    digest = _digest(["confirm", seed, configuration_id(configuration), replicate])
    # Those of a search begin at the sweep's seed and count up by one.
    return 2**31 + int.from_bytes(digest[:4]) // 2


def digest_name(value: object, length: int = 10) -> str:
    """Returns the first base32 characters of the SHA-256 of a value's canonical JSON."""
    return base64.b32encode(_digest(value)).decode().lower()[:length]


def _digest(value: object) -> bytes:
    """Returns the SHA-256 of a value's canonical JSON: keys sorted, no blanks, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).digest()
