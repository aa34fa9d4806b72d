"""`python -m orchestrator.results`: the command line over the modules beside this one.

Each verb imports its own modules, so that none waits for what another one needs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.results.errors import ResultsError
from orchestrator.results.export import ExportFormat
from orchestrator.results.selection import (
    FACTS_AND_METRICS,
    final_rows,
    latest_sweep,
    select_sweeps,
)
from orchestrator.store import StoreError, StoreUnusableError
from orchestrator.terminal.options import choices, one_of, whole
from orchestrator.terminal.output import Answer, Format, emit

EXIT_ERROR, EXIT_USER = 1, 2

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Questions to an experiment store. Exit codes: 0 answered, 2 a mistake in the question,"
    " 1 anything else.",
)

RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the experiment store (default: experiments)."),
]
LatestOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sweep",
        help="Name, id or glob of a sweep; may be repeated (default: the one written to last).",
    ),
]
AllOption = Annotated[
    list[str] | None,
    typer.Option("--sweep", help="Name, id or glob of a sweep; may be repeated (default: all)."),
]
FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        parser=one_of(Format),
        metavar=choices(Format),
        help="What the answer looks like.",
    ),
]
ByOption = Annotated[
    str | None,
    typer.Option("--by", metavar="METRIC", help="Score or loss (default: the sweep's objective)."),
]


@app.callback()
def options(context: typer.Context, root: RootOption = None) -> None:
    """Takes --root before the verb too."""
    context.obj = root


@app.command()
def sweeps(
    context: typer.Context,
    root: RootOption = None,
    sweep: AllOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """What sweeps there are: trials by outcome, best, device time; the latest first."""
    from orchestrator.results.sweeps import overview

    folder = _root(context, root)
    emit(overview(folder, select_sweeps(folder, sweep or [])), form)


@app.command()
def leaderboard(
    context: typer.Context,
    by: ByOption = None,
    technique: Annotated[
        list[str] | None, typer.Option(help="Only this technique; may be repeated.")
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            parser=whole(1),
            metavar="N",
            help="At most so many lines of the table; JSON and CSV have all.",
        ),
    ] = 50,
    root: RootOption = None,
    sweep: LatestOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Trials ranked by their score on the validation rows, with 95 % intervals over rows.

    Completed trials come first, then those that early stopping ended. Test scores stand beside the
    ranking where they were measured; they do not enter it.
    """
    from orchestrator.results.leaderboard import Ranking, render

    folder = _root(context, root)
    ranking = Ranking(folder, _selected(folder, sweep), by, technique or ())
    rows = ranking.entries(limit if form is Format.TABLE else None)
    emit(Answer(rows, render(rows, limit, ranking)), form)


@app.command()
def show(
    context: typer.Context,
    trial: Annotated[
        str,
        typer.Argument(
            metavar="best|NUMBER|ID",
            help="The leader of the sweep's leaderboard, or one trial; an id may be cut short.",
        ),
    ],
    root: RootOption = None,
    sweep: AllOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Everything of one trial: parameters, scores, reports, curve, predictions, environment.

    best and NUMBER are of the sweep written to last, or of the one that --sweep names.
    """
    from orchestrator.results.find_trial import named_trial
    from orchestrator.results.show import show as show_trial

    folder = _root(context, root)
    emit(show_trial(folder, named_trial(folder, sweep or [], trial)), form)


@app.command()
def compare(
    context: typer.Context,
    a: Annotated[
        str,
        typer.Argument(help="A trial (best, a number or an id), or a group: technique=lora."),
    ],
    b: Annotated[str, typer.Argument(help="Another, e.g. rank=8,target_modules=q,v.")],
    by: ByOption = None,
    root: RootOption = None,
    sweep: LatestOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Whether A is better than B: paired by example, with a bootstrap interval and a p-value.

    They are compared at the highest rung that every trial of both reached. Says "not
    distinguishable" when they are not. A loss is not measured row by row: where the sweep's
    objective is one, give a score with --by.
    """
    from orchestrator.results.compare import compare as compare_named

    folder = _root(context, root)
    rows = final_rows(folder, _selected(folder, sweep), FACTS_AND_METRICS)
    emit(compare_named(folder, rows, a, b, by), form)


@app.command()
def effect(
    context: typer.Context,
    parameter: Annotated[
        str,
        typer.Argument(help="A sampled parameter, technique, data_size, or trainable_parameters."),
    ],
    by: ByOption = None,
    root: RootOption = None,
    sweep: LatestOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """How the objective moves with a parameter, at the highest rung that every trial reached.

    For each value: trials, mean with its 95 % interval over trials, best with its learning rate,
    how many early stopping ended, and the completed ones alone; then the trend, and the importance
    of each parameter. CSV has a line for each value, JSON everything.
    """
    from orchestrator.results.effect import COLUMNS, answer

    folder = _root(context, root)
    rows = final_rows(folder, _selected(folder, sweep), COLUMNS)
    emit(answer(folder, rows, parameter, by), form)


@app.command()
def query(
    context: typer.Context,
    sql: Annotated[
        str, typer.Argument(help='E.g. "SELECT technique, max(bleu) FROM trials GROUP BY 1".')
    ],
    root: RootOption = None,
    sweep: AllOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """SQL of DuckDB over the views trials, reports and predictions; read-only."""
    from orchestrator.results.query import query as run_query

    folder = _root(context, root)
    emit(run_query(folder, select_sweeps(folder, sweep or []), sql), form)


@app.command()
def export(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is not there yet.")],
    root: RootOption = None,
    sweep: AllOption = None,
    form: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            parser=one_of(ExportFormat),
            metavar=choices(ExportFormat),
            help="Of the files.",
        ),
    ] = ExportFormat.PARQUET,
) -> None:
    """A compacted copy in DIR: Parquet (one file a table and sweep), CSV or JSON lines."""
    from orchestrator.results.export import export as export_tables

    folder = _root(context, root)
    selected = select_sweeps(folder, sweep or [])
    emit(export_tables(folder, selected, target, form), Format.TABLE)


@app.command("optuna")
def optuna_journal(
    context: typer.Context,
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="A new file, or one that this verb wrote.")
    ],
    root: RootOption = None,
    sweep: LatestOption = None,
) -> None:
    """One sweep as an Optuna study in FILE, a journal that optuna-dashboard opens.

    FILE is a copy: write it anew to see what came since, and start optuna-dashboard again then.
    """
    from orchestrator.results.optuna_journal import write_journal

    folder = _root(context, root)
    emit(write_journal(folder, _selected(folder, sweep), target), Format.TABLE)


@app.command()
def pareto(
    context: typer.Context,
    x: Annotated[str, typer.Option(help="What costs, e.g. trainable_percent, train_seconds.")],
    y: Annotated[str, typer.Option(help="What it buys, e.g. rouge_l.")],
    root: RootOption = None,
    sweep: LatestOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Completed trials that no other one beats in both x and y."""
    from orchestrator.results.pareto import pareto as pareto_front

    folder = _root(context, root)
    emit(pareto_front(folder, _selected(folder, sweep), x, y), form)


@app.command()
def notebooks(
    context: typer.Context,
    root: RootOption = None,
    sweep: AllOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """The study's seven notebooks beside the same runs made here: what was published, what holds.

    Takes the sweep of search_spaces/notebooks.yaml that ended last.
    """
    from orchestrator.results.notebooks import notebooks as study

    emit(study(_root(context, root), sweep or ["notebooks"]), form)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; a user's mistake is one line on standard error and exit code 2.

    Args:
        arguments: Without the program's name; None means those of the process.
    """
    try:
        app(arguments, prog_name="python -m orchestrator.results")
    except (ResultsError, StoreUnusableError) as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER)
    except StoreError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_ERROR)


def _root(context: typer.Context, root: Path | None) -> Path:
    return root or context.obj or Path("experiments")


def _selected(root: Path, patterns: list[str] | None) -> list[str]:
    return select_sweeps(root, patterns) if patterns else [latest_sweep(root)]
