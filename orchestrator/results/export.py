"""A compacted copy of the store, or of some of its sweeps, elsewhere.

The store itself is never compacted: a reader in the midst of that would see rows twice.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from orchestrator.errors import remedy
from orchestrator.results.errors import ResultsError
from orchestrator.results.target import check_target
from orchestrator.store import index, reader, rows
from orchestrator.store.schema import PREDICTIONS, REPORTS, TRIALS, Table
from orchestrator.terminal.csv_cells import FORMULA, NUMBER, QUOTE
from orchestrator.terminal.output import Answer, table


class ExportFormat(StrEnum):
    """What an exported table looks like."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


_READ: tuple[tuple[Table, Callable[..., pa.Table]], ...] = (
    (TRIALS, index.trials),
    (REPORTS, index.reports),
    (PREDICTIONS, reader.predictions),
)


def export(
    root: Path,
    sweep_ids: Sequence[str],
    target: Path,
    form: ExportFormat,
    *,
    raw: bool = False,
) -> Answer:
    """Writes the three tables into a new folder, which appears complete or not at all.

    Parquet keeps the store's layout with one file a table and sweep, and the records of starts and
    of what was confirmed, so that the copy is read like a store (`--root`) and answers as it does.
    CSV and JSON (one object a line) are one file a table.

    Args:
        root: Folder of the store.
        sweep_ids: The sweeps.
        target: A folder that does not exist or is empty.
        form: Of the files.
        raw: Whether the texts of a CSV stay as they are; else one that a spreadsheet would take
            for a formula has a quote before it.

    Raises:
        ResultsError: The target lies in the store or in no folder, holds something, or cannot be
            written.
        StoreError: The store cannot be read.
    """
    check_target(target, "folder", root)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ResultsError(f"{target} is there already; name a folder that is empty or not there.")
    staged = target.absolute().with_name(f".{target.absolute().name}-{uuid.uuid4().hex}")
    try:
        staged.mkdir()
        counts = [_write(root, sweep_ids, staged, form, raw, *each) for each in _READ]
        if form is ExportFormat.PARQUET:
            for sweep_id in sweep_ids:
                _copy_records(root, sweep_id, staged)
        if target.exists():
            target.rmdir()
        staged.rename(target.absolute())
    except OSError as error:
        why = remedy(error, "name another folder")
        raise ResultsError(f"{target} cannot be written: {why}.") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    data = [
        {"table": definition.name, "rows": count, "folder": str(target)}
        for (definition, _), count in zip(_READ, counts, strict=True)
    ]
    lines = [[str(value) for value in row.values()] for row in data]
    return Answer(data, table(["table", "rows", "folder"], lines, {"rows"}))


def _write(
    root: Path,
    sweep_ids: Sequence[str],
    staged: Path,
    form: ExportFormat,
    raw: bool,
    definition: Table,
    read: Callable[..., pa.Table],
) -> int:
    if form is ExportFormat.PARQUET:
        count = 0
        for sweep_id in sweep_ids:
            content = read(root, sweep_id)
            folder = staged / definition.name / f"sweep={sweep_id}"
            folder.mkdir(parents=True)
            (folder / f"{definition.name}.parquet").write_bytes(rows.encode(definition, content))
            count += content.num_rows
        return count
    import duckdb

    content = read(root, *sweep_ids)
    file = staged / f"{definition.name}.{form}"
    with duckdb.connect() as connection:
        connection.register("content", content)
        options = "FORMAT csv, HEADER" if form is ExportFormat.CSV else "FORMAT json"
        name = file.as_posix().replace("'", "''")
        is_plain = raw or form is not ExportFormat.CSV
        columns = "*" if is_plain else ", ".join(map(_harmless, content.schema))
        connection.execute(f"COPY (SELECT {columns} FROM content) TO '{name}' ({options})")
    return int(content.num_rows)


def _copy_records(root: Path, sweep_id: str, staged: Path) -> None:
    """Copies the records that say how a sweep was started and which runs confirm what."""
    # Imports Optuna, which no other verb of the command line waits for.
    from orchestrator.state.confirmation_log import ConfirmationLog
    from orchestrator.state.start_log import StartLog
    from orchestrator.state.sweep_files import found

    files = found(root, sweep_id)
    if files is None:
        return
    ConfirmationLog(files).latest(), StartLog(files).latest()  # which read and check them
    for key in (files.confirmations_key, files.starts_key):
        records = sorted((root / key).glob("*.json"))
        if records:
            (staged / key).mkdir(parents=True)
        for record in records:
            shutil.copyfile(record, staged / key / record.name)


def _harmless(column: pa.Field) -> str:
    """Returns a column of a CSV in SQL: a text that looks like a formula behind a quote."""
    name, quote = str(column.name), QUOTE * 2
    if not pa.types.is_string(column.type):
        return name
    is_number = f"regexp_full_match({name}, '{NUMBER}')"
    is_formula = f"regexp_matches({name}, '{FORMULA}') AND NOT {is_number}"
    return f"CASE WHEN {is_formula} THEN '{quote}' || {name} ELSE {name} END AS {name}"
