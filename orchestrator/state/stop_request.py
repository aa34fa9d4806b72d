"""How the driver asks the trials of a sweep, wherever they run, to save and end."""

from __future__ import annotations

import contextlib

from orchestrator.state.sweep_files import SweepFiles
from orchestrator.throttle import Throttle

GRACE_SECONDS = 20
"""Whoever sends SIGTERM sends SIGKILL after 30 s or more (Kubernetes: 30, a spot instance of the
large clouds: 30 to 120). The rest is for Ray to end."""

_SECONDS_BETWEEN_LOOKS = 1.0


class StopRequest:
    """A file in the sweep's folder under `state/`; there while the request stands."""

    def __init__(self, files: SweepFiles) -> None:
        """Names the file."""
        self._path = files.stop_request
        self._look = Throttle(_SECONDS_BETWEEN_LOOKS)
        self._made_here = False
        self._found = False

    def make(self) -> None:
        """Asks every trial to end after its next step."""
        self._made_here = True
        with contextlib.suppress(OSError):  # called by a signal's handler, anywhere
            self._path.touch()

    def withdraw(self) -> None:
        """Takes the request back, also that of an earlier driver."""
        self._path.unlink(missing_ok=True)

    def made(self) -> bool:
        """Returns whether the request stands, as of a second ago: trials ask after each step."""
        if self._look.due():
            self._found = self._path.exists()
        return self._made_here or self._found
