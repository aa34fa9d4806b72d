"""Commands that are printed for a person to paste, and those that a person gave."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import typer

CONSOLE_COMMAND = "finetune-sweep"
"""The name of the installed command, `orchestrator.program`."""


def command(module: str, *words: object) -> str:
    """Returns a command line of this package that a shell takes as it is, each word quoted.

    It begins as the running command was called: with `finetune-sweep`, or with `python -m`. Either
    is spelled out as a path where the shell would find another one by its name: in an environment
    that is not activated `python` is another one.

    Args:
        module: What follows `-m`.
        words: Options and arguments.
    """
    script = sys.argv[0]
    if Path(script).name == CONSOLE_COMMAND:
        found = shutil.which(CONSOLE_COMMAND)
        first = CONSOLE_COMMAND if found and Path(found).samefile(script) else script
        return shlex.join([first, module.removeprefix("orchestrator."), *map(str, words)])
    python = "python" if shutil.which("python") == sys.executable else sys.executable
    return shlex.join([python, "-m", module, *map(str, words)])


def given_words(context: typer.Context, without: Collection[str] = ()) -> tuple[str, ...]:
    """Returns the options and arguments that the running command was given, as words.

    Args:
        context: The command's.
        without: Names of parameters that are left out.
    """
    options: list[str] = []
    arguments: list[str] = []
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if parameter.name in without or source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[str(parameter.name)]
        if parameter.param_type_name == "argument":
            arguments += _values(value)
        elif isinstance(value, bool):
            options.append((parameter.opts if value else parameter.secondary_opts)[0])
        else:
            options += [word for each in _values(value) for word in (parameter.opts[0], each)]
    return (*arguments, *options)


def _values(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]
