"""The options that verbs of `results` share, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.results.selection import latest_sweep, select_sweeps
from orchestrator.store.place import Root
from orchestrator.store.unread import unread
from orchestrator.terminal.options import choices, one_of
from orchestrator.terminal.output import Format, say_aside

LatestOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sweep",
        metavar="SWEEP",
        help="Name, id or glob of a sweep; may be repeated (default: the one written to last).",
    ),
]
AllOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sweep",
        metavar="SWEEP",
        help="Name, id or glob of a sweep; may be repeated (default: all).",
    ),
]
FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        parser=one_of(Format),
        metavar=choices(Format),
        help="How the answer is printed.",
    ),
]
RawOption = Annotated[
    bool,
    typer.Option(
        "--raw",
        help="With --format csv: texts as they are, for programs. Otherwise one that a spreadsheet"
        " would take for a formula has ' before it, and control characters are written out.",
    ),
]
ByOption = Annotated[
    str | None,
    typer.Option("--by", metavar="METRIC", help="Score or loss (default: the sweep's objective)."),
]


def store_root(context: typer.Context, root: Root | None) -> Root:
    """Returns where the store is: by `--root` behind the verb, else before it.

    Says what lies in it that nothing reads.
    """
    folder: Root = root or context.obj or Path("experiments")
    say_unread(folder)
    return folder


def say_unread(root: Root) -> None:
    """Says on standard error what lies in the tables of a store that nothing reads, if anything."""
    if words := unread(root):
        say_aside(words)


def selected_sweeps(root: Root, patterns: list[str] | None) -> list[str]:
    """Returns the ids of the sweeps that `--sweep` names, else that of the one written to last.

    Says which one that is, where there are others.
    """
    known = select_sweeps(root, patterns or [])
    if patterns or len(known) == 1:
        return known
    latest = latest_sweep(root)
    say_aside(
        f"Of {latest}, the one of {len(known):,} sweeps that was written to last; --sweep names"
        " another."
    )
    return [latest]
