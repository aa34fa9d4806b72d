"""By which version of the split a sweep's rows were divided when it began.

Under another one its trials would be trained and scored on other rows, and be ranked beside those
that ran before.
"""

from __future__ import annotations

import json

from orchestrator.errors import UserError
from orchestrator.state.records import damaged, read_record
from orchestrator.state.stored_sweep import StoredSweep
from trainables.contract.configuration import EMBEDDED
from trainables.contract.splits import SPLIT_VERSION

_WHAT = "the record of the split"
_VERSION = "split_version"
_REMEDY = "put it back from a copy of the store, or start another sweep with --new"
_UNRECORDED = 1
"""The version of sweeps that began before there was a record."""


class OtherSplitError(UserError):
    """A sweep was begun with rows that were split otherwise."""


def check_split(stored: StoredSweep) -> None:
    """Refuses to continue a sweep whose rows another version of the package split.

    Raises:
        OtherSplitError: Saying how they were split, and what to do.
        DamagedError: The record is none.
    """
    if stored.sweep.dataset == EMBEDDED or not stored.files.has_begun():
        return  # the built-in corpus keeps its split
    path = stored.root / stored.files.split_key
    version = _UNRECORDED
    if path.exists():
        said = read_record(path, _WHAT, _REMEDY).get(_VERSION)
        if type(said) is not int:
            raise damaged(path, _WHAT, _REMEDY)
        version = said
    if version != SPLIT_VERSION:
        before = "row by row" if version == _UNRECORDED else "otherwise"
        raise OtherSplitError(
            f"The sweep {stored.id} was begun when rows were split {before} (split version"
            f" {version}; now {SPLIT_VERSION}, so that no schema of a training row is tested on):"
            " trials of both are trained and scored on different rows and do not compare. Start"
            " another sweep with --new, or continue this one with the version of the package that"
            " began it."
        )


def record_split(stored: StoredSweep) -> None:
    """Writes down by which version the rows are split, if that is not on record."""
    data = json.dumps({_VERSION: SPLIT_VERSION, "split_by": stored.sweep.split_by}).encode()
    stored.store.put_if_absent(stored.files.split_key, data)
