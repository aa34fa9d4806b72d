"""`python -m orchestrator.sweep FILE`: runs, continues or shows a sweep."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from orchestrator.errors import UserError, exit_codes
from orchestrator.price.packing import Packing
from orchestrator.ray_tune.placement import NoRoomError, local_accelerators, local_slots
from orchestrator.results.root_address import RootOption
from orchestrator.search_space import Sweep, load
from orchestrator.search_space.shipped import locate, names
from orchestrator.store.place import Root
from orchestrator.store.unread import unread
from orchestrator.sweep import plan
from orchestrator.sweep.adopting import planned_adoption
from orchestrator.sweep.base_fit import check_loads
from orchestrator.sweep.preflight import (
    StartOptions,
    check_options,
    check_sources,
    largest_size,
    same_command,
)
from orchestrator.sweep.run import run
from orchestrator.terminal.commands import given_words
from orchestrator.terminal.console import console
from orchestrator.terminal.json_console import JsonConsole
from orchestrator.terminal.options import (
    VersionOption,
    amount,
    choices,
    hours,
    not_empty,
    one_of,
    path,
    whole,
)
from orchestrator.terminal.plain_console import PlainConsole, shown
from orchestrator.terminal.process import command_line
from orchestrator.tracking.tools import check_servers
from trainables.contract.configuration import BUILT_IN_MODELS, EMBEDDED
from trainables.data.survey import Survey


class LogFormat(StrEnum):
    """How events are printed while a sweep runs."""

    TEXT = "text"
    JSON = "json"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def sweep(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            parser=path,
            metavar="FILE|NAME|-",
            help="Search space file; or the name of one that comes with the package"
            f" ({', '.join(names())}); or - for standard input.",
        ),
    ],
    profile: Annotated[
        str,
        typer.Option(
            metavar="[full|embedded|auto]",
            help="full: the real model and data. embedded: the built-in ones, minutes on a CPU."
            " auto: full where there is an accelerator, here or on the cluster of --address,"
            " elsewhere embedded.",
        ),
    ] = "auto",
    trials: Annotated[
        int | None,
        typer.Option(
            parser=whole(1),
            metavar="N",
            help="How many configurations the search tries, instead of the file's number.",
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
    root: RootOption = None,
    max_hours: Annotated[
        float | None,
        typer.Option(
            parser=hours,
            metavar="HOURS",
            help="Stop after this many hours, each trial at its next rung; the same command"
            " continues.",
        ),
    ] = None,
    max_device_hours: Annotated[
        float | None,
        typer.Option(
            parser=hours,
            metavar="HOURS",
            help="The same for hours of devices: an hour on two GPUs counts as two. Earlier starts"
            " of the sweep count too.",
        ),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            parser=amount,
            metavar="AMOUNT",
            help="The same for what the devices cost, at resources.price_per_device_hour of the"
            " file.",
        ),
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Start another sweep instead of continuing this one.")
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Try the runs again that ended as failed, out_of_memory or hung, also those that"
            " confirm, once the cause is mended; what they left stays on record. One that diverged"
            " is a result, and is not run again.",
        ),
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Train every run of a new sweep, also those that other sweeps of the store have"
            " trained to the same numbers. --new does so too.",
        ),
    ] = False,
    is_quiet: Annotated[
        bool, typer.Option("--quiet", help="Print the result alone, and errors.")
    ] = False,
    log_format: Annotated[
        LogFormat,
        typer.Option(
            "--log-format",
            parser=one_of(LogFormat),
            metavar=choices(LogFormat),
            help="text: a screen on a terminal, lines in a pipe. json: each event is a JSON object"
            " on a line of its own, the answer the last of them.",
        ),
    ] = LogFormat.TEXT,
    on_end: Annotated[
        str | None,
        typer.Option(
            "--on-end",
            parser=not_empty,
            metavar="COMMAND",
            help="Run a command with the shell (/bin/sh) when the sweep has ended: finished, at a"
            " limit, interrupted or failed. On its standard input it gets JSON: sweep_id, outcome,"
            " exit_code, trials by outcome, the answer. It has 60 seconds, and changes no exit"
            " code. It is not run where the sweep had finished before.",
        ),
    ] = None,
    show_plan: Annotated[
        bool, typer.Option("--plan", help="Print what would run, without running it.")
    ] = False,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="With --plan: train ten steps of each technique here, and of packs of trials"
            " where the file asks for these, to say how long the sweep takes. Without it the"
            " trials that the store has say so.",
        ),
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(
            envvar="RAY_ADDRESS",  # which Ray sets in a job: it is to run on the job's cluster
            metavar="HOST:PORT|auto",
            help="A running Ray cluster, whose nodes see --root under the same name; without it one"
            " is started on this machine.",
        ),
    ] = None,
    dashboard: Annotated[
        bool,
        typer.Option(
            "--dashboard/--no-dashboard",
            help="Whether a cluster that is started here has a Ray dashboard.",
        ),
    ] = True,
    dashboard_host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address that the dashboard listens on (default: 127.0.0.1, this machine only)."
            " 0.0.0.0 lets other machines in, with the token of: ray get-auth-token.",
        ),
    ] = None,
    version: VersionOption = False,
) -> None:
    """Run the sweep that a search space describes; again to continue it or to see its result.

    Every report is stored as Parquet under --root as soon as it is made, so an interrupted sweep
    loses at most the work since the last rung: the same command goes on from there. A changed file
    or option makes another sweep if a trial's numbers depend on it; a larger --trials does not.

    Exit codes: 0 finished, 2 a mistake in the file or the options, 3 a limit was reached,
    130 interrupted with Ctrl-C, 143 ended by SIGTERM, 1 anything else, also where no trial
    completed.
    """
    root = root or Path("experiments")
    out = console(JsonConsole if log_format is LogFormat.JSON else PlainConsole)
    out.quiet = is_quiet and not show_plan
    # Within the command: typer ends a program on Ctrl-C by itself, without a word.
    with exit_codes(partial(say_interrupted, out, new=new, retry_failed=retry_failed)):
        here = local_accelerators() > 0
        asks_cluster = profile == "auto" and not here and address is not None
        resolved = load(
            locate(file),
            overrides or [],
            trials,
            profile,
            here or (asks_cluster and _cluster_has_accelerator(address)),
            on_cluster=asks_cluster,
        )
        options = StartOptions(
            max_hours,
            max_device_hours,
            max_cost,
            new,
            retry_failed,
            address,
            dashboard,
            dashboard_host,
            command=given_words(
                context, without=("new", "retry_failed", "show_plan", "fresh", "measure")
            ),
            fresh=fresh,
            on_end=on_end,
        )
        if measure and not show_plan:
            raise UserError("--measure says how long the sweep takes, for --plan; add --plan.")
        if show_plan:
            check_options(resolved, options)
            check_servers(resolved.track)
            # Imports sqlglot, which a start of the sweep has no use for.
            from orchestrator.sweep import row_preview
            from orchestrator.sweep.packing import planned

            if resolved.dataset == EMBEDDED:  # whose sizes are known without reading
                check_sources(resolved, ask_hub=False)
            seen = row_preview.preview(resolved, largest_size(resolved))
            check_sources(resolved, ask_hub=False, found=seen.survey)
            check_loads(resolved)
            rows = list(row_preview.describe(resolved, seen))
            rows.append(("adopted", planned_adoption(resolved, root, seen.survey, options)))
            placed, packing = planned(resolved, address, seen.survey, out, measured=measure)
            if packing is not None:
                rows.append(("pack", packing.words))
            rows += _price(placed, root, out, seen.survey, options, packing, measured=measure)
            out.print(plan.describe(resolved, _resources(placed), rows))
            if words := unread(root):
                out.print(shown(words))
        else:
            run(resolved, root, out, options)


main = command_line(app, "python -m orchestrator.sweep")


def say_interrupted(
    out: Console, what: str, *, new: bool = False, retry_failed: bool = False
) -> None:
    """Says that a signal ended the sweep, and how it goes on.

    Args:
        out: Where to.
        what: "Interrupted" or "Terminated".
        new: Whether the command has `--new`, with which it would begin yet another sweep.
        retry_failed: Whether it has `--retry-failed`.
    """
    again = same_command(new, retry_failed)
    out.print(f"{what}. Nothing that was reported is lost; {again} continues.")


def _price(
    sweep: Sweep,
    root: Root,
    out: Console,
    survey: Survey | None,
    options: StartOptions,
    packing: Packing | None,
    *,
    measured: bool,
) -> list[tuple[str, str]]:
    # Imports what a start of the sweep has no use for.
    from orchestrator.sweep import memory, pricing

    try:
        place = local_slots(sweep)
    except NoRoomError:
        return []
    # Before what is slower: it may refuse the sweep. A built-in model is small, and the process
    # that counts takes ten seconds, as each one that measures.
    is_counted = measured or sweep.base_model not in BUILT_IN_MODELS
    needed = memory.needs(sweep, place) if is_counted else []
    memory.check_memory(needed, place)
    by_formula = list(memory.describe(needed, place))
    test_rows = pricing.test_rows(sweep, survey)
    if test_rows is None:
        unknown = ("time", "not known: the data set's test rows are counted when they are here")
        return [unknown, *by_formula]
    found = pricing.price(sweep, root, place, out, test_rows, measured=measured, packing=packing)
    return [*pricing.describe(found, place, root, options.caps(sweep)), *by_formula]


def _cluster_has_accelerator(address: str | None) -> bool:
    # Imports Ray, which takes two seconds that other starts need not wait for here.
    from orchestrator.ray_tune.cluster import has_accelerator

    return address is not None and has_accelerator(address)


def _resources(sweep: Sweep) -> str:
    try:
        return f"on this machine {local_slots(sweep).describe()}"
    except NoRoomError as error:
        return f"on this machine no trial fits: {error}"
