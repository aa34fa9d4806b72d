"""How many rows a data set has, at most, without reading them: a size that is too large is said
before anything starts.

Files are counted by their footers or lines. Rows that occur twice, which are dropped when they are
read, count here, so that what is refused here is impossible, but not the other way round.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv
import pyarrow.parquet

from trainables.contract.configuration import EMBEDDED
from trainables.data.errors import DatasetError
from trainables.data.locations import split_files
from trainables.data.split_files import table_suffix
from trainables.data.splits import TEST_SHARE
from trainables.embedded.corpus import TEST_ROWS, TRAIN_ROWS

_BLOCK_BYTES = 16 << 20  # no row may be longer than a block


def training_rows(dataset: str, validation_rows: int, test_rows: int | None) -> int | None:
    """Returns how many rows a trial can train on, at most; None for a data set of the hub's.

    Args:
        dataset: "embedded", a table, or a folder of tables; readable.
        validation_rows: As in `trainables.data.splits.load_splits`.
        test_rows: As there.

    Raises:
        DatasetError: There are fewer rows to validate or test on than are asked for, or none left
            to train on; a table cannot be read; or as `locations.split_files`.
    """
    found = _counts(dataset)
    if found is None:
        return None
    train = found["train"]
    if "test" in found:
        _check(dataset, "test", test_rows or 0, found["test"])
    else:
        wanted = max(1, int(train * TEST_SHARE)) if test_rows is None else test_rows
        _check(dataset, "test", wanted, train)
        train -= wanted
    if "validation" in found:
        _check(dataset, "validation", validation_rows, found["validation"])
    else:
        _check(dataset, "validation", validation_rows, train)
        train -= validation_rows
    if train < 1:
        raise DatasetError(
            f"The data set {dataset!r} leaves no training rows beside those for validation and"
            " test; set evaluation.validation_rows or evaluation.test_rows lower."
        )
    return train


def _check(dataset: str, split: str, wanted: int, there: int) -> None:
    if wanted > there:
        raise DatasetError(
            f"evaluation.{split}_rows is {wanted:,}, but the data set {dataset!r} has at most"
            f" {there:,} rows for that; set it to at most as many."
        )


def _counts(dataset: str) -> dict[str, int] | None:
    """Returns the number of rows by split."""
    if dataset == EMBEDDED:
        return {"train": TRAIN_ROWS, "test": TEST_ROWS}
    local = split_files(dataset)
    if local is None:
        return None
    return {split: sum(map(_rows, files)) for split, files in local.items()}


def _rows(table: Path) -> int:
    try:
        if table_suffix(table) == ".parquet":
            return int(pyarrow.parquet.read_metadata(table).num_rows)
        if table_suffix(table) == ".csv":
            # A quoted value may hold line breaks. The types of one column are enough to know.
            with pyarrow.csv.open_csv(
                table,
                read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES),
                parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=["sql"], column_types={"sql": pyarrow.string()}
                ),
            ) as batches:
                return sum(batch.num_rows for batch in batches)
        with table.open("rb") as lines:
            return sum(not line.isspace() for line in lines)
    except (pyarrow.ArrowException, OSError) as error:
        raise DatasetError(f"The table {str(table)!r} cannot be read: {error}") from error
