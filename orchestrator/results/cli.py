"""`python -m orchestrator.results`: the command line over the modules beside this one.

Each verb imports its own modules, so that none waits for what another one needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.results.export import ExportFormat
from orchestrator.results.options import (
    AllOption,
    ByOption,
    FormatOption,
    LatestOption,
    RawOption,
    selected_sweeps,
    store_root,
)
from orchestrator.results.report.formats import ReportFormat
from orchestrator.results.root_address import RootOption, root_address
from orchestrator.results.selection import FACTS_AND_METRICS, final_rows, select_sweeps
from orchestrator.results.track import Tool
from orchestrator.terminal.options import VersionOption, choices, one_of, path, whole
from orchestrator.terminal.output import Answer, Format, emit, say_aside
from orchestrator.terminal.process import command_line

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Questions about an experiment store. Exit codes: 0 answered, 2 a mistake in the question,"
    " 130 interrupted with Ctrl-C, 1 anything else.",
)


@app.callback()
def options(
    context: typer.Context, root: RootOption = None, version: VersionOption = False
) -> None:
    """Takes --root before the verb too."""
    context.obj = root


@app.command()
def sweeps(
    context: typer.Context,
    root: RootOption = None,
    sweep: AllOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """The sweeps, the latest first: trials by outcome, the best trial, device time."""
    from orchestrator.results.sweeps import overview

    folder = store_root(context, root)
    emit(overview(folder, select_sweeps(folder, sweep or [])), form, raw=raw)


@app.command()
def leaderboard(
    context: typer.Context,
    by: ByOption = None,
    technique: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this technique; may be repeated.")
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            parser=whole(1),
            metavar="N",
            help="Show at most N lines of the table; JSON and CSV have all.",
        ),
    ] = 50,
    trials: Annotated[
        bool, typer.Option("--trials", help="Each trial by itself, instead of configurations.")
    ] = False,
    wide: Annotated[
        bool,
        typer.Option(
            "--wide",
            help="Every column, however narrow the terminal is. In a pipe all of them are there.",
        ),
    ] = False,
    root: RootOption = None,
    sweep: LatestOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """Configurations ranked by their score on the validation rows, with 95 % intervals over rows.

    The runs of a configuration under several seeds are averaged. Those that completed come first,
    then those that early stopping ended: the later the higher, and at the same rung by the
    validation loss. Scores on the test rows, of a configuration that was confirmed the mean over
    its confirming runs, stand beside; they do not change the ranking. On a terminal the columns
    that do not fit are left out, the least important first.
    """
    from orchestrator.results.leaderboard import Ranking, render

    folder = store_root(context, root)
    selected = selected_sweeps(folder, sweep)
    ranking = Ranking(folder, selected, by, technique or (), each_trial=trials)
    rows = ranking.entries(limit if form is Format.TABLE else None)
    emit(Answer(rows, render(rows, limit, ranking, wide=wide)), form, raw=raw)


@app.command()
def answer(
    context: typer.Context,
    root: RootOption = None,
    sweep: LatestOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """What a sweep answers to its question, from the runs that confirmed what it chose.

    Of each parameter that the sweep asks about: the difference that it makes, with its interval,
    which leaves out 0 where the difference is claimed. JSON has the same object.
    """
    from orchestrator.results.answer import emitted

    folder = store_root(context, root)
    emit(emitted(folder, selected_sweeps(folder, sweep)), form, raw=raw)


@app.command()
def report(
    context: typer.Context,
    sweep: Annotated[
        str | None,
        typer.Argument(
            metavar="[SWEEP]",
            help="Name, id or glob of one sweep (default: the one written to last).",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            parser=path,
            metavar="FILE",
            help="A new file, or one that this command wrote (default: for html SWEEP.html here,"
            " for md standard output).",
        ),
    ] = None,
    form: Annotated[
        ReportFormat | None,
        typer.Option(
            "--format",
            parser=one_of(ReportFormat),
            metavar=choices(ReportFormat),
            help="A page for a browser, or Markdown without plots, for a pull request (default: as"
            " FILE ends, html without an ending).",
        ),
    ] = None,
    root: RootOption = None,
) -> None:
    """One file that says what a sweep asked, what it answers, and what that rests on.

    The page works without a network and prints well. Of a sweep that is not finished it says what
    there is so far.
    """
    from orchestrator.results.report.file import write_report

    folder = store_root(context, root)
    selected = selected_sweeps(folder, None if sweep is None else [sweep])
    written = write_report(folder, selected, output, form)
    if written is not None:
        emit(written, Format.TABLE)


@app.command()
def show(
    context: typer.Context,
    trial: Annotated[
        str,
        typer.Argument(
            metavar="best|NUMBER|ID",
            help="best: what tuning found best, in its first confirming run; without one the"
            " leader of the sweep's leaderboard. Of an id its beginning is enough.",
        ),
    ],
    root: RootOption = None,
    sweep: AllOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """Everything of one trial: parameters, scores, reports, curve, predictions, environment.

    best and NUMBER mean a trial of the sweep written to last, or of the one that --sweep names.
    """
    from orchestrator.results.find_trial import named_trial
    from orchestrator.results.show import show as show_trial

    folder = store_root(context, root)
    emit(show_trial(folder, named_trial(folder, sweep or [], trial)), form, raw=raw)


@app.command()
def compare(
    context: typer.Context,
    a: Annotated[
        str,
        typer.Argument(help="A trial (best, a number or an id), or a group: technique=lora."),
    ],
    b: Annotated[
        str, typer.Argument(help="The other trial or group, e.g. rank=8,target_modules=q,v.")
    ],
    by: ByOption = None,
    root: RootOption = None,
    sweep: LatestOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """Whether A is better than B: paired by example, with an interval and what it is over.

    Of trials that completed; where those confirm what tuning chose, on test rows. Replicates are
    averaged, and groups of fewer than three configurations are described, not tested. Says "not
    distinguishable" when they are not. Only scores are measured row by row: if the sweep's
    objective is a loss, name a score with --by.
    """
    from orchestrator.results.compare import compare as compare_named

    folder = store_root(context, root)
    rows = final_rows(folder, selected_sweeps(folder, sweep), FACTS_AND_METRICS)
    emit(compare_named(folder, rows, a, b, by), form, raw=raw)


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
    raw: RawOption = False,
) -> None:
    """How the objective changes with a parameter, at the highest rung that every trial reached.

    For each value: the number of configurations, their mean with its 95 % interval over them, the
    best one and its learning rate, how many trials early stopping ended, and the mean of those that
    completed. Then what was confirmed, where the sweep asks about the parameter, and, where any
    parameter is seen to matter, the importance of each. CSV has a line for each value, JSON
    everything.
    """
    from orchestrator.results.effect import COLUMNS, answer

    folder = store_root(context, root)
    rows = final_rows(folder, selected_sweeps(folder, sweep), COLUMNS)
    emit(answer(folder, rows, parameter, by), form, raw=raw)


@app.command()
def query(
    context: typer.Context,
    sql: Annotated[
        str, typer.Argument(help='E.g. "SELECT technique, max(bleu) FROM trials GROUP BY 1".')
    ],
    root: RootOption = None,
    sweep: AllOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """The rows that DuckDB finds in the views trials, reports and predictions; read-only."""
    from orchestrator.results.query import query as run_query

    folder = store_root(context, root)
    emit(run_query(folder, select_sweeps(folder, sweep or []), sql), form, raw=raw)


@app.command()
def export(
    context: typer.Context,
    target: Annotated[
        Any,
        typer.Argument(
            parser=root_address,
            metavar="DIR|s3://BUCKET/PATH",
            help="A new or empty folder, or a place in a bucket.",
        ),
    ],
    root: RootOption = None,
    sweep: AllOption = None,
    form: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            parser=one_of(ExportFormat),
            metavar=choices(ExportFormat),
            help="Format of the files.",
        ),
    ] = ExportFormat.PARQUET,
    raw: RawOption = False,
) -> None:
    """A compacted copy elsewhere: Parquet (one file per table and sweep), CSV or JSON lines.

    Into a bucket Parquet only; other sweeps may lie there. The copy is read like a store: --root.
    """
    from orchestrator.results.export import export as export_tables

    folder = store_root(context, root)
    selected = select_sweeps(folder, sweep or [])
    emit(export_tables(folder, selected, target, form, raw=raw), Format.TABLE)


@app.command("optuna")
def optuna_journal(
    context: typer.Context,
    target: Annotated[
        Path,
        typer.Argument(
            parser=path, metavar="FILE", help="A new file, or one that this command wrote."
        ),
    ],
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Go on until the sweep ends or Ctrl-C: FILE grows, and an open optuna-dashboard"
            " shows it. Parameters then have the widest ranges that a file may give them.",
        ),
    ] = False,
    root: RootOption = None,
    sweep: LatestOption = None,
) -> None:
    """One sweep as an Optuna study in FILE, a journal that optuna-dashboard opens.

    FILE is a copy. To see newer results, run this again, then restart optuna-dashboard; or
    --follow the sweep while it runs.
    """
    folder = store_root(context, root)
    selected = selected_sweeps(folder, sweep)
    if follow:
        from orchestrator.results.optuna_follow import follow_journal

        emit(follow_journal(folder, selected, target, say_aside), Format.TABLE)
    else:
        from orchestrator.results.optuna_journal import write_journal

        emit(write_journal(folder, selected, target), Format.TABLE)


@app.command()
def track(
    context: typer.Context,
    tool: Annotated[
        Tool,
        typer.Argument(parser=one_of(Tool), metavar=choices(Tool), help="Where to."),
    ],
    root: RootOption = None,
    sweep: LatestOption = None,
) -> None:
    """Write a sweep into wandb, MLflow or TensorBoard, as track: in its file does while it runs.

    Only what is missing there is written: after a sweep that ran without the tool, or whose tool
    failed. wandb's files and TensorBoard's lie below --root, MLflow's where MLflow has them.
    """
    from orchestrator.results.track import track as write

    folder = store_root(context, root)
    emit(write(folder, selected_sweeps(folder, sweep), tool), Format.TABLE)


@app.command()
def pareto(
    context: typer.Context,
    x: Annotated[
        str,
        typer.Option(metavar="METRIC", help="The cost, e.g. trainable_percent or train_seconds."),
    ],
    y: Annotated[str, typer.Option(metavar="METRIC", help="The gain, e.g. rouge_l.")],
    root: RootOption = None,
    sweep: LatestOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """Completed trials that no other trial beats in both x and y."""
    from orchestrator.results.pareto import pareto as pareto_front

    folder = store_root(context, root)
    emit(pareto_front(folder, selected_sweeps(folder, sweep), x, y), form, raw=raw)


@app.command()
def notebooks(
    context: typer.Context,
    root: RootOption = None,
    sweep: AllOption = None,
    form: FormatOption = Format.TABLE,
    raw: RawOption = False,
) -> None:
    """The study's seven notebooks beside the same runs made here: published scores, and which hold.

    Reads the sweep of the search space `notebooks` that ended last.
    """
    from orchestrator.results.notebooks import notebooks as study

    emit(study(store_root(context, root), sweep or ["notebooks"]), form, raw=raw)


main = command_line(app, "python -m orchestrator.results")
