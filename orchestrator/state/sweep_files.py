"""Where each file of a sweep beside the tables lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.search.identity import trial_id
from orchestrator.store import Store
from orchestrator.store.place import Root, StoreFiles
from orchestrator.store.roots import open_root

CHECKPOINTS = "checkpoints"
"""Folder of all checkpoints below the root."""

TRAINING_STATE = "training_state.safetensors"
"""What a checkpoint holds only for going on; the learner's name for it."""

_PROPOSALS, _RAY = "proposals", "ray"


@dataclass(frozen=True)
class SweepFiles:
    """The files of one sweep: `state/sweep=<id>/` and `checkpoints/sweep=<id>/`.

    Keys are relative to the root, for `Store.put_if_absent`; paths are absolute, and those of files
    that stay on this machine: of a store in a bucket other machines do not see them.

    Attributes:
        store: Where the sweep is stored.
        sweep_id: The sweep.
        turn: Of the sweep's driver; see `orchestrator.state.lock.Hold`.
    """

    store: Store
    sweep_id: str
    turn: str = ""

    @property
    def place(self) -> StoreFiles:
        """Where the files of all keys are."""
        return self.store.place

    @property
    def here(self) -> StoreFiles:
        """Where the files of this machine are, by the same keys."""
        return self.store.place if isinstance(self.store.address, Path) else open_root(self._local)

    @property
    def proposals_key(self) -> str:
        """The folder of the proposals."""
        return f"{self._key}/{_PROPOSALS}"

    @property
    def confirmations_key(self) -> str:
        """The folder of what was chosen to be confirmed."""
        return f"{self._key}/confirmations"

    @property
    def attempts_key(self) -> str:
        """The folder of the attempts."""
        return f"{self._key}/attempts"

    @property
    def verdicts_key(self) -> str:
        """The folder of early stopping's verdicts."""
        return f"{self._key}/verdicts"

    @property
    def content_key(self) -> str:
        """The folder of what the sweep's numbers depend on."""
        return f"{self._key}/content"

    @property
    def nodes_key(self) -> str:
        """The folder by which machines find out whether they see one root."""
        return f"{self._key}/nodes"

    @property
    def adopted_key(self) -> str:
        """The record of the runs that were taken over from other sweeps."""
        return f"{self._key}/adopted.json"

    @property
    def starts_key(self) -> str:
        """The folder of how the sweep was started."""
        return f"{self._key}/starts"

    @property
    def plan_key(self) -> str:
        """The record of what the sweep was expected to take."""
        return f"{self._key}/plan.json"

    @property
    def split_key(self) -> str:
        """How the rows were split, of a sweep that began before there was `content_key`."""
        return f"{self._key}/split.json"

    @property
    def driver_log(self) -> Path:
        """What Ray and the libraries beneath print while the sweep runs."""
        return self._folder / "driver.log"

    @property
    def lock(self) -> Path:
        """The file that the sweep's one driver locks."""
        return self._folder / "driver.lock"

    @property
    def lease_key(self) -> str:
        """The folder of the objects by which a sweep in a bucket is held."""
        return f"{self._key}/lock"

    @property
    def stop_request(self) -> Path:
        """The file of this machine that is there while the driver's trials are asked to end."""
        return self._folder / "-".join(filter(None, ("stop", self.turn)))

    @property
    def stop_key(self) -> str:
        """The same for machines that share nothing but a bucket with the driver's."""
        return f"{self._key}/stop/{self.turn}"

    @property
    def driver_sign(self) -> Path:
        """The file by which trials know that their driver is on their machine."""
        return self._folder / f"driver-{self.turn}"

    @property
    def device_seconds_key(self) -> str:
        """The record of the device-seconds that the sweep has spent."""
        return f"{self._key}/device-seconds.json"

    @property
    def engine_accounts(self) -> Path:
        """The folder in which engines write where they hang."""
        return self._folder / "engines"

    @property
    def ray_train(self) -> Path:
        """The folder of Ray Train's own record of worker groups; nothing is read from it."""
        return self._folder / _RAY

    @property
    def all_checkpoints_key(self) -> str:
        """The folder of the sweep's checkpoints."""
        return f"{CHECKPOINTS}/sweep={self.sweep_id}"

    def checkpoints_key(self, trial: str) -> str:
        """Returns the folder of a trial's checkpoints, by the trial's id."""
        return f"{self.all_checkpoints_key}/{trial}"

    def path(self, key: str) -> Path:
        """Returns where the file of a key lies on this machine."""
        return self._local / key

    def trial_id(self, trial_number: int) -> str:
        """Returns the id of a trial of the sweep."""
        return trial_id(self.sweep_id, trial_number)

    def check_own(self) -> None:
        """Checks that the sweep's files beside the tables are its own, before one is written to.

        Raises:
            DamagedError: A link, a pipe or a device stands among them; names it.
        """
        self.place.check_plain(self.all_checkpoints_key, deep=False)
        self.place.check_plain(self._key, but=[f"{self._key}/{_RAY}"])  # Ray may do as it likes

    def has_begun(self) -> bool:
        """Returns whether a first trial has been proposed."""
        return _PROPOSALS in self.place.folders(self._key, _PROPOSALS)

    @property
    def _key(self) -> str:
        return key_of(self.sweep_id)

    @property
    def _folder(self) -> Path:
        return self._local / self._key

    @property
    def _local(self) -> Path:
        return self.store.local


def found(root: Root, sweep_id: str) -> SweepFiles | None:
    """Returns the files of a sweep for a reader; None where it has none beside the tables.

    A compacted copy has of them at most how it was started and what was confirmed.

    Args:
        root: Of the store or of the copy; nothing is made in it.
        sweep_id: The sweep.

    Raises:
        DamagedError: As `SweepFiles.check_own`.
    """
    store = Store(root, is_read=True)
    folder = PurePosixPath(key_of(sweep_id))
    if folder.name not in store.place.folders(str(folder.parent), folder.name):
        return None
    files = SweepFiles(store, sweep_id)
    files.check_own()
    return files


def key_of(sweep_id: str) -> str:
    """Returns the folder of a sweep beside the tables, relative to the root."""
    return f"state/sweep={sweep_id}"
