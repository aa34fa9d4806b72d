"""A file of TensorBoard's events, as its own `EventFileWriter` makes one, but for the thread.

That one writes in a thread of its own, and says nothing of what fails there after the last event:
a trial's end for which there was no space was taken for written.
"""

from __future__ import annotations

import os
import platform
import time
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

_VERSION = "brain.Event:2"
_HEADER, _FOOTER = 12, 4
"""Bytes around an event: before it its length, in eight of them, and checksums."""


class EventFile:
    """A new file in a folder."""

    def __init__(self, folder: Path) -> None:
        """Makes it, and the folder if there is none.

        Raises:
            OSError: It cannot be written.
        """
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        self._file = _new(folder)
        self._records = RecordWriter(self._file)
        self.add(Event(wall_time=time.time(), file_version=_VERSION))

    def add(self, event: Any) -> None:
        """Adds an event, which is in the file when this returns.

        Raises:
            OSError: It cannot be written.
        """
        self._records.write(event.SerializeToString())
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def is_whole(content: bytes) -> bool:
    """Returns whether the last event of a file is there to its end: a full disk cuts it."""
    at = 0
    while at < len(content):
        at += _HEADER + int.from_bytes(content[at : at + 8], "little") + _FOOTER
    return at == len(content)


def _new(folder: Path) -> BinaryIO:
    """Opens a file of a name by which TensorBoard finds it, and reads it after earlier ones."""
    own = f"events.out.tfevents.{int(time.time()):010d}.{platform.node()}.{os.getpid()}"
    for number in count():
        try:
            return (folder / f"{own}.{number}").open("xb")
        except FileExistsError:
            continue
    raise AssertionError("unreachable")
