"""How the driver asks the trials of a sweep, wherever they run, to save and end."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store.errors import StoreError
from orchestrator.throttle import Throttle

GRACE_SECONDS = 20
"""Whoever sends SIGTERM sends SIGKILL after 30 s or more (Kubernetes: 30, a spot instance of the
large clouds: 30 to 120). The rest is for Ray to end."""

_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_BETWEEN_REQUESTS = 10.0
"""Between two looks into a bucket, each of which is a request."""


class StopRequest:
    """A file in the sweep's folder under `state/`; there while the request stands.

    In a store in a bucket it is one driver's. On the driver's machine it is a file there as well;
    on others an object, which is there only if the driver has said that there are others.
    """

    def __init__(self, files: SweepFiles) -> None:
        """Names the file."""
        self._files = files
        self._path = files.stop_request
        self._look = Throttle(_SECONDS_BETWEEN_LOOKS)
        self._request = Throttle(_SECONDS_BETWEEN_REQUESTS)
        is_far = not isinstance(files.store.address, Path) and not files.driver_sign.exists()
        self._asks = is_far
        self._told = False
        self._tells = False
        self._made_here = False
        self._found = False

    def tell_others(self) -> None:
        """Has the request reach machines that share nothing but a bucket with this one, too."""
        self._tells = not isinstance(self._files.store.address, Path)

    def make(self) -> None:
        """Asks every trial to end after its next step."""
        is_first, self._made_here = not self._made_here, True
        with contextlib.suppress(OSError):  # called by a signal's handler, anywhere
            self._path.touch()
        if is_first and self._tells:
            threading.Thread(target=self._tell, daemon=True).start()

    def _tell(self) -> None:
        with contextlib.suppress(StoreError):
            self._files.store.put_if_absent(self._files.stop_key, b"stop")

    def withdraw(self) -> None:
        """Takes the request back, also that of an earlier driver."""
        self._path.unlink(missing_ok=True)

    def made(self) -> bool:
        """Returns whether the request stands, as of a moment ago: trials ask after each step."""
        if self._look.due():
            self._found = self._path.exists()
        if self._asks and not self._told and self._request.due():
            with contextlib.suppress(StoreError):
                self._told = self._files.place.has(self._files.stop_key)
        return self._made_here or self._found or self._told
