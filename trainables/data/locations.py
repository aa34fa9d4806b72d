"""What the name of a data set means, and which of its files hold which split.

The one place that decides it; reading, counting and the checks before a sweep ask here. A table is
all "train"; what the files of a folder are is told by their names, see `split_files`.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from trainables.contract.configuration import EMBEDDED
from trainables.contract.errors import NO_DOWNLOAD
from trainables.data.errors import DatasetError
from trainables.data.split_files import TABLE_SUFFIXES, split_tables, table_suffix
from trainables.runtime.local_paths import is_file, is_folder, local_path

_WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
_PACKED = {
    ".zip": "unzip",
    ".tar": "tar -xf",
    ".tgz": "tar -xf",
    ".bz2": "bunzip2 --keep",
    ".xz": "unxz --keep",
    ".zst": "unzstd",
    ".7z": "7z x",
}
"""Suffix -> the command that unpacks it."""
_ARROW = (".arrow", ".feather")
_DATABASES = (".sqlite", ".sqlite3", ".db", ".db3")

GIVE_A_TABLE = "give a table of rows with `--set dataset=FILE`"


def is_on_hub(dataset: str) -> bool:
    """Returns whether the name of a data set is an identifier of the hub."""
    return dataset != EMBEDDED and _path(dataset) is None


def stored_name(dataset: str) -> str:
    """Returns the name under which a data set is put on record: good in every folder.

    Args:
        dataset: As the user gave it.

    Returns:
        The absolute path of a table or folder; what is built in or on the hub keeps its name.
    """
    path = None if dataset == EMBEDDED else _path(dataset)
    return dataset if path is None else str(path.absolute())


def stored_databases(location: str | None) -> str | None:
    """Returns the absolute path of what a file names as `databases`; None for nothing."""
    return None if location is None else str(Path(location).expanduser().absolute())


def split_files(dataset: str) -> dict[str, tuple[Path, ...]] | None:
    """Returns the files of a local data set by split, "train" among them.

    Args:
        dataset: "embedded", the path of a table or of a folder of tables, or an identifier of the
            hub.

    Returns:
        None for the built-in data set and for one of the hub's.

    Raises:
        DatasetError: Nothing is there, a table has another format, or a folder has no training
            table or is ambiguous; names folder and files, and what would be right.
    """
    path = None if dataset == EMBEDDED else _path(dataset)
    if path is None:
        return None
    if is_folder(path):
        return split_tables(path)
    if not is_file(path):
        raise DatasetError(
            f"The data set {dataset!r} is not there: it is neither a file nor a folder; "
            f"{GIVE_A_TABLE}; or {NO_DOWNLOAD}."
        )
    if table_suffix(path) not in TABLE_SUFFIXES:
        raise DatasetError(
            f"The data set {dataset!r} is a {path.suffix or 'file without a suffix'}, but must be"
            f" one of {', '.join(TABLE_SUFFIXES)}, perhaps with .gz after it{_way_out(path)}."
        )
    return {"train": (path,)}


def _way_out(path: Path) -> str:
    """Returns how to turn a file of an unread format into a table, where that is known, else ""."""
    suffix, quoted = path.suffix.lower(), shlex.quote(str(path))
    if suffix in _WORKBOOKS:
        return "; save its sheet as CSV (UTF-8) and give that"
    if suffix in _PACKED:
        return f"; unpack it (`{_PACKED[suffix]} {quoted}`) and give what was in it"
    if suffix in _ARROW:
        return (
            "; write it as Parquet, e.g. with `python -c 'import pyarrow.feather as f,"
            f' pyarrow.parquet as p; p.write_table(f.read_table("{path}"), "ROWS.parquet")\'`'
        )
    if suffix in _DATABASES:
        return "; a database has no questions: give the table of these, and `databases` names it"
    return ""


def _path(dataset: str) -> Path | None:
    path = local_path(dataset)
    if path is None and table_suffix(Path(dataset)) in TABLE_SUFFIXES:
        return Path(dataset)
    return path
