"""Says within seconds whether a data set can be had, before anything starts.

Loads no `datasets`: it reads local tables, looks at the local cache of the Hugging Face hub, and
only then asks the hub, once.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from trainables.contract.configuration import EMBEDDED
from trainables.data.errors import DatasetError
from trainables.data.locations import GIVE_A_TABLE, split_files
from trainables.data.reading import Reading
from trainables.data.tables import read_data_set
from trainables.runtime import hub
from trainables.runtime.hub import Unavailable


def check_dataset(
    name: str,
    revision: str | None = None,
    *,
    group_column: str | None = None,
    reading: Reading | None = None,
    ask_hub: bool = True,
) -> None:
    """Checks that a data set can be loaded; local tables by reading them.

    Args:
        name: "embedded", a table, a folder of tables, or an identifier of the hub.
        revision: Git revision on the hub; of no use for the others.
        group_column: As in `trainables.data.tables.read_data_set`, which keeps what it has read.
        reading: Likewise.
        ask_hub: Whether to ask the hub about what is not on this machine.

    Raises:
        Unavailable: It is not there, lacks a column or a training table, has bad rows that are not
            to be left out, or the hub could not be asked.
    """
    try:
        if split_files(name) is not None:
            read_data_set(name, revision, group_column, reading)
            return
    except DatasetError as error:
        raise Unavailable(str(error)) from error
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
    from huggingface_hub import constants  # the client takes 0.4 s, which local rows do not need

    root = os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets"
    wanted = name.replace("/", "___").replace("_", "").lower()
    return any(
        folder.name.replace("_", "").lower() == wanted and any(folder.glob("*/*/*"))
        for folder in Path(root).glob("*")
    )
