"""`python -m orchestrator.sweep FILE`: runs, continues or shows a sweep."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from orchestrator.outcomes.failures import AlikeFailuresError, MachineError
from orchestrator.ray_tune.access import AccessError
from orchestrator.ray_tune.placement import NoRoomError, local_accelerators, slots
from orchestrator.search_space import SpecError, Sweep, load
from orchestrator.state.lock import SweepHeldError
from orchestrator.store import StoreError, StoreUnusableError
from orchestrator.sweep import plan
from orchestrator.sweep.preflight import StartOptions, UserError, check_options, check_sources
from orchestrator.sweep.run import LimitReachedError, run
from orchestrator.sweep.termination import Terminated
from orchestrator.terminal.console import console
from orchestrator.terminal.options import hours, whole
from trainables.runtime.hub import Unavailable

EXIT_ERROR, EXIT_USER, EXIT_LIMIT, EXIT_INTERRUPTED, EXIT_TERMINATED = 1, 2, 3, 130, 143

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    file: Annotated[Path, typer.Argument(help="Search space file, e.g. search_spaces/rank.yaml.")],
    profile: Annotated[
        str,
        typer.Option(
            help="full: the real model and data. embedded: the built-in ones, minutes on a CPU."
            " auto: full where there is an accelerator."
        ),
    ] = "auto",
    trials: Annotated[
        int | None,
        typer.Option(
            parser=whole(1),
            metavar="N",
            help="Configurations to search, instead of the file's number.",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY.PATH=VALUE",
            help="Override a key of the file, e.g. --set budget.examples=2000. May be repeated.",
        ),
    ] = None,
    root: Annotated[Path, typer.Option(help="Folder of the experiment store.")] = Path(
        "experiments"
    ),
    max_hours: Annotated[
        float | None,
        typer.Option(
            parser=hours,
            metavar="HOURS",
            help="End after so many hours, each trial at its next rung; run again to go on.",
        ),
    ] = None,
    max_device_hours: Annotated[
        float | None,
        typer.Option(
            parser=hours,
            metavar="HOURS",
            help="The same for hours of devices: two GPUs for an hour are two. Earlier starts of"
            " the sweep count.",
        ),
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Start another sweep instead of continuing this one.")
    ] = False,
    show_plan: Annotated[
        bool, typer.Option("--plan", help="Say what would run, and run nothing.")
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(help="Address of a running Ray cluster; without it one is started here."),
    ] = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard/--no-dashboard", help="The Ray dashboard, on this machine.")
    ] = True,
    dashboard_host: Annotated[
        str | None,
        typer.Option(
            help="Address that the dashboard listens on, instead of this machine's own 127.0.0.1:"
            " 0.0.0.0 to watch from other machines, with the token of: ray get-auth-token."
        ),
    ] = None,
) -> None:
    """Run the sweep that FILE describes; run it again to continue it or to see its result.

    Every report is stored as Parquet under --root as soon as it is made, so an interrupted sweep
    loses at most the work since the last rung: the same command goes on from there. What counts as
    the same sweep is what changes a trial's numbers; --trials may grow.

    Exit codes: 0 finished, 2 a mistake in the file or the options, 3 a limit was reached,
    130 interrupted with Ctrl-C, 143 ended by SIGTERM, 1 anything else.
    """
    out = console()
    with exit_code(out):
        sweep = load(
            file, overrides or [], trials, profile, has_accelerator=local_accelerators() > 0
        )
        options = StartOptions(max_hours, max_device_hours, new, address, dashboard, dashboard_host)
        if show_plan:
            check_options(sweep, options)
            check_sources(sweep, ask_hub=False)
            out.print(plan.describe(sweep, _resources(sweep)))
        else:
            run(sweep, root, out, options)


@contextmanager
def exit_code(out: Console) -> Iterator[None]:
    """Turns what `run` raises into one clear message and the exit code that `main` documents."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        terminated = isinstance(interruption, Terminated)
        out.print(
            f"{'Terminated' if terminated else 'Interrupted'}. Nothing that was reported is lost;"
            " the same command continues."
        )
        sys.exit(EXIT_TERMINATED if terminated else EXIT_INTERRUPTED)
    except (
        SpecError,
        UserError,
        AccessError,
        NoRoomError,
        Unavailable,
        SweepHeldError,
        StoreUnusableError,
    ) as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER)
    except LimitReachedError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_LIMIT)
    except (StoreError, MachineError, AlikeFailuresError) as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_ERROR)


def _resources(sweep: Sweep) -> str:
    import psutil

    found = local_accelerators()
    here: dict[str, Any] = {"CPU": float(psutil.cpu_count() or 1)}
    if found:
        here["GPU"] = float(found)
    try:
        return f"on this machine {slots(sweep, here).describe()}"
    except NoRoomError as error:
        return f"on this machine no trial fits: {error}"
