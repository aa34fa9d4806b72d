"""The command `finetune-sweep`, which `python -m orchestrator` is too: all commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from orchestrator.errors import UserError, exit_codes, nearest
from orchestrator.terminal.output import say
from orchestrator.terminal.process import prepare

COMMANDS = {
    "init": "write a search space for your table",
    "sweep": "run, continue or show a sweep",
    "results": "ask its trials: leaderboard, answer, ...",
    "predict": "ask a trained model for SQL, or export it",
    "dashboard": "write a Grafana board of running sweeps",
}
"""Name -> what it does; each is `orchestrator.<name>`, whose module `cli` has a function `main`."""


def overview(program: str) -> str:
    """Returns what there is and what to type first.

    Args:
        program: How the command is called.
    """
    from orchestrator.search_space.shipped import names

    width = max(map(len, COMMANDS))
    lines = [f"  {program} {name:<{width}}  {words}" for name, words in COMMANDS.items()]
    first = {
        "sweep smoke": "does everything run here?",
        "results leaderboard": "what came of it",
        "init rows.csv": "of your own rows",
        "sweep rows.yaml --plan": "what would run",
    }
    longest = max(map(len, first))
    examples = [f"  {program} {words:<{longest}}  # {why}" for words, why in first.items()]
    return "\n".join(
        [
            "Which fine-tuning technique, rank and amount of data give the best text-to-SQL model?",
            "",
            *lines,
            "",
            "To begin with:",
            *examples,
            "",
            f"Search spaces that come with it: {', '.join(names())}.",
            "Every command has --help.",
        ]
    )


def run(arguments: Sequence[str], program: str) -> None:
    """Runs the command that the first word names, or says what there is.

    Args:
        arguments: Without the program's name.
        program: How it is called.

    Raises:
        UserError: There is no such command.
        SystemExit: The command has ended.
    """
    name, *rest = arguments or ("--help",)
    if name in ("--help", "-h", "help"):
        say(overview(program))
    elif name == "--version":
        from orchestrator.terminal.options import version

        say(version())
    elif name in COMMANDS:
        # Each command loads its own modules, so that none waits for what another one needs.
        import_module(f"orchestrator.{name}.cli").main(rest, f"{program} {name}")
    else:
        close = nearest(name, COMMANDS)
        remedy = f'did you mean "{close}"?' if close else f"there are {', '.join(COMMANDS)}"
        raise UserError(f"{program} has no command {name!r}; {remedy}")


def main() -> None:
    """Entry of `finetune-sweep`."""
    with exit_codes():  # Ctrl-C may come while the modules are loaded, which takes a second
        prepare()
        run(sys.argv[1:], "finetune-sweep")
