"""How many rows a data set has, at most: a size that is too large is said before anything starts.

Rows that are dropped from training, since they are of the test too, count here, so that what is
refused here is impossible, but not the other way round.
"""

from __future__ import annotations

from trainables.contract.configuration import EMBEDDED
from trainables.data.errors import DatasetError
from trainables.data.locations import split_files
from trainables.data.reading import Reading
from trainables.data.splits import TEST_SHARE
from trainables.data.tables import read_data_set
from trainables.embedded.corpus import TEST_ROWS, TRAIN_ROWS


def training_rows(
    dataset: str,
    validation_rows: int,
    test_rows: int | None,
    group_column: str | None = None,
    reading: Reading | None = None,
) -> int | None:
    """Returns how many rows a trial can train on, at most; None for a data set of the hub's.

    Args:
        dataset: "embedded", a table, or a folder of tables; readable.
        validation_rows: As in `trainables.data.splits.load_splits`.
        test_rows: As there.
        group_column: As in `trainables.data.tables.read_data_set`, which keeps what it has read.
        reading: Likewise.

    Raises:
        DatasetError: There are fewer rows to validate or test on than are asked for, or none left
            to train on; a table cannot be read; or as `locations.split_files`.
    """
    found = _counts(dataset, group_column, reading)
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


def _counts(
    dataset: str, group_column: str | None, reading: Reading | None
) -> dict[str, int] | None:
    """Returns the number of rows by split."""
    if dataset == EMBEDDED:
        return {"train": TRAIN_ROWS, "test": TEST_ROWS}
    if split_files(dataset) is None:
        return None
    found = read_data_set(dataset, None, group_column, reading)
    return {split: len(rows) for split, rows in found.rows.items()}
