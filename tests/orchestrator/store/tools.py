"""The four tools that read a store with their defaults, each giving plain rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq

Row = dict[str, Any]


def by_duckdb(folder: Path) -> list[Row]:
    with duckdb.connect() as connection:
        cursor = connection.execute(f"SELECT * FROM '{folder}/**/*.parquet'")
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def by_pyarrow(folder: Path) -> list[Row]:
    rows: list[Row] = pq.read_table(folder).to_pylist()
    return rows


def by_polars(folder: Path) -> list[Row]:
    return pl.read_parquet(folder).to_dicts()


def by_pandas(folder: Path) -> list[Row]:
    frame = pd.read_parquet(folder)
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for row in frame.to_dict(orient="records")
    ]


TOOLS: dict[str, Callable[[Path], list[Row]]] = {
    "duckdb": by_duckdb,
    "pyarrow": by_pyarrow,
    "polars": by_polars,
    "pandas": by_pandas,
}


def _plain(value: Any) -> Any:
    if value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
