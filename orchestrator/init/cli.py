"""`finetune-sweep init`: writes a commented search space for a table and a base model."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.errors import UserError, exit_codes, remedy
from orchestrator.init.findings import Division, Findings, check, find
from orchestrator.init.given import check_given, options_of, told_as_given
from orchestrator.init.template import Asked, candidate, document
from orchestrator.search_space import Sweep, load
from orchestrator.search_space.profiles import PROFILES
from orchestrator.search_space.shipped import FOLDER
from orchestrator.sweep.preflight import largest_size
from orchestrator.sweep.row_preview import describe_cut, preview
from orchestrator.sweep.rows import describe_split, describe_table
from orchestrator.terminal.commands import CONSOLE_COMMAND, command
from orchestrator.terminal.options import VersionOption, path, whole
from orchestrator.terminal.output import say
from orchestrator.terminal.process import command_line
from trainables.base_models.availability import check_model
from trainables.contract.configuration import EMBEDDED
from trainables.runtime.local_paths import local_path

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_LONGEST_NAME = 48
_COLUMNS = "columns"


@app.command()
def init(
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="A table of questions, schemas and SQL, a folder of tables, or an identifier on"
            " the Hugging Face hub (default: what comes with the profile)."
        ),
    ] = None,
    base_model: Annotated[
        str | None,
        typer.Argument(
            help="A folder with a checkpoint, an identifier on the hub, or embedded (default: what"
            " comes with the profile)."
        ),
    ] = None,
    databases: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="DIR",
            help="A folder of SQLite files, or one file, that the table names in a column such as"
            " db_id: they have the schemas, and rows to query.",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="What the table's columns are, e.g. --set columns.sql=gold, or its databases, as"
            " in a search space. May be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=path, metavar="FILE", help="The new file (default: named after the table)."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(parser=whole(0), metavar="N", help="Of the sweep.")] = 0,
    version: VersionOption = False,
) -> None:
    """Write a commented search space for a table and a base model; it asks what rank buys.

    Reads the table, checks its columns, and proposes sizes that its rows allow and an objective
    that can be measured on them. Nothing is trained or downloaded, and no file is overwritten.

    Exit codes: 0 written, 2 a mistake in the table or the options, 1 anything else.
    """
    with exit_codes():
        _write(dataset, base_model, databases, overrides or (), out, seed)


main = command_line(app, "python -m orchestrator.init")


def _write(
    dataset: str | None,
    base_model: str | None,
    databases: Path | None,
    overrides: Sequence[str],
    out: Path | None,
    seed: int,
) -> None:
    check_given(dataset, base_model)
    columns, named = _said(overrides)
    databases = databases or named
    if (databases is not None or columns) and dataset is None:
        raise UserError("Columns and databases are a table's; name the table too.")
    dataset, base_model = _absolute(dataset), _absolute(base_model)
    name = _name(out.stem if out else dataset)
    target = out or Path(f"{name}.yaml")
    _check_target(target)
    again = command("orchestrator.sweep", target)
    called = shlex.join([CONSOLE_COMMAND, "sweep", target.name])
    opened = None if databases is None else str(databases.resolve())
    schema = str(FOLDER / "schema.json")
    asked = Asked(name, dataset, opened, columns, base_model, seed, schema, called)
    if base_model is not None:
        with told_as_given(target, {}):
            check_model(base_model, ask_hub=False)

    def divided(division: Division) -> Sweep:
        return load(target, profile=PROFILES[0], text=candidate(asked, division))

    with told_as_given(target, options_of(asked, databases)):
        found = find(divided)
        proposed = load(target, profile="full", text=document(asked, found, []))
        notes = _notes(asked, found, proposed)
        text = document(asked, found, notes)
        for profile in PROFILES:
            sweep = load(target, profile=profile, text=text)
            if dataset is not None or profile == EMBEDDED:
                check_rows(sweep, base_model)
    try:
        with target.open("x", encoding="utf-8") as file, _removed_unless_whole(target):
            file.write(text)
            file.flush()
    except OSError as error:
        why = remedy(error, "name another file with --out")
        raise UserError(f"{target} cannot be written: {why}.") from error
    say("\n".join(notes))
    say(f"\n{target} is written. What it would run, and then to run it:")
    say(f"  {again} --plan\n  {again}")


@contextmanager
def _removed_unless_whole(file: Path) -> Iterator[None]:
    """Removes a file that could not be written whole: it would be in the way of the next try."""
    try:
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _check_target(target: Path) -> None:
    """Checks that a new file can be there, before the rows are read.

    Raises:
        UserError: One is there, or its folder is not.
    """
    if target.exists() or target.is_symlink():
        raise UserError(f"{target} is there already; name another file with --out.")
    folder = target.parent
    if not folder.exists():
        make = shlex.join(["mkdir", "-p", str(folder)])
        raise UserError(
            f"{target} cannot be written: the folder {folder} is not there; make it (`{make}`), or"
            " name another file with --out."
        )
    if not folder.is_dir():
        raise UserError(
            f"{target} cannot be written: {folder} is a file, not a folder; name another file with"
            " --out."
        )


def _said(overrides: Sequence[str]) -> tuple[dict[str, str], Path | None]:
    """Returns the columns and the databases that `--set` names.

    Raises:
        UserError: It names another key, or nothing.
    """
    columns: dict[str, str] = {}
    databases = None
    for option in overrides:
        key, _, value = (part.strip() for part in option.partition("="))
        group, _, column = key.partition(".")
        if group == _COLUMNS and column and value:
            columns[column] = value
        elif key == "databases" and value:
            databases = path(value)
        else:
            raise UserError(
                f"--set {option}: init takes columns.NAME=COLUMN and databases=DIR; all other keys"
                " are changed in the file that it writes, or by --set of the sweep."
            )
    return columns, databases


def check_rows(sweep: Sweep, base_model: str | None) -> None:
    """Checks the sizes of what is proposed; the base model where one was named."""
    own = sweep if base_model else sweep.model_copy(update={"base_model": EMBEDDED})
    check(own)


def _notes(asked: Asked, found: Findings, proposed: Sweep) -> list[str]:
    """Returns what was found, one line each."""
    named = asked.dataset or "what comes with the profile"
    lines = [f"Rows: {named}."]
    if asked.dataset is not None:
        lines += [f"{each[:1].upper()}{each[1:]}." for each in describe_table(proposed, found.rows)]
        split = list(describe_split(proposed, found.rows))
        lines += [f"Split {split[0]}.", *(f"{each[:1].upper()}{each[1:]}." for each in split[1:])]
    if found.measured:
        lines.append(f"{found.measured}.")
    if asked.dataset is not None and asked.base_model is not None:
        seen = preview(proposed, largest_size(proposed))
        lines.append(f"Cut: {describe_cut(proposed, seen.cut)}.")
    return lines


def _absolute(given: str | None) -> str | None:
    """Returns a path that is there as an absolute one, which means it from any folder."""
    if given is None or given == EMBEDDED:
        return given
    local = local_path(given)
    return given if local is None else str(local.resolve()) if os.path.lexists(local) else given


def _name(given: str | Path | None) -> str:
    """Returns the name of a sweep after a table's, e.g. "my-questions" for my questions.csv.gz."""
    if given is None or given == EMBEDDED:
        return "first"
    stem = Path(given).name.split(".")[0]
    words = re.sub(r"[^A-Za-z0-9_]+", "-", stem).strip("-")[: _LONGEST_NAME - 3]
    return words if words[:1].isalpha() else f"my-{words}".rstrip("-")
