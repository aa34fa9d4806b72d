"""The command that a person wants run when a sweep has ended, however it ended (`--on-end`)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from orchestrator.errors import ExitCode, exit_code_of
from orchestrator.results.errors import ResultsError
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import StoreError, index
from orchestrator.terminal.json_text import json_text
from orchestrator.terminal.output import json_values
from orchestrator.terminal.plain_console import shown

SECONDS = 60.0
"""What the command may take: nothing waits for it but the end of the sweep's own command."""

_WORDS = {
    0: "finished",
    ExitCode.LIMIT: "limit",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "interrupted",
}


@dataclass
class Ending:
    """The sweep whose end the command is told of.

    Attributes:
        stored: The sweep; None while none has begun to run: then the command is not run.
    """

    stored: StoredSweep | None = None


@contextmanager
def on_end(given: str | None, out: Console) -> Iterator[Ending]:
    """Runs a command when the sweep has ended within the context, however it has.

    What the command does changes nothing: if it fails or takes too long, that is said.

    Args:
        given: The command, for the shell; None runs none.
        out: Where to say that it failed.

    Yields:
        What is to be told which sweep runs.
    """
    ending = Ending()
    code = 0
    try:
        yield ending
    except BaseException as error:
        code = exit_code_of(error) or ExitCode.ERROR
        raise
    finally:
        failure = None
        if given is not None and ending.stored is not None:
            failure = _run(given, json_text(json_values(_document(ending.stored, code)), indent=2))
        if failure is not None:
            with contextlib.suppress(OSError):  # whoever read the output may have closed it
                out.print(shown(f"--on-end: {failure}"))


def _document(stored: StoredSweep, code: int) -> dict[str, Any]:
    """Returns what the command reads: how the sweep ended, and its answer if there is one."""
    document: dict[str, Any] = {
        "sweep_id": stored.id,
        "name": stored.sweep.name,
        "question": stored.sweep.question,
        "root": str(stored.address),
        "outcome": _WORDS.get(code, "failed"),
        "exit_code": int(code),
        "trials": {},
        "answer": None,
    }
    # A store that cannot be read is why the sweep ended, and the rest is worth telling.
    with contextlib.suppress(StoreError, ResultsError, OSError):
        ended = index.trials(stored.address, stored.id, columns=("outcome",))["outcome"].to_pylist()
        document["trials"] = dict(Counter(ended))
        document["answer"] = _answer(stored) if ended else None
    return document


def _answer(stored: StoredSweep) -> dict[str, Any]:
    # Imports scipy and optuna, which take a second that no other sweep waits for.
    from orchestrator.results.answer import answer_object

    return answer_object(stored.address, stored.id)


def _run(given: str, text: str) -> str | None:
    """Runs the command and returns what went wrong, None if nothing did."""
    try:
        # In a session of its own, so that all that it starts can be ended with it.
        process = subprocess.Popen(given, shell=True, stdin=subprocess.PIPE, start_new_session=True)
    except OSError as error:
        return f"the command cannot be started ({error.strerror})."
    try:
        process.communicate(text.encode(), SECONDS)
    except subprocess.TimeoutExpired:
        return f"the command did not end within {SECONDS:g} s, and was ended."
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        return f"the command ended with exit code {process.returncode}."
    return None
