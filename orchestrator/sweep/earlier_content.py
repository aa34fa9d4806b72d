"""Finds out what a sweep without a record was begun with, from what its trials left.

Sweeps of earlier versions have no record at all. One on a model or data set of the hub's that was
not on this machine has none of these until its first trial has read them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from orchestrator.search.content import Base, Content, Versions
from orchestrator.state.content_log import Recorded
from orchestrator.state.records import read_record
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import index
from trainables.base_models.locations import locate
from trainables.contract.configuration import EMBEDDED

_COMMIT = re.compile(r"[0-9a-f]{40}")
_PROGRESS, _WEIGHTS = "progress.json", "base_weights_sha256"
"""Where a checkpoint names its adapter's base; the learner's names."""

_REMEDY = "put it back from a copy of the store, or start another sweep with --new"
_COLUMNS = ("trial_id", "dataset_fingerprint", "split_version", "scoring_version")


def earlier_content(
    stored: StoredSweep, known: Recorded, now: Content
) -> tuple[Recorded, str | None]:
    """Returns what a sweep was begun with, as far as that can be told.

    Where nothing has reported nothing can be at odds, and what there is now counts.

    Args:
        stored: The sweep, which has begun.
        known: What is on record of it.
        now: What there is now.

    Returns:
        The record, completed; and in words what cannot be told though it matters, None where
        nothing of the kind is missing.

    Raises:
        DamagedError: The record of the split is none.
    """
    reports = index.reports(stored.address, stored.id, columns=_COLUMNS).to_pylist()
    if not reports:
        return known, None
    versions = known.versions or _versions(stored, reports, now)
    # Trials of both would have been refused by every reader already: the first that differs tells.
    rows = known.rows or _other(now.rows, (row["dataset_fingerprint"] for row in reports))
    if known.base is not None or now.base is None:
        return Recorded(versions, rows, known.base), None
    sweep = stored.sweep
    weights = set(_weights(stored, sorted({row["trial_id"] for row in reports})))
    base = locate(sweep.base_model)
    pinned = base.is_on_hub and _COMMIT.fullmatch(sweep.base_model_revision or "")
    if not weights and not base.is_embedded and not pinned:
        return (
            Recorded(versions, rows, None),
            f"none of its checkpoints says which weights the base model {sweep.base_model} had",
        )
    assert now.base.settings is not None
    found = _other(now.base.weights, weights)
    before = now.base if found is None else Base.of(found, now.base.settings)
    return Recorded(versions, rows, before), None


def _versions(stored: StoredSweep, reports: list[dict[str, Any]], now: Content) -> Versions:
    """Returns the versions that trials ran by; of prompt and training there was only one."""
    split = now.versions.split
    if stored.sweep.dataset != EMBEDDED:
        said = {row["split_version"] or 1 for row in reports}
        files = stored.files
        found = read_record(files.place, files.split_key, "the record of the split", _REMEDY)
        if found is not None:
            said = {found.get("split_version")}
        split = _other(split, said)
    scoring = _other(now.versions.scoring, (row["scoring_version"] or 1 for row in reports))
    assert scoring is not None
    return Versions(now.versions.prompt, split, scoring, now.versions.training)


def _other(now: Any, before: Any) -> Any:
    """Returns the first earlier value that differs from the present one, else the present one."""
    return next((value for value in before if value is not None and value != now), now)


def _weights(stored: StoredSweep, trials: list[str]) -> Iterator[str]:
    """Yields the weights that the checkpoints of the sweep's adapters name."""
    for trial in trials:
        folder = stored.files.path(stored.files.checkpoints_key(trial))
        for file in folder.glob(f"*/{_PROGRESS}"):
            try:
                digest = json.loads(file.read_bytes()).get(_WEIGHTS)
            except (OSError, ValueError, AttributeError, RecursionError):
                continue
            if isinstance(digest, str):
                yield digest
