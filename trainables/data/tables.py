"""Reads rows of question, schema and SQL: a table, a folder of tables, the hub's, or the built-in.

Which file is which split is told by `locations`, which column is which by `columns`. A table is of
Parquet, JSON or separated values, perhaps in a gzip file. `id`, `domain`, `sql_complexity` and
`sql_task_type` are taken where they are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from trainables.contract.configuration import EMBEDDED
from trainables.data.bad_rows import SKIP, BadRow, refuse
from trainables.data.columns import OtherTable, renamed, resolve, unused
from trainables.data.csv_table import read_csv
from trainables.data.databases import Database, Databases, folder_beside, stamped
from trainables.data.errors import DatasetError
from trainables.data.json_table import read_json
from trainables.data.locations import split_files
from trainables.data.parquet_table import of_arrow, read_parquet
from trainables.data.raw_table import RawTable
from trainables.data.reading import Reading
from trainables.data.rows import Row, take_rows
from trainables.data.split_files import PARQUET, SEPARATED, splits_by_name, table_suffix
from trainables.embedded import corpus


@dataclass(frozen=True, slots=True)
class Example:
    """One row: a question about a database, the database's schema, and the SQL that answers it.

    `group` is its value in the column that rows are split by; None where that is the schema.
    `database` is the one that it is about; None where its schema is all there is.
    """

    example_id: str
    sql_prompt: str
    sql_context: str
    sql: str
    domain: str | None = None
    sql_complexity: str | None = None
    sql_task_type: str | None = None
    group: str | None = None
    database: Database | None = None


@dataclass(frozen=True, eq=False)  # equal to itself alone, so that what is made of it is kept
class DataSet:
    """The rows of a data set, and what was found in reading them.

    Attributes:
        rows: By split: "train", and "validation" and "test" where the data set has them; not to be
            changed.
        columns: The project's columns that have another name there, one in all tables, and which.
        bad_rows: Those that were left out.
        repeated: Split -> rows that were dropped since they are there before.
        unused: Columns that nothing is taken from.
        mixed_columns: Those that tables call differently: each name, and the first table of it.
    """

    rows: Mapping[str, list[Example]]
    columns: Mapping[str, str]
    bad_rows: tuple[BadRow, ...]
    repeated: Mapping[str, int]
    unused: tuple[str, ...] = ()
    mixed_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read(
    dataset: str,
    revision: str | None = None,
    group_column: str | None = None,
    reading: Reading | None = None,
) -> dict[str, list[Example]]:
    """Returns the rows by split; arguments and errors as of `read_data_set`."""
    return dict(read_data_set(dataset, revision, group_column, reading).rows)


def read_data_set(
    dataset: str,
    revision: str | None = None,
    group_column: str | None = None,
    reading: Reading | None = None,
) -> DataSet:
    """Returns the rows of a data set.

    A single table is all "train". Repeating the same row does not make it two: the later copies are
    dropped. What was read last is kept, until its files change.

    Args:
        dataset: "embedded", the path of a table or of a folder of tables, or an identifier of the
            hub.
        revision: Git revision on the hub; ignored for everything else.
        group_column: Whose values become `Example.group`; it may be one of the others.
        reading: How rows are taken from the tables.

    Raises:
        DatasetError: Nothing is there, a column is missing, or there are bad rows, which are not to
            be left out.
    """
    files = [file for part in (split_files(dataset) or {}).values() for file in part]
    databases = _databases(reading)
    if databases is not None:
        files += [each for file in databases.files for each in stamped(file)]
    return _read(dataset, revision, group_column, reading or Reading(), stamp_of(files))


def _databases(reading: Reading | None) -> Databases | None:
    location = None if reading is None else reading.databases
    return None if location is None else Databases(location)


Stamp = tuple[tuple[str, int, int], ...]
"""Path, size and time of change of files: another one where they have changed."""


def stamp_of(files: Sequence[Path]) -> Stamp:
    """Returns names, sizes and times of files, of which some differ when a file has changed."""
    opened = [(str(file), file.stat()) for file in files]
    return tuple((name, status.st_size, status.st_mtime_ns) for name, status in opened)


@lru_cache(maxsize=2)
def _read(
    dataset: str, revision: str | None, group_column: str | None, reading: Reading, _: Stamp
) -> DataSet:
    found = _tables(dataset, revision)
    # What is said of several tables is said of the training table first.
    tables = {split: found[split] for split in sorted(found, key=_ORDER.index)}
    reader = _Reader(group_column, reading, [part for parts in tables.values() for part in parts])
    rows = {split: reader.examples(split, parts) for split, parts in tables.items()}
    good = sum(map(len, rows.values()))
    if reader.bad and (reading.bad_rows != SKIP or not good):
        raise refuse(dataset, reader.bad, good + sum(reader.repeated.values()))
    if not rows["train"]:
        raise DatasetError(f"The data set {dataset!r} has no rows to train on.")
    return DataSet(
        rows,
        reader.columns,
        tuple(reader.bad),
        reader.repeated,
        tuple(reader.unused),
        reader.mixed_columns,
    )


_ORDER = ("train", "validation", "test")
_Part = tuple[str, RawTable]
"""The name of a table, and the table."""


def _tables(dataset: str, revision: str | None) -> dict[str, list[_Part]]:
    """Returns the tables of each split."""
    local = split_files(dataset)
    if local is not None:
        return {split: [(str(f), raw_table(f)) for f in files] for split, files in local.items()}
    if dataset == EMBEDDED:
        found = {split: pa.Table.from_pylist(corpus.rows(split)) for split in ("train", "test")}
    else:
        found = _hub(dataset, revision)
    return {split: [(split, of_arrow(table))] for split, table in found.items()}


def raw_table(file: Path) -> RawTable:
    """Returns what a file holds, as it stands there.

    Raises:
        DatasetError: It cannot be read.
    """
    suffix = table_suffix(file)
    if suffix in PARQUET:
        return read_parquet(file)
    return read_csv(file) if suffix in SEPARATED else read_json(file)


def _hub(name: str, revision: str | None) -> dict[str, pa.Table]:
    import datasets  # a second to import, and only the hub's data sets need it

    try:
        loaded = datasets.load_dataset(name, revision=revision)
    except Exception as error:  # it raises a dozen unrelated types for "not there"
        raise DatasetError(
            f"The data set {name!r} is neither a local path nor to be had from the Hugging Face "
            f"hub or its cache ({type(error).__name__}: {error}); make it reachable or cache it "
            "first, give a table with `--set dataset=FILE`, or use `--profile embedded`."
        ) from error
    tables = {
        split: loaded[name].with_format("arrow")[:]
        for split, name in splits_by_name(loaded).items()
    }
    if "train" not in tables:
        raise DatasetError(
            f"The data set {name!r} has no split named train; it has {', '.join(loaded) or 'none'}."
        )
    return tables


class _Reader:
    """Makes examples of tables, and gathers what is wrong with their rows."""

    def __init__(
        self, group_column: str | None, reading: Reading, parts: Sequence[_Part] = ()
    ) -> None:
        self._group_column = group_column
        self._parts = parts
        self._given = dict(reading.columns)
        self._databases = _databases(reading)
        self.bad: list[BadRow] = []
        self.repeated: dict[str, int] = {}
        self.unused: dict[str, None] = {}
        self._names: dict[str, dict[str, str]] = {}

    @property
    def columns(self) -> dict[str, str]:
        """The project's columns that have one other name in all tables that have been read."""
        return renamed({ours: next(iter(n)) for ours, n in self._names.items() if len(n) == 1})

    @property
    def mixed_columns(self) -> dict[str, dict[str, str]]:
        """Those of several names: each name, and the first table that has it."""
        return {ours: names for ours, names in self._names.items() if len(names) > 1}

    def examples(self, split: str, parts: Sequence[_Part]) -> list[Example]:
        """Returns the rows of a split's parts, one after the other, each once."""
        rows = [row for source, table in parts for row in self._rows(split, source, table)]
        has_ids = len({row.own_id for row in rows if row.own_id}) == len(rows)
        seen: set[tuple[object, ...]] = set()
        examples = []
        for number, row in enumerate(rows):
            if (key := (row.sql_prompt, row.sql_context, row.sql, row.database)) not in seen:
                seen.add(key)
                name = row.own_id if has_ids and row.own_id else f"{split}-{number}"
                examples.append(Example(name, *row[1:]))
        self.repeated[split] = len(rows) - len(examples)
        return examples

    def _rows(self, split: str, source: str, table: RawTable) -> list[Row]:
        if not table.names:
            raise DatasetError(f"The table {source} has no rows.")
        columns = resolve(
            table.names,
            self._given,
            source,
            nested=table.nested,
            databases=self._databases is not None,
            one_database=self._databases is not None and self._databases.is_one,
            databases_beside=self._beside(source),
            others=[
                OtherTable(Path(other).name, content.names, content.nested)
                for other, content in self._parts
                if other != source
            ],
            held_out=split if split != "train" and Path(source).is_file() else None,
        )
        for ours, theirs in columns.items():
            self._names.setdefault(ours, {}).setdefault(theirs, Path(source).name)
        used = {*columns.values(), self._group_column or ""}
        self.unused |= dict.fromkeys(unused(table.names, used))
        rows, bad = take_rows(source, table, columns, self._group_column, self._databases)
        self.bad += bad
        return rows

    def _beside(self, source: str) -> str | None:
        if self._databases is not None or not Path(source).is_file():
            return None
        folder = folder_beside(Path(source))
        return None if folder is None else str(folder)
