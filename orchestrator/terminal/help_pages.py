"""What `--help` shows: texts that fill a terminal of any width, and flags that take no value.

typer keeps the line breaks of a docstring and breaks its lines again where the terminal ends, and
calls a flag `<bool>`, as if `--quiet true` were meant.
"""

from __future__ import annotations

import inspect
from typing import Any

import typer


def with_plain_help(app: typer.Typer) -> Any:
    """Returns the command of an app, for typer to run, with its help pages made plain."""
    command: Any = typer.main.get_command(app)
    for each in (command, *getattr(command, "commands", {}).values()):
        each.help = flowing(each.help or "")
        # The option --help is made when it is first asked for, and kept.
        for parameter in (*each.params, each.get_help_option(typer.Context(each))):
            if getattr(parameter, "is_flag", False) and parameter.metavar is None:
                parameter.metavar = ""
    return command


def flowing(text: str) -> str:
    """Returns a text with each paragraph on one line; what is indented keeps its lines.

    Args:
        text: A docstring.
    """
    lines = [""]
    for line in inspect.cleandoc(text).splitlines():
        goes_on = line.strip() and lines[-1] and not line.startswith(" ")
        if goes_on and not lines[-1].startswith(" "):
            lines[-1] += f" {line}"
        else:
            lines.append(line.rstrip())
    return "\n".join(lines[1:])
