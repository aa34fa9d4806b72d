"""Starts the processes that run or parse SQL from anyone. Standard library only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_BOOTSTRAP = (
    "import importlib, sys; sys.path.append(sys.argv.pop(1));"
    " importlib.import_module(sys.argv.pop(1)).main()"
)
PACKAGES = str(Path(__file__).resolve().parents[3])
"""The folder that this package lies in."""
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Some Python installations do not start without them; the child sees no others."""


class SandboxUnavailable(RuntimeError):  # noqa: N818  # the domain's word for it
    """The child process cannot be started at all."""


def start_child(
    module: str, settings: Any, *, bufsize: int = -1, keeps_bytecode: bool = True
) -> subprocess.Popen[bytes]:
    """Starts `main()` of a module in a process with an empty environment, in the root folder.

    Standard input and output are pipes, for the caller to close; standard error is discarded. The
    process has a session of its own: Ctrl-C in a terminal is for the parent to act on.

    Args:
        module: Full name of a module that is found beside this one and needs the standard library
            only until it has run: the child has neither site-packages nor the parent's folder.
        settings: Handed over as JSON in the child's `sys.argv[1]`.
        bufsize: Of the pipes at this end, as in `subprocess.Popen`.
        keeps_bytecode: Whether modules that the child imports may be written where Python keeps
            compiled ones.

    Raises:
        SandboxUnavailable: The system does not start it.
    """
    try:
        return subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", *(() if keeps_bytecode else ("-B",))),
                *("-c", _BOOTSTRAP, PACKAGES, module, json.dumps(settings)),
            ],
            bufsize=bufsize,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise SandboxUnavailable(f"The SQL process cannot be started: {error}.") from error


def end_child(process: subprocess.Popen[bytes]) -> int:
    """Kills a process and closes its pipes; returns its exit status, negative for a signal.

    A process that has already ended keeps the status it ended with.
    """
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                # What was not written any more: nobody is left to read it.
                continue
    return process.returncode
