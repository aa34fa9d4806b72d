"""Stores of every schema version, read by this package and by tools that never heard of it."""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.store import (
    SCHEMA_VERSION,
    NewerSchemaError,
    Store,
    UnreadableFileError,
    reader,
)
from orchestrator.store.schema import TABLES
from tests.orchestrator.store import golden
from tests.orchestrator.store.samples import SWEEP
from tests.orchestrator.store.tools import TOOLS

DATA = Path(__file__).parents[2] / "data"
VERSIONS = range(1, SCHEMA_VERSION + 1)
COUNTS = {"trials": 6, "reports": 8, "predictions": 15}
READ: dict[str, Callable[[Path], pa.Table]] = {
    "trials": reader.trials,
    "reports": reader.reports,
    "predictions": reader.predictions,
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the newest golden store that a test may damage."""
    return Path(shutil.copytree(DATA / f"store-v{SCHEMA_VERSION}", tmp_path / "store"))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("table", TABLES)
def test_all_tools_give_the_same_rows_with_their_defaults(version: int, table: str) -> None:
    folder = DATA / f"store-v{version}" / table
    rows = {name: read(folder) for name, read in TOOLS.items()}
    assert {name: len(found) for name, found in rows.items()} == dict.fromkeys(TOOLS, COUNTS[table])
    exact = {name: _hash(found) for name, found in rows.items() if name != "pandas"}
    assert len(set(exact.values())) == 1, exact
    # pandas' default types cannot tell NULL from NaN, nor an integer beside a NULL from a fraction.
    loose = {name: _hash(found, loose=True) for name, found in rows.items()}
    assert len(set(loose.values())) == 1, loose


@pytest.mark.parametrize("version", VERSIONS)
def test_ids_that_look_like_numbers_stay_text_everywhere(version: int) -> None:
    for tool, read in TOOLS.items():
        rows = read(DATA / f"store-v{version}" / "reports")
        assert {row["trial_id"] for row in rows} == set(golden.TRIALS), tool
        assert {row["trial"] for row in rows} == set(golden.TRIALS), tool
        assert {row["sweep"] for row in rows} == {SWEEP}, tool


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("table", TABLES)
def test_old_stores_stay_readable(version: int, table: str, tmp_path: Path) -> None:
    golden.write(tmp_path)
    names = pq.read_schema(next((DATA / f"store-v{version}" / table).rglob("*.parquet"))).names
    old = READ[table](DATA / f"store-v{version}")
    new = READ[table](tmp_path)
    assert old.schema == new.schema == TABLES[table].schema
    shared = [name for name in names if name != "schema_version"]
    assert _hash(old.select(shared).to_pylist()) == _hash(new.select(shared).to_pylist())
    for name in set(old.column_names) - set(names):
        assert old[name].null_count == old.num_rows


@pytest.mark.parametrize("table", TABLES)
def test_the_present_version_has_a_golden_store_of_its_exact_schema(table: str) -> None:
    for path in (DATA / f"store-v{SCHEMA_VERSION}" / table).rglob("*.parquet"):
        schema = pq.read_schema(path).remove_metadata()
        assert schema == TABLES[table].schema, "raise SCHEMA_VERSION and add a golden store"


def test_columns_that_a_file_lacks_are_null(copy: Path) -> None:
    path = copy / "trials" / f"sweep={SWEEP}" / "t-1e5.parquet"
    _rewrite(path, pq.read_table(path, partitioning=None).drop(["question", "valid_sql_se"]))
    row = Store(copy).trial(SWEEP, "t-1e5")
    assert row is not None
    assert row["question"] is None
    assert reader.trials(copy).num_rows == 6


@pytest.mark.parametrize("changed", [False, True])
def test_a_newer_version_gives_one_clear_error(copy: Path, *, changed: bool) -> None:
    path = copy / "trials" / f"sweep={SWEEP}" / "t-1e5.parquet"
    table = pq.read_table(path, partitioning=None)
    version = table.column_names.index("schema_version")
    table = table.set_column(version, "schema_version", pa.array([7]))
    if changed:  # a column of another type than this package knows
        rank = table.column_names.index("rank")
        table = table.set_column(rank, "rank", pa.array([["a", "list"]]))
    _rewrite(path, table, b"7")
    message = rf"t-1e5.parquet has schema version 7, .* up to {SCHEMA_VERSION}; update the package"
    with pytest.raises(NewerSchemaError, match=message):
        reader.trials(copy)
    with pytest.raises(NewerSchemaError, match=message):
        Store(copy).trial(SWEEP, "t-1e5")


def test_a_foreign_file_is_named(copy: Path) -> None:
    (copy / "trials" / f"sweep={SWEEP}" / "notes.parquet").write_text("not Parquet")
    with pytest.raises(UnreadableFileError, match=r"notes.parquet is not a Parquet file"):
        reader.trials(copy)


def _rewrite(path: Path, table: pa.Table, version: bytes | None = None) -> None:
    if version:
        table = table.replace_schema_metadata({b"finetune_sweep.schema_version": version})
    path.unlink()
    pq.write_table(table, path)


def _hash(rows: list[dict[str, Any]], *, loose: bool = False) -> str:
    plain = sorted(
        repr([(name, _plain(value, loose=loose)) for name, value in sorted(row.items())])
        for row in rows
    )
    return hashlib.sha256("\n".join(plain).encode()).hexdigest()


def _plain(value: Any, *, loose: bool) -> Any:
    if isinstance(value, np.ndarray):  # how pandas gives a list
        value = value.tolist()
    if isinstance(value, list):
        return [{name: _plain(part, loose=loose) for name, part in e.items()} for e in value]
    if not loose:
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return float(value) if isinstance(value, int) else value
