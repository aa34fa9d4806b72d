"""The process of one tool: `python -m orchestrator.tracking.process ROOT SWEEP TOOL SECONDS`.

Standard input has a JSON object a line, what is known of a trial that has changed, and ends when
the sweep does. Standard output gets a JSON object a line: `where` the tool shows the runs, then
`done`, how many trials it has, or `error`. Whatever a library prints goes to standard error.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from orchestrator.errors import CommandError, UserError, remedy, visible_line
from orchestrator.terminal.output import say_aside
from orchestrator.tracking.mirror import Mirror
from orchestrator.tracking.mlflow_server import shown
from orchestrator.tracking.run_record import Identity
from orchestrator.tracking.stored_runs import StoredRuns
from orchestrator.tracking.tools import open_tool

_NICER = 5
"""The trials go first where there is too little of the processor."""

_LONGEST = 300
_PACKAGES = Path(__file__).parents[1]


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
    logging.raiseExceptions = False  # of a library's log on a full disk each line is a traceback
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.nice(_NICER)
    threading.excepthook = partial(show_thread_fault, root=root)
    said = threading.Lock()

    def say(**answer: object) -> None:
        try:
            with said:
                answers.write(json.dumps(answer) + "\n")
                answers.flush()
        except OSError:  # who would hear it is gone
            os._exit(1)

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
        if is_ours(error):
            traceback.print_exception(error)
        say(error=words(error, root))
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def show_thread_fault(fault: threading.ExceptHookArgs, *, root: str) -> None:
    """Prints what ended a thread, in one line; of a fault of this package its traceback.

    What a library cannot do in a thread of its own it says where it is called next, if at all.

    Args:
        fault: What `threading.excepthook` is told.
        root: Folder of the store, in which the tools' files lie.
    """
    error = fault.exc_value
    if not isinstance(error, Exception):  # the thread was asked to end
        return
    if is_ours(error):
        traceback.print_exception(error)
    else:
        say_aside(words(error, root))


def words(error: Exception, root: str) -> str:
    """Returns in one line what ended the following; of what the user can mend also how.

    Args:
        error: What was raised.
        root: Folder of the store, in which the tools' files lie.
    """
    if isinstance(error, UserError | CommandError):
        return visible_line(str(error)).rstrip(".")
    if isinstance(error, OSError) and error.errno is not None:
        return visible_line(f"{error.filename or root}: {remedy(error, 'name another place')}")
    # The second line may have the cause, what follows a server's page or a statement of SQL.
    lines = [line for line in str(error).strip().splitlines()[:2] if not line.startswith("[SQL: ")]
    said = visible_line(shown("; ".join(lines)))[:_LONGEST].rstrip(".")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def is_ours(error: Exception) -> bool:
    """Returns whether an error is a fault of this package, whose traceback helps to mend it."""
    if isinstance(error, UserError | CommandError | OSError):
        return False
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and Path(frames[-1].filename).is_relative_to(_PACKAGES)


if __name__ == "__main__":
    main()
