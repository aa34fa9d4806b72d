"""Commands that are printed for a person to paste, and those that a person gave."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Collection
from typing import Any

import typer


def command(module: str, *words: object) -> str:
    """Returns a command line of this package that a shell takes as it is, each word quoted.

    It begins with `python` where that is the interpreter that runs, and with its path elsewhere: in
    an environment that is not activated `python` is another one.

    Args:
        module: What follows `-m`.
        words: Options and arguments.
    """
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
