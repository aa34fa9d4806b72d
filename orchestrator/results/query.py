"""SQL over the store: the three tables as views in DuckDB, read-only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestrator.results.errors import ResultsError
from orchestrator.results.output import Answer, table, text
from orchestrator.store.schema import TABLES


def query(root: Path, sweep_ids: Sequence[str], sql: str) -> Answer:
    """Runs one SELECT over `trials`, `reports` and `predictions`.

    What a query can reach is the store alone, and it can only read: a statement of another kind is
    refused before it runs, and DuckDB is kept from every other file and from the network.

    Args:
        root: Folder of the store.
        sweep_ids: The views hold these sweeps.
        sql: The statement.

    Raises:
        ResultsError: It is not one SELECT, or DuckDB refuses it.
    """
    with connect(root, sweep_ids) as connection:
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
        for index, name in enumerate(names)
        if all(isinstance(line[index], (int, float, type(None))) for line in lines)
    }
    return Answer(rows, table(names, ([text(value) for value in line] for line in lines), numeric))


def connect(root: Path, sweep_ids: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """Returns a connection that has the views and can reach nothing but the store."""
    connection = duckdb.connect()
    try:
        for name, definition in TABLES.items():
            files = [
                path.as_posix()
                for sweep_id in sweep_ids
                for path in (root.absolute() / name / f"sweep={sweep_id}").rglob("*.parquet")
            ]
            if files:
                source = (
                    f"read_parquet({_list(files)}, union_by_name=true, hive_partitioning=false)"
                )
                connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")
            else:
                empty = definition.schema.empty_table()
                connection.register("empty", empty)
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM empty")
                connection.unregister("empty")
        connection.execute(f"SET allowed_directories = [{_quoted(root.absolute().as_posix())}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def _list(files: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, files))}]"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _distinct(names: Sequence[str]) -> list[str]:
    """Returns the names with a number behind each that is there already."""
    found: list[str] = []
    for name in names:
        unique, number = name, 1
        while unique in found:
            number += 1
            unique = f"{name}_{number}"
        found.append(unique)
    return found
