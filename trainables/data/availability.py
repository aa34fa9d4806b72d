"""Says within seconds whether a data set can be had, before anything starts.

Loads neither rows nor `datasets`: it looks at the headers of local tables and at the local cache of
the Hugging Face hub, and only then asks the hub, once.
"""

from __future__ import annotations

import csv
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import constants

from trainables.contract.configuration import EMBEDDED
from trainables.data.errors import DatasetError
from trainables.data.locations import GIVE_A_TABLE, split_files
from trainables.data.split_files import table_suffix
from trainables.data.tables import REQUIRED_COLUMNS, first_object
from trainables.runtime import hub
from trainables.runtime.hub import Unavailable


def check_dataset(name: str, revision: str | None = None, *, ask_hub: bool = True) -> None:
    """Checks that a data set can be loaded.

    Args:
        name: "embedded", a table, a folder of tables, or an identifier of the hub.
        revision: Git revision on the hub; of no use for the others.
        ask_hub: Whether to ask the hub about what is not on this machine.

    Raises:
        Unavailable: It is not there, lacks a column or a training table, or the hub could not be
            asked.
    """
    try:
        local = split_files(name)
    except DatasetError as error:
        raise Unavailable(str(error)) from error
    if local is not None:
        for files in local.values():
            for file in files:
                _check_columns(file)
        return
    if name == EMBEDDED or not ask_hub or is_cached(name):
        return
    what = f'The data set "{name}"'
    arguments = f"{name!r}{f', revision={revision!r}' if revision else ''}"
    code = f"import datasets; datasets.load_dataset({arguments})"
    remedies = hub.remedies(f"python -c {_in_quotes(code)}", GIVE_A_TABLE)
    hub.ask(what, revision, remedies, lambda api: api.dataset_info(name, revision=revision))


def _in_quotes(code: str) -> str:
    """Returns code as one word of a shell, in double quotes where nothing in it means anything."""
    return shlex.quote(code) if set(code) & set('"$`\\!') else f'"{code}"'


def is_cached(name: str) -> bool:
    """Returns whether `datasets` has prepared this data set before: it then needs no network.

    Its folder is named `<owner>___<name in snake case>`, with configuration, version and
    fingerprint below.
    """
    root = os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets"
    wanted = name.replace("/", "___").replace("_", "").lower()
    return any(
        folder.name.replace("_", "").lower() == wanted and any(folder.glob("*/*/*"))
        for folder in Path(root).glob("*")
    )


def _check_columns(table: Path) -> None:
    """Checks a table by its header."""
    try:
        columns = _columns(table)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise Unavailable(f'The data set "{table}" cannot be read: {error}') from error
    twice = [column for column in REQUIRED_COLUMNS if columns.count(column) > 1]
    if twice:
        raise Unavailable(
            f'The data set "{table}" has the column {twice[0]!r} twice; leave one of them.'
        )
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if missing:
        raise Unavailable(
            f'The data set "{table}" lacks {", ".join(missing)}: it has '
            f"{', '.join(columns) or 'no columns'}, and needs {', '.join(REQUIRED_COLUMNS)}."
        )


def _columns(table: Path) -> Sequence[str]:
    if table_suffix(table) == ".parquet":
        return list(pq.read_schema(table).names)
    with table.open(encoding="utf-8", newline="") as lines:
        if table_suffix(table) == ".csv":
            return next(csv.reader(lines), [])
        return list(first_object(lines))
