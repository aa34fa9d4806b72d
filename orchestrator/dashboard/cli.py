"""`finetune-sweep dashboard`: writes the Grafana board of running sweeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.dashboard.board import UID, board
from orchestrator.errors import exit_codes
from orchestrator.results.target import check_file, publish
from orchestrator.terminal.options import VersionOption, path
from orchestrator.terminal.output import say, say_aside
from orchestrator.terminal.process import command_line

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def dashboard(
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            parser=path,
            metavar="FILE",
            help="A new file, or one that this command wrote; without it the board goes to"
            " standard output. Grafana as Ray sets it up shows what lies in"
            " /tmp/ray/session_latest/metrics/grafana/dashboards.",
        ),
    ] = None,
    version: VersionOption = False,
) -> None:
    """Write a Grafana board of running sweeps, for Grafana's import or for its dashboards folder.

    It shows the metrics that a sweep exports through Ray: runs, objective, losses, speed, memory,
    time left. docs/watching.md says how Prometheus and Grafana find them.
    """
    with exit_codes():
        text = json.dumps(board(), indent=1)
        if output is None:
            say(text)
            return
        check_file(output, None, _is_board)
        publish(output, lambda file: file.write_text(text + "\n", encoding="utf-8"))
        say_aside(f"{output} has the board.")


def _is_board(file: Path) -> bool:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("uid") == UID


main = command_line(app, "python -m orchestrator dashboard")
