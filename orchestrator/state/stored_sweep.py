"""A sweep and where it is stored: what travels together from the start of a run to its end."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from orchestrator.search.identity import sweep_id
from orchestrator.search_space import Sweep
from orchestrator.state.lock import Hold
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.place import Root
from trainables.base_models import locations as base_models
from trainables.data import locations as data


@dataclass(frozen=True)
class StoredSweep:
    """A sweep, its id and its store.

    Attributes:
        sweep: The resolved search space file, with model and data by names that are good in every
            folder.
        id: Identifier of the sweep, `<name>-<8 hex digits>`.
        store: Where everything of it goes.
        turn: Of the sweep's driver; see `orchestrator.state.lock.Hold`.
    """

    sweep: Sweep
    id: str
    store: Store
    turn: str = ""

    @property
    def root(self) -> Path:
        """The store's folder, absolute.

        Raises:
            StoreUnusableError: It is in a bucket.
        """
        return self.store.root

    @property
    def address(self) -> Root:
        """The store's root, wherever that is."""
        return self.store.address

    @property
    def files(self) -> SweepFiles:
        """The sweep's files beside the tables."""
        return SweepFiles(self.store, self.id, self.turn)

    def held(self, held: Hold) -> StoredSweep:
        """Returns the sweep as its driver writes to it."""
        return dataclasses.replace(self, store=held.store, turn=held.turn)

    def trial_id(self, trial_number: int) -> str:
        """Returns the id of a trial of the sweep."""
        return self.files.trial_id(trial_number)


def latest(sweep: Sweep, store: Store, *, new: bool = False) -> StoredSweep:
    """Returns the latest sweep of this search space in the store, or the one to begin.

    Args:
        sweep: The resolved search space file.
        store: Where it is, or is to be, stored.
        new: Begin another one beside those that have begun (`--new`).
    """
    # The id is that of the names as they are given: what they mean is told by its content.
    names = {
        "base_model": base_models.stored_name(sweep.base_model),
        "dataset": data.stored_name(sweep.dataset),
        "databases": data.stored_databases(sweep.databases),
    }
    located = sweep.model_copy(update=names)

    def nth(ordinal: int) -> StoredSweep:
        return StoredSweep(located, sweep_id(sweep, ordinal), store)

    ordinal = 1
    while nth(ordinal + 1).files.has_begun():
        ordinal += 1
    if new and nth(ordinal).files.has_begun():
        ordinal += 1
    return nth(ordinal)
