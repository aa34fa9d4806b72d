"""What a sweep's command prints at its end, and that a sweep without a result is an error."""

from __future__ import annotations

import shlex

from rich.console import Console

from orchestrator.errors import CommandError
from orchestrator.outcomes.failed_runs import counted, failed_runs
from orchestrator.results.ends import ends_by_technique, last_line, trained
from orchestrator.results.selection import final_rows
from orchestrator.search.tries import TRIED_AGAIN
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.sweep.preflight import StartOptions
from orchestrator.terminal.commands import command
from orchestrator.terminal.json_console import JsonConsole
from orchestrator.terminal.plain_console import shown

_RESULTS = "orchestrator.results"


class NoneCompletedError(CommandError):
    """Every trial of a finished sweep failed or was stopped, so that it has no answer."""


def show_result(stored: StoredSweep, out: Console) -> None:
    """Prints leaderboard, question, answer, and commands that ask the store for more.

    Args:
        stored: A sweep of which a trial has ended.
        out: Where to.
    """
    from orchestrator.results.answer import answer_object, answered
    from orchestrator.results.confirmed_words import view
    from orchestrator.results.leaderboard import leaderboard, render
    from orchestrator.terminal.output import print_whole

    sweep, root = stored.sweep, stored.address
    if isinstance(out, JsonConsole):
        out.event("answer", question=sweep.question, **answer_object(root, stored.id))
        return
    out.print()
    print_whole(out, render(leaderboard(root, stored.id)))
    confirmed, text = answered(root, stored.id)
    if confirmed is not None:
        out.print()
        print_whole(out, view(confirmed))
    out.print(f"\n{sweep.question}", style="bold", soft_wrap=False)
    print_whole(out, shown(text))
    ask = command(_RESULTS, "--root", root, "leaderboard", "--sweep", stored.id)
    page = command(_RESULTS, "--root", root, "report", stored.id, "-o", f"{stored.id}.html")
    out.print(
        f"\nEverything is Parquet under {root}. For example:\n  duckdb -c {_query(stored)}"
        f"\n  {ask}\n  {page}"
    )


def check_completed(stored: StoredSweep, options: StartOptions) -> None:
    """Checks that a trial of a finished sweep completed.

    Where the sweep trains, the untuned model counts for nothing.

    Args:
        stored: The sweep.
        options: How it was started.

    Raises:
        NoneCompletedError: None did; says what became of them, where to read why, and which
            command tries them again.
    """
    columns = ["trial_id", "trial_number", "technique", "outcome", "error"]
    rows = final_rows(stored.address, [stored.id], columns)
    if any(row["outcome"] == "completed" for row in trained(rows) or rows):
        return
    said = f"No trial of {stored.id} completed: {'; '.join(ends_by_technique(trained(rows)))}."
    failed = [row for row in rows if row["outcome"] not in ("completed", "stopped")]
    if failed:
        last = failed[-1]
        show = command(_RESULTS, "--root", stored.address, "show", last["trial_id"])
        said += f" The last error was: {last_line(last['error'])}\nAll of it:\n  {show}"
    retried = any(row["outcome"] in TRIED_AGAIN for row in trained(rows))
    option, what = "--new", "a new sweep tries all of them again"
    if retried:
        option, what = "--retry-failed", "this tries those again that failed"
    again = command("orchestrator.sweep", *options.command, option)
    raise NoneCompletedError(f"{said}\nOnce the cause is mended, {what}:\n  {again}")


def say_failed(stored: StoredSweep, options: StartOptions, out: Console) -> None:
    """Says of a finished sweep how many of its runs failed, and which command tries them again."""
    failed = failed_runs(stored)
    if failed:
        again = command("orchestrator.sweep", *options.command, "--retry-failed")
        out.print(
            f"\n{counted(failed)}. Once the cause is mended, this tries them again:\n  {again}"
        )


def _query(stored: StoredSweep) -> str:
    """Returns a query of the final rows as one word of a shell."""
    pattern = f"{stored.address}/trials/sweep={stored.id}/*.parquet"
    files = "'" + pattern.replace("'", "''") + "'"
    objective = stored.sweep.objective
    measured = ", ".join(dict.fromkeys((objective.metric, "eval_loss")))
    best_first = "objective DESC" if objective.mode == "max" else "objective"
    query = (
        f"SELECT technique, rank, data_size, {measured}, outcome FROM {files}"
        # DuckDB puts NULL last in both directions: those that were stopped, the last ones first.
        f" ORDER BY {best_first}, last_rung DESC, eval_loss"
    )
    # Double quotes are easier to read, where nothing in the query means anything between them.
    return shlex.quote(query) if set(query) & set('"$`\\!') else f'"{query}"'
