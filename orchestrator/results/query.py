"""SQL over the store: the three tables in DuckDB, read-only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestrator.results.errors import ResultsError
from orchestrator.store import PREDICTIONS, REPORTS, TRIALS, index, reader
from orchestrator.store.place import Root
from orchestrator.store.roots import open_root
from orchestrator.store.schema import Table
from orchestrator.terminal.output import Answer, table
from orchestrator.terminal.values import text


def query(root: Root, sweep_ids: Sequence[str], sql: str) -> Answer:
    """Runs one SELECT over `trials`, `reports` and `predictions`.

    What a query can reach is the store alone, and it can only read: a statement of another kind is
    refused before it runs, and DuckDB is kept from every other file and from the network.

    Args:
        root: Of the store.
        sweep_ids: The tables hold these sweeps.
        sql: The statement.

    Raises:
        ResultsError: It is not one SELECT, or DuckDB refuses it.
        StoreError: The store cannot be read.
    """
    with connect(root, sweep_ids, _named(sql)) as connection:
        try:
            statements = connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise ResultsError(
                    "The store is read-only: give one SELECT (or DESCRIBE, SUMMARIZE, SHOW TABLES)."
                )
            cursor = connection.execute(statements[0])
            names = _distinct([column[0] for column in cursor.description or []])
            lines = cursor.fetchall()
        except duckdb.Error as error:
            raise ResultsError(f"DuckDB refuses the query: {error}") from error
    rows = [dict(zip(names, line, strict=True)) for line in lines]
    numeric = {
        name
        for place, name in enumerate(names)
        if all(isinstance(line[place], (int, float, type(None))) for line in lines)
    }
    shown = table(names, ([text(value) for value in line] for line in lines), numeric)
    return Answer(rows, shown, columns=tuple(names))


def connect(
    root: Root, sweep_ids: Sequence[str], filled: Collection[Table] = (TRIALS, REPORTS, PREDICTIONS)
) -> duckdb.DuckDBPyConnection:
    """Returns a connection that has the tables and can reach nothing but the store.

    Final rows and reports come through the store's index, because DuckDB opens every file of a
    view anew for every query. Predictions, which are by far the most, stay a view of their files,
    unless those are in a bucket, which DuckDB is kept from.

    Args:
        root: Of the store.
        sweep_ids: The tables hold these sweeps.
        filled: The tables that have rows; the others have only their columns.

    Raises:
        StoreError: The store cannot be read.
    """
    connection = duckdb.connect()
    try:
        for definition in (TRIALS, REPORTS, PREDICTIONS):
            if definition in filled:
                _fill(connection, root, sweep_ids, definition)
            else:
                _create(connection, definition, definition.schema.empty_table())
        if isinstance(root, Path):
            folder = _quoted(root.absolute().as_posix())
            connection.execute(f"SET allowed_directories = [{folder}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def _named(sql: str) -> list[Table]:
    """Returns the tables that a statement can read: their names stand in it.

    DuckDB's `query` and `query_table` take names that may be put together from pieces.
    """
    text = sql.casefold()
    return [each for each in (TRIALS, REPORTS, PREDICTIONS) if each.name in text or "query" in text]


def _fill(
    connection: duckdb.DuckDBPyConnection, root: Root, sweep_ids: Sequence[str], definition: Table
) -> None:
    if definition is TRIALS:
        _create(connection, definition, index.trials(root, *sweep_ids))
    elif definition is REPORTS:
        _create(connection, definition, index.reports(root, *sweep_ids))
    elif not isinstance(root, Path):
        _create(connection, definition, reader.predictions(root, *sweep_ids))
    elif files := reader.files(root, definition, sweep_ids):
        place = open_root(root)
        names = _list([place.source(file) for file in files])
        reader.read(place, definition, files, [])  # which DuckDB does not check
        try:
            connection.execute(
                f"CREATE VIEW {definition.name} AS SELECT * FROM"
                f" read_parquet({names}, union_by_name=true, hive_partitioning=false)"
            )
        except duckdb.Error as error:
            reader.predictions(root, *sweep_ids)  # says which file is damaged, and what to do
            raise ResultsError(f"DuckDB cannot read the predictions: {error}") from error
    else:
        _create(connection, definition, definition.schema.empty_table())


def _create(connection: duckdb.DuckDBPyConnection, definition: Table, content: pa.Table) -> None:
    connection.register("content", content)
    connection.execute(f"CREATE TABLE {definition.name} AS SELECT * FROM content")
    connection.unregister("content")


def _list(files: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, files))}]"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _distinct(names: Sequence[str]) -> list[str]:
    """Returns the names without repetition: the second `a` becomes `a_2`."""
    found: list[str] = []
    for name in names:
        unique, number = name, 1
        while unique in found:
            number += 1
            unique = f"{name}_{number}"
        found.append(unique)
    return found
