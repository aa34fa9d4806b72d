"""`python -m orchestrator.predict`: asks the model of a trial for SQL, or takes it away."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.errors import ExitCode, UserError, remedy
from orchestrator.predict.questions import Question, check_text, read_lines
from orchestrator.predict.stored_model import (
    BASE_MODEL,
    StoredModel,
    choose,
    others_named,
    with_its_base,
)
from orchestrator.results.answer import emitted
from orchestrator.results.find_trial import BEST
from orchestrator.results.options import say_unread
from orchestrator.results.root_address import RootOption
from orchestrator.results.target import check_target
from orchestrator.store.place import Root
from orchestrator.terminal.json_text import json_text
from orchestrator.terminal.options import VersionOption, choices, one_of, path, whole
from orchestrator.terminal.output import Answer, Format, answer_json, emit, say, say_aside, table
from orchestrator.terminal.process import command_line
from trainables.techniques.registry import TECHNIQUES

_CELL = 200
"""Characters of a value that a table shows; JSON lines have all of it."""

_PREDICTION = "prediction"
_OF_EXECUTION = ("columns", "rows", "cut", "executed", "error")
"""Keys that an answer may add to its line."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Protocol(StrEnum):
    """How the model is asked and decoded."""

    STANDARD = "standard"
    NOTEBOOK = "notebook"


@app.command()
def ask(
    question: Annotated[
        str | None,
        typer.Argument(
            help='E.g. "How many users are there?". Without it, JSON lines on standard input.'
        ),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(
            metavar="SQL", help='The schema, e.g. "CREATE TABLE users (id INT, name TEXT)".'
        ),
    ] = None,
    database: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="FILE",
            help="An SQLite file to read the schema from; it stays unchanged.",
        ),
    ] = None,
    execute: Annotated[
        bool,
        typer.Option(
            "--execute",
            help="Run the SQL too, if it is a single SELECT, and show its rows. It runs on a copy"
            " of --database in memory, or on the database that --context builds.",
        ),
    ] = False,
    limit: Annotated[
        int,
        typer.Option(parser=whole(1), metavar="N", help="Show at most N rows of a result."),
    ] = 50,
    trial: Annotated[
        str,
        typer.Option(
            metavar="best|ID|NUMBER",
            help="Whose model answers; best: what tuning found best, in its first confirming run;"
            " without one the leader of the sweep's leaderboard.",
        ),
    ] = BEST,
    sweep: Annotated[
        str | None,
        typer.Option(
            metavar="SWEEP",
            help="Name, id or glob of its sweep (default: the one written to last).",
        ),
    ] = None,
    root: RootOption = None,
    protocol: Annotated[
        Protocol | None,
        typer.Option(
            parser=one_of(Protocol),
            metavar=choices(Protocol),
            help="standard: greedy decoding. notebook: the study's prompt and beam search."
            " Default: as the trial was evaluated.",
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            parser=path,
            metavar="DIR",
            help="Write the model to a new or empty folder instead of answering: adapter in PEFT's"
            " format (after full fine-tuning: weights), tokenizer, and a README with scores,"
            " parameters and the code that loads it.",
        ),
    ] = None,
    base_model: Annotated[
        Path | None,
        typer.Option(
            BASE_MODEL,
            parser=path,
            metavar="FOLDER",
            help="Where the trial's base model lies now, if not where the trial found it; it must"
            " be the same.",
        ),
    ] = None,
    merged: Annotated[
        bool,
        typer.Option(
            "--merged",
            help="With --export: all weights, with the adapter merged into the base model.",
        ),
    ] = False,
    version: VersionOption = False,
) -> None:
    r"""Ask a trial's model a question about a database and get its SQL.

    One question:
      python -m orchestrator.predict "How many users are there?" \
          --database app.sqlite --execute

    Many, as JSON lines; each comes back with "prediction" added, with --execute also "columns",
    "rows", "cut" (there are more rows) and "executed" (where SQLite ran it as something else), or
    "error"; a line that has such a key already is refused:
      echo '{"question": "Who is 40?", "context": "CREATE TABLE a (age INT)"}' |
          python -m orchestrator.predict --sweep rank
    Lines of the data set itself (sql_prompt, sql_context) are understood too.

    Export the model, to use it with transformers and PEFT alone:
      python -m orchestrator.predict --trial t-5kq3v7xw2m --export my-model \
          --merged

    Standard output has the answer only; which trial answered is said on standard error.

    Exit codes: 0 answered, 2 a mistake in the question or the options, 130 interrupted with Ctrl-C,
    1 anything else, also when --execute cannot run the SQL of a single question.
    """
    root = root or Path("experiments")
    say_unread(root)
    if export is not None:
        if execute or any(v is not None for v in (question, context, database, protocol)):
            raise UserError(
                "--export answers no question; leave out the question and --context, --database,"
                " --execute and --protocol."
            )
        _export(choose(root, sweep, trial), root, export, merged, base_model)
        return
    if merged:
        raise UserError("--merged changes what --export writes; give --export DIR too.")
    shared, content = _database(context, database, execute)
    added = (_PREDICTION, *(_OF_EXECUTION if execute else ()))
    questions = _questions(question, shared, added)
    model = choose(root, sweep, trial)
    contexts = [each.context or shared or "" for each in questions]
    model = with_its_base(model, base_model)
    predictions = _predict(model, root, questions, contexts, protocol)
    for asked, schema, prediction in zip(questions, contexts, predictions, strict=True):
        answer: dict[str, Any] = {_PREDICTION: prediction}
        if execute:
            answer |= _execute(prediction, schema, content, limit)
        if question is None:
            say(json_text({**asked.given, **answer}))
        else:
            _show(answer)


main = command_line(app, "python -m orchestrator.predict")


def _database(
    context: str | None, database: Path | None, execute: bool
) -> tuple[str | None, bytes]:
    """Returns the schema that holds for every question, if one is given.

    With it, where the SQL is to run on a database file, the file's content.
    """
    from trainables.sql.database_file import content, schema

    if context is not None and database is not None:
        raise UserError("Both --context and --database are given; give one of them.")
    if context is not None and not context.strip():
        raise UserError("--context is empty; give CREATE TABLE statements, or --database FILE.")
    if database is None:
        check_text(context or "", "The value of --context")
        return context, b""
    return schema(database), content(database) if execute else b""


def _questions(question: str | None, shared: str | None, added: Sequence[str]) -> list[Question]:
    if question is None:
        if sys.stdin.isatty():
            raise UserError(
                "There is no question; give it as the argument, or JSON lines on standard input"
                " (see --help)."
            )
        return read_lines(sys.stdin.buffer, shared_context=shared is not None, added=added)
    if not question.strip():
        raise UserError("The question is empty; say what the SQL is to find.")
    if shared is None:
        raise UserError(
            "The question's database is not known; give --context 'CREATE TABLE ...' or --database"
            " FILE."
        )
    check_text(question, "The question")
    return [Question(question, None, {"question": question})]


def _predict(
    model: StoredModel,
    root: Root,
    questions: Sequence[Question],
    contexts: Sequence[str],
    protocol: Protocol | None,
) -> list[str]:
    say_aside(model.describe())
    # Takes seconds, which no mistake in a question should wait for.
    from trainables.inference.predictor import Predictor, be_quiet

    be_quiet()
    texts = [question.text for question in questions]
    with others_named(model, root):
        predictor = Predictor(model.configuration, model.checkpoint)
    most = model.configuration.source_tokens
    for number, tokens in enumerate(predictor.prompt_tokens(texts, contexts, protocol), 1):
        if tokens > most:
            say_aside(
                f"Question {number} and its schema have {tokens} tokens, of which the model sees"
                f" the first {most}: the rest of the schema is unknown to it."
            )
    return predictor.predict(texts, contexts, protocol)


def _execute(sql: str, context: str, content: bytes, limit: int) -> dict[str, Any]:
    """Returns columns and rows of a SELECT, or why it does not run.

    Args:
        sql: What the model wrote.
        context: Builds the database, if there is no content of one.
        content: Bytes of a database file.
        limit: At most so many rows.
    """
    from trainables.sql.query import QueryFailed, query
    from trainables.sql.sandbox.child import SandboxUnavailable

    try:
        found = query(sql, context=None if content else context, content=content, rows=limit)
    except QueryFailed as failure:
        return {"error": str(failure)}
    except SandboxUnavailable as error:  # of the standard library alone, so no `UserError` itself
        raise UserError(str(error)) from error
    answer: dict[str, Any] = {"columns": found.columns, "rows": found.rows, "cut": found.cut}
    return answer if found.sql == sql else {**answer, "executed": found.sql}


def _show(answer: dict[str, Any]) -> None:
    """Prints one answer for a person; ends the program where its SQL does not run."""
    say(answer[_PREDICTION])
    if "error" in answer:
        say_aside(f"The SQL does not run: {answer['error']}.")
        sys.exit(ExitCode.ERROR)
    if "rows" not in answer:
        return
    if "executed" in answer:
        say_aside(f"SQLite ran it as: {answer['executed']}")
    say("")
    lines = [[_cell(value) for value in row] for row in answer["rows"]]
    remarks = []
    if answer["cut"]:
        remarks += [f"The first {len(lines)} rows; --limit shows more."]
    elif not lines:
        remarks += ["No rows."]
    emit(Answer([], table(answer["columns"], lines), tuple(remarks)), Format.TABLE)


def _cell(value: Any) -> str:
    text = "NULL" if value is None else str(value)
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _export(
    model: StoredModel, root: Root, target: Path, merged: bool, base_model: Path | None
) -> None:
    name, technique = model.row["trial_id"], model.configuration.technique
    if model.checkpoint is None:
        raise UserError(
            f"The trial {name} is the untuned baseline, so there is nothing to export; its model is"
            f" {model.configuration.base_model!r} as it is."
        )
    if merged and not TECHNIQUES[technique].mergeable:
        raise UserError(
            f"The trial {name} is of the technique {technique}, which has no merged form: what it"
            " trains is no change of the base model's weights; leave out --merged."
        )
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UserError(f"{target} exists and is not an empty folder; name another folder.")
    check_target(target, "folder", root)
    model = with_its_base(model, base_model)
    say_aside(model.describe())
    stated = emitted(root, [model.row["sweep_id"]])
    assert isinstance(stated.data, list)
    assert model.checkpoint is not None
    from trainables.inference.export import export
    from trainables.inference.predictor import be_quiet

    be_quiet()
    try:
        with others_named(model, root):
            export(
                model.configuration,
                model.checkpoint,
                target,
                model.row,
                merged=merged,
                answer=stated.data[0]["answer"].splitlines(),
                answer_json=answer_json(stated),
            )
    except OSError as error:
        why = remedy(error, "name another folder")
        raise UserError(f"The model cannot be written to {target}: {why}.") from error
    say(f"{target}: {target / 'README.md'} says what it is and how to load it.")
