"""A tool's process as the sweep sees it: told of changes, asked for news, ended in bounded time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import orchestrator
from orchestrator.tracking.run_record import Identity

_SECONDS_ALONE = 120.0
"""After the sweep's process has gone, however it went."""


class Follower:
    """The process that mirrors a sweep into one tool. No method waits but `wait`.

    Attributes:
        name: The tool.
        where: Where it shows the runs, once that is known.
        error: What ended the process before its time; None as long as nothing did.
        done: How many trials the tool has, once it has all of them.
        dropped: Changes that the process did not take, since it stood still.
    """

    def __init__(self, name: str, root: Path, sweep_id: str, *, alone: bool = True) -> None:
        """Starts the process.

        Args:
            name: The tool.
            root: Folder of the store.
            sweep_id: The sweep.
            alone: Whether it ends by itself some time after its input; else only when it is done.
        """
        self.name = name
        self.where: str | None = None
        self.error: str | None = None
        self.done: int | None = None
        self.dropped = 0
        self._unsent = b""
        self._answer = b""
        package = str(Path(orchestrator.__file__).parents[1])
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
        seconds = str(_SECONDS_ALONE if alone else 0)
        module = "orchestrator.tracking.process"
        self._process = subprocess.Popen(
            # -P: the working folder may hold a folder or file of a tool's name.
            [sys.executable, "-P", "-m", module, str(root), sweep_id, name, seconds],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is the sweep's, which lets it write the last rows
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        for stream in (self._input, self._output):
            os.set_blocking(stream.fileno(), False)

    def changed(self, identity: Identity) -> None:
        """Says that a trial has changed; drops that where the process does not take it."""
        if self._input.closed:
            return
        self._send()
        if self._unsent:
            self.dropped += 1
            return
        self._unsent = json.dumps(asdict(identity)).encode() + b"\n"
        self._send()

    def look(self) -> bool:
        """Takes in what the process has said; returns whether it has anything left to say."""
        while True:
            try:
                part = os.read(self._output.fileno(), 1 << 16)
            except BlockingIOError:
                return True
            if not part:
                break
            self._answer += part
            *lines, self._answer = self._answer.split(b"\n")
            for line in lines:
                for name, value in json.loads(line).items():
                    setattr(self, name, value)
        if self.done is None and self.error is None:
            self.error = "its process ended"
        return False

    def finish(self) -> None:
        """Says that nothing will change any more."""
        self._send()
        with contextlib.suppress(OSError):
            self._input.close()

    def wait(self, seconds: float | None) -> bool:
        """Waits for the process's end after `finish`; returns whether it came.

        Args:
            seconds: At most; None waits as long as it takes.
        """
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.look()
        return True

    def kill(self) -> None:
        """Ends the process and those that it has started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._input, self._output):
            with contextlib.suppress(OSError):
                stream.close()

    def _send(self) -> None:
        if self._input.closed or not self._unsent:
            return
        try:
            sent = os.write(self._input.fileno(), self._unsent)
            self._unsent = self._unsent[sent:]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._unsent = b""
