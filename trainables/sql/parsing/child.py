"""The child process that calls functions on text of a model. Standard library only by itself.

Its first line says that it has come up. Then it reads one JSON object a line, `{"function":
"module:name", "rows": [arguments, ...]}`, and answers each row with a line of its own, so that the
parent knows which row a dead child was at: `{"result": ...}`, or `{"error": traceback}` where the
function raised.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import Any

from trainables.sql.sandbox.resource_limits import limit_resources

_NESTING = 3_000
"""Python frames, always counted from the same depth: enough for 60 nested subqueries."""


def main() -> None:
    """Serves requests until standard input ends. Called by `trainables.sql.parsing.process`."""
    cpu_seconds, address_bytes, *folders = json.loads(sys.argv[1])
    sys.path[:] = folders
    sys.setrecursionlimit(_NESTING)
    limit_resources(address_bytes)
    with suppress(BrokenPipeError):
        _write({"pid": os.getpid()})
        for line in sys.stdin.buffer:
            request = json.loads(line)
            module, _, name = request["function"].partition(":")
            function = getattr(importlib.import_module(module), name)
            for arguments in request["rows"]:
                _answer(function, arguments, cpu_seconds)


def _answer(function: Any, arguments: list[Any], cpu_seconds: float) -> None:
    # Processor time. The default action ends the process, whatever the function is doing.
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    try:
        answer = {"result": function(*arguments)}
    except MemoryError:
        # What is left of the memory is anyone's guess; the parent starts another process.
        raise SystemExit(1) from None
    except Exception:
        answer = {"error": traceback.format_exc()}
    signal.setitimer(signal.ITIMER_PROF, 0)
    _write(answer)


def _write(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.flush()
