"""The child process that runs hostile SQL for `trainables.sql.execution`. Standard library only.

It reads the bytes of a database, if there is one, then one JSON object a line, and answers each
with JSON lines: the name of each stage as it is passed (so that the parent knows what a dead child
was at), then one object with the outcome. Before the first of them it gives up what it will not
need: files, their growth, processes, memory.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from typing import Any

from trainables.sql.sandbox.clock import at_fixed_time
from trainables.sql.sandbox.database import Database, Limits, SqlFailed
from trainables.sql.sandbox.decimals import as_floats
from trainables.sql.sandbox.judgement import Effect, Row, judge, run, without_definitions
from trainables.sql.sandbox.resource_limits import limit_resources


def main() -> None:
    """Serves requests until standard input ends. Called by `trainables.sql.sandbox.process`."""
    settings = json.loads(sys.argv[1])
    content_bytes = settings.pop("content_bytes")
    limits = Limits(**settings)
    give_up(limits)
    content = sys.stdin.buffer.read(content_bytes)
    # The modifier 'localtime' says the same on every machine.
    os.environ["TZ"] = "UTC"
    time.tzset()
    for line in sys.stdin.buffer:
        _start_clock(limits)
        outcome = _serve(json.loads(line), limits, content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(outcome)


def give_up(limits: Limits) -> None:
    # Standard input, output and error are open already; nothing else ever is. SQLite's own limit
    # on its heap holds on macOS too.
    limit_resources(limits.address_bytes, open_files=3)
    connection = sqlite3.connect(":memory:")
    connection.execute(f"PRAGMA hard_heap_limit = {limits.heap_bytes}")
    connection.close()


def _start_clock(limits: Limits) -> None:
    # Processor time, so that a busy machine changes no outcome. The default action ends the
    # process: a call that never returns to SQLite's own counter cannot ignore it.
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_seconds)


def _pass(stage: str, limits: Limits) -> None:
    """Tells the parent that a stage has ended; the next one has the whole processor time again."""
    _write(stage)
    _start_clock(limits)


def _write(message: Any) -> None:
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.flush()


def _serve(request: dict[str, Any], limits: Limits, content: bytes) -> dict[str, Any]:
    """Runs the reference and the prediction, each as if in a database of its own.

    Args:
        request: `context`, `reference` (None: it is known not to run), `prediction`, `functions`
            (what these call beyond SQLite's own), `is_translated`, and `prediction_context` where
            the prediction's database is built by another text; definitions of tables do not count
            then.
        limits: For each of the texts.
        content: What a database begins as, before the context.

    Returns:
        `context`, `reference`, `prediction`: None where the text ran, else the kind of
        `SqlFailed`; `message`: what the last failure says; `equal`: whether the prediction did
        what the reference may do, None where either did not run or it is unknown; `unjudged`: why
        it is unknown, as `trainables.sql.sandbox.judgement.Unjudged`, else None.
    """
    stages = ("context", "reference", "prediction")
    context, reference, prediction = (_as_run(request[k] or "") for k in stages)
    functions, other_context = request["functions"], request.get("prediction_context")
    outcome: dict[str, Any] = dict.fromkeys((*stages, "equal", "unjudged", "message"))
    expected = found = None
    try:
        database = _built(context, functions, limits, content)
    except SqlFailed as failure:
        return outcome | {"context": failure.kind, "message": str(failure)}
    with database:
        _write("context")
        is_random = database.is_random
        database.forget_changes()
        if request["reference"] is not None:
            expected = _run(database, "reference", reference, outcome)
        _pass("reference", limits)
        # Most references only read; the prediction then takes over their database.
        is_untouched = database.is_untouched and other_context is None
        if is_untouched:
            found = _run(database, "prediction", prediction, outcome)
    if not is_untouched:
        built = _as_run(other_context) if other_context else context
        try:
            database = _built(built, functions, limits, content)
        except SqlFailed as failure:
            return outcome | {"prediction": failure.kind, "message": str(failure)}
        with database:
            found = _run(database, "prediction", prediction, outcome)
    if expected is not None and found is not None:
        _pass("prediction", limits)
        if other_context is not None:
            expected, found = without_definitions(expected), without_definitions(found)
        is_translated = bool(request.get("is_translated"))
        row = Row(context, reference, prediction, tuple(functions), is_translated, content)
        verdict = judge(row, expected, found, limits, is_random=is_random)
        outcome["equal" if isinstance(verdict, bool) else "unjudged"] = verdict
    return outcome


def _built(context: str, functions: list[str], limits: Limits, content: bytes) -> Database:
    """Returns a database in which the context has run, for the caller to close.

    Raises:
        SqlFailed: It does not run, or the content is more than the limits allow.
    """
    database = Database(limits, functions, content=content)
    if context:
        try:
            database.run(context)
        except SqlFailed:
            database.__exit__()
            raise
    return database


def _as_run(text: str) -> str:
    return as_floats(at_fixed_time(text))


def _run(database: Database, stage: str, text: str, outcome: dict[str, Any]) -> Effect | None:
    """Returns what the text did; where it fails, writes why into the outcome."""
    try:
        return run(database, text)
    except SqlFailed as failure:
        outcome |= {stage: failure.kind, "message": str(failure)}
        return None
