"""Names of the store's files: functions of what a file holds, never of the clock or of chance."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

# Hive partition values pass through the type guessing of every reader, which must see text.
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BELOW_A_SWEEP = {
    "trials": re.compile(rf"(?:{_SAFE.pattern})\.parquet"),
    "reports": re.compile(r"trial=[^/]+/[0-9]{10,}-[0-9]{10,}\.parquet"),
    "predictions": re.compile(r"trial=[^/]+/[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[0-9]{10,}\.parquet"),
}
"""The names of files as `trial_key` and the others make them, below the folder of a sweep."""
_DATE = re.compile(r"\d{1,4}-\d{1,2}(-\d{1,2})?")


def trial_key(sweep_id: str, trial_id: str) -> str:
    """Returns where the final row of a trial lies."""
    return f"trials/{_part('sweep', sweep_id)}/{check_id(trial_id)}.parquet"


def report_key(sweep_id: str, trial_id: str, rung_from: int, rung_examples: int) -> str:
    """Returns where the report of the rung that ends at `rung_examples` lies."""
    return f"{report_folder(sweep_id, trial_id)}/{rung_from:010d}-{rung_examples:010d}.parquet"


def predictions_key(
    sweep_id: str, trial_id: str, split: str, protocol: str, rung_examples: int
) -> str:
    """Returns where the predictions of one evaluation lie."""
    name = f"{check_id(split)}-{check_id(protocol)}-{rung_examples:010d}.parquet"
    return f"{predictions_folder(sweep_id, trial_id)}/{name}"


def report_folder(sweep_id: str, trial_id: str) -> str:
    """Returns where all reports of a trial lie."""
    return f"reports/{_part('sweep', sweep_id)}/{_part('trial', trial_id)}"


def predictions_folder(sweep_id: str, trial_id: str) -> str:
    """Returns where all predictions of a trial lie."""
    return f"predictions/{_part('sweep', sweep_id)}/{_part('trial', trial_id)}"


def is_of_table(table: str, below: str) -> bool:
    """Says whether a file of a table can have that name; a copy beside the original has another.

    Args:
        table: Its name.
        below: The file's key below the folder of its sweep. A compacted copy has one file a table
            there, named as the table is.
    """
    return _BELOW_A_SWEEP[table].fullmatch(below) is not None or below == f"{table}.parquet"


def check_key(key: str) -> tuple[str, ...]:
    """Returns the parts of the key of a file, which is a path below a root.

    Raises:
        ValueError: It is not a plain relative path.
    """
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or any(part in ("..", ".") for part in parts):
        raise ValueError(f"The key {key!r} is not a plain relative path.")
    return parts


def check_id(value: str) -> str:
    """Returns an id that every reader takes for text, as a file name on every system.

    Raises:
        ValueError: It could be read as a number, a date or NULL, or is no plain file name.
    """
    if not _SAFE.fullmatch(value):
        raise ValueError(
            f"The id {value!r} must consist of ASCII letters, digits, '_', '-' and '.', and not"
            " begin with '-' or '.'."
        )
    if _looks_like_a_value(value):
        raise ValueError(f"The id {value!r} could be read as a number, a date or NULL.")
    return value


def is_id(value: str) -> bool:
    """Returns whether a text is an id, as `check_id` has it."""
    return _SAFE.fullmatch(value) is not None and not _looks_like_a_value(value)


def _part(name: str, value: str) -> str:
    return f"{name}={check_id(value)}"


def _looks_like_a_value(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        words = ("null", "none", "true", "false")
        return text.lower() in words or _DATE.fullmatch(text) is not None
    return True
