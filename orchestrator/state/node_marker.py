"""Tells whether two machines see one root: what one writes there the other one reads."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store, StoreError
from orchestrator.store.place import BucketAddress, Root
from orchestrator.store.roots import bucket_address, open_root

_ANSWER = bytes(1 << 16)
"""Of some length: an empty file has place on a full disk, and within a quota that is used up."""

_SEEN: set[NodeMarker] = set()
"""Those in a bucket that this process has seen."""


@dataclass(frozen=True)
class NodeMarker:
    """A file that the driver has written below the root.

    Attributes:
        root: Of the experiment store, as the driver names it: a folder or the address of a bucket.
        key: The file, relative to it; also what it says.
    """

    root: str
    key: str

    @classmethod
    def place(cls, files: SweepFiles) -> NodeMarker:
        """Writes a new marker in the place of those of earlier starts.

        Raises:
            StoreError: It could not be stored.
        """
        cls.remove(files)
        key = f"{files.nodes_key}/{secrets.token_hex(16)}"
        files.store.put_if_absent(key, key.encode())
        return cls(str(files.store.address), key)

    @staticmethod
    def remove(files: SweepFiles) -> None:
        """Removes the markers of a sweep and the answers to them."""
        with contextlib.suppress(OSError, StoreError):  # of no use, but no harm
            found = files.place.files(files.nodes_key, deep=False)
            files.place.delete(*(file.key for file in found))

    @property
    def folder(self) -> Path | None:
        """The root, if it is a folder."""
        return self._address if isinstance(self._address, Path) else None

    @property
    def _address(self) -> Root:
        return bucket_address(self.root) if "://" in self.root else Path(self.root)

    def unseen(self) -> str | None:
        """Returns why this machine does not see the driver's root ("has no folder /x"), or None."""
        root = self._address
        if not isinstance(root, Path):
            return _unseen_in_bucket(self, root)
        if not root.is_dir():
            return f"has no folder {root}"
        try:
            said = (root / self.key).read_bytes()
        except FileNotFoundError:
            return f"has another folder {root}: what the sweep writes into it is not there"
        except OSError as error:
            return f"cannot read {root}: {error.strerror or error}"
        return None if said == self.key.encode() else f"has another folder {root}"

    def answer(self, node_id: str) -> str | None:
        """Writes beside the marker, on another machine, for `answered`.

        Args:
            node_id: Of this machine.

        Returns:
            Why it could not, to end a sentence; None if it could.
        """
        try:
            Store(self._address).put_if_absent(f"{self.key}-{node_id}", _ANSWER)
        except (OSError, StoreError) as error:
            return f"cannot write to {self.root}: {error}"
        return None

    def answered(self, node_id: str) -> bool:
        """Returns whether what that machine has written is here."""
        return open_root(self._address).has(f"{self.key}-{node_id}")


def _unseen_in_bucket(marker: NodeMarker, root: BucketAddress) -> str | None:
    """Returns what `NodeMarker.unseen` does; once seen, a bucket is no share that may be lost."""
    if marker in _SEEN:
        return None
    try:
        said = open_root(root).get(marker.key)
    except StoreError as error:
        return f"cannot read {root}: {error}"
    if said is None:
        return f"has another bucket {root}: what the sweep writes into it is not there"
    _SEEN.add(marker)
    return None
