"""Tells whether two machines see one root: what one writes there the other one reads."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store, StoreError

_ANSWER = bytes(1 << 16)
"""Of some length: an empty file has place on a full disk, and within a quota that is used up."""


@dataclass(frozen=True)
class NodeMarker:
    """A file that the driver has written below the root.

    Attributes:
        root: Folder of the experiment store, as the driver names it.
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
        return cls(str(files.store.root), key)

    @staticmethod
    def remove(files: SweepFiles) -> None:
        """Removes the markers of a sweep and the answers to them."""
        for path in files.path(files.nodes_key).glob("*"):
            with contextlib.suppress(OSError):  # of no use, but no harm
                path.unlink()

    def unseen(self) -> str | None:
        """Returns why this machine does not see the driver's root ("has no folder /x"), or None."""
        root = Path(self.root)
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
            Store(Path(self.root)).put_if_absent(f"{self.key}-{node_id}", _ANSWER)
        except (OSError, StoreError) as error:
            return f"cannot write to {self.root}: {error}"
        return None

    def answered(self, node_id: str) -> bool:
        """Returns whether what that machine has written is here."""
        return (Path(self.root) / f"{self.key}-{node_id}").exists()
