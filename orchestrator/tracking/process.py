"""The process of one tool: `python -m orchestrator.tracking.process ROOT SWEEP TOOL SECONDS`.

Standard input has a JSON object a line, what is known of a trial that has changed, and ends when
the sweep does. Standard output gets a JSON object a line: `where` the tool shows the runs, then
`done`, how many trials it has, or `error`. Whatever a library prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from orchestrator.errors import visible_line
from orchestrator.tracking.mirror import Mirror
from orchestrator.tracking.run_record import Identity
from orchestrator.tracking.stored_runs import StoredRuns
from orchestrator.tracking.tools import open_tool

_NICER = 5
"""The trials go first where there is too little of the processor."""

_LONGEST = 300


class Changes:
    """The trials that have changed, each once however often it has, in the order of the first."""

    def __init__(self) -> None:
        """Begins without any."""
        self._waiting: dict[str, None] = {}
        self._closed = False
        self._changed = threading.Condition()

    def add(self, trial: str) -> None:
        """Adds a trial."""
        with self._changed:
            self._waiting.setdefault(trial)
            self._changed.notify()

    def close(self) -> None:
        """Notes that there will be no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def __iter__(self) -> Iterator[str]:
        """Yields trials, waiting for them, until it is closed and none is left."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                trial = next(iter(self._waiting))
                del self._waiting[trial]
            yield trial


def follow(runs: StoredRuns, name: str, changes: Changes, say: Any) -> None:
    """Mirrors a sweep until there are no more changes.

    Args:
        runs: The sweep's trials.
        name: The tool.
        changes: The trials that change.
        say: Is told where the tool shows the runs.
    """
    tool = open_tool(name, runs.root, runs.sweep_id)
    say(where=tool.where)
    mirror = Mirror(runs, tool)
    # What an earlier start, or another sweep whose runs were taken over, has left behind.
    for trial in mirror.lacking():
        changes.add(trial)
    for trial in changes:
        mirror.update(trial)
    # Trials that came without an event, or whose event was lost.
    for trial in mirror.lacking():
        mirror.update(trial)
    mirror.close()
    say(done=len(runs.all()))


def main() -> NoReturn:
    """Runs the process; ends it without what libraries do at a process's end, which may hang."""
    root, sweep_id, name, seconds = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.nice(_NICER)
    said = threading.Lock()

    def say(**answer: object) -> None:
        with said:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()

    changes = Changes()
    code = 0
    try:
        runs = StoredRuns(Path(root), sweep_id)

        def listen() -> None:
            for line in sys.stdin:
                try:
                    identity = Identity(**json.loads(line))
                except ValueError:  # cut: the sweep's process is gone
                    break
                runs.tell(identity)
                changes.add(identity.trial_id)
            if float(seconds):
                last = threading.Timer(float(seconds), os._exit, [1])
                last.daemon = True
                last.start()
            changes.close()

        threading.Thread(target=listen, daemon=True).start()
        follow(runs, name, changes, say)
    except Exception as error:
        import traceback

        traceback.print_exc()
        say(error=_words(error))
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _words(error: Exception) -> str:
    # The second line may have the cause, what follows a server's page.
    lines = str(error).strip().splitlines()[:2]
    words = visible_line("; ".join(lines))[:_LONGEST]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


if __name__ == "__main__":
    main()
