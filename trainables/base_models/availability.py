"""Says within seconds whether a base model and a data set can be had, before anything starts.

Loads neither torch nor rows: it looks at local files and at the local cache of the Hugging Face
hub, and only then asks the hub, once, with a deadline that holds even where a name server or
a proxy hangs.
"""

from __future__ import annotations

import csv
import json
import os
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import HfApi, constants, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from trainables.contract.errors import UserError
from trainables.data.tables import REQUIRED_COLUMNS, TABLE_SUFFIXES, files

EMBEDDED = "embedded"
EMBEDDED_FOLDER = Path(__file__).parents[1] / "embedded" / "base"
HUB_SECONDS = 4.0  # for one question to the hub; a sweep asks two, model and data set

_TOKENIZERS = ("tokenizer.json", "spiece.model", "sentencepiece.bpe.model")
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
_MODEL_FILES = " --include '*.json' --include '*.safetensors' --include 'spiece.model'"
_NO_DOWNLOAD = "use `--profile embedded`, which needs no download"


class Unavailable(UserError):  # noqa: N818 - a state of the world, not a fault of the program
    """A base model or data set cannot be had; the message says what to do."""


def check_model(name: str, revision: str | None = None, *, ask_hub: bool = True) -> None:
    """Checks that a base model and its tokenizer can be loaded.

    Args:
        name: "embedded", a checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub; of no use for the other two.
        ask_hub: Whether to ask the hub about what is not on this machine.

    Raises:
        Unavailable: It is not there, is incomplete, or the hub could not be asked.
    """
    folder = EMBEDDED_FOLDER if name == EMBEDDED else Path(name).expanduser()
    if folder.is_dir():
        if missing := _missing_files(lambda file: _existing(folder / file)):
            raise Unavailable(
                f'The base model folder "{folder}" has no {missing}: give a folder as '
                "`save_pretrained` writes it for model and tokenizer."
            )
        return
    if name == EMBEDDED:
        raise Unavailable(f"The built-in base model is not in {folder}: install the package again.")
    local = "give a checkpoint folder with `--set base_model=FOLDER`"
    if _is_path(name):
        raise Unavailable(f'The base model "{name}" is not a folder: {local}; or {_NO_DOWNLOAD}.')
    if not ask_hub or not _missing_files(lambda file: cached_file(name, file, revision)):
        return
    what = f'The base model "{name}"'
    command = f"hf download {name}{f' --revision {revision}' if revision else ''}{_MODEL_FILES}"
    remedies = _remedies(command, local)
    info = _ask_hub(what, revision, remedies, lambda api: api.model_info(name, revision=revision))
    if not any(sibling.rfilename.endswith(".safetensors") for sibling in info.siblings or ()):
        raise Unavailable(
            f"{what} has no weights as safetensors on the Hugging Face hub: {remedies}"
        )


def check_dataset(name: str, revision: str | None = None, *, ask_hub: bool = True) -> None:
    """Checks that a data set can be loaded.

    Args:
        name: "embedded", a table, a folder of tables, or an identifier of the hub.
        revision: Git revision on the hub; of no use for the others.
        ask_hub: Whether to ask the hub about what is not on this machine.

    Raises:
        Unavailable: It is not there, lacks a column, or the hub could not be asked.
    """
    if name == EMBEDDED:
        return
    if Path(name).exists():
        _check_tables(name)
        return
    local = "give a table of rows with `--set dataset=FILE`"
    if _is_path(name) or Path(name).suffix in TABLE_SUFFIXES:
        raise Unavailable(
            f'The data set "{name}" is neither a file nor a folder: {local}; or {_NO_DOWNLOAD}.'
        )
    if not ask_hub or _dataset_cached(name):
        return
    what = f'The data set "{name}"'
    arguments = f"'{name}'{f', revision={revision!r}' if revision else ''}"
    command = f'python -c "import datasets; datasets.load_dataset({arguments})"'
    remedies = _remedies(command, local)
    _ask_hub(what, revision, remedies, lambda api: api.dataset_info(name, revision=revision))


def _remedies(command: str, local: str) -> str:
    """Returns the end of a message about something of the hub's."""
    return (
        f"cache it first, where the hub can be reached, with `{command}`; or {local}; or "
        f"{_NO_DOWNLOAD}."
    )


def _is_path(name: str) -> bool:
    """Returns whether a name can only have been meant as a path."""
    return Path(name).is_absolute() or name.startswith(("~", ".")) or name.count("/") > 1


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def cached_file(name: str, file: str, revision: str | None) -> Path | None:
    """Returns where the hub's local cache holds a file of a model."""
    try:
        found = try_to_load_from_cache(name, file, revision=revision)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def _missing_files(find: Callable[[str], Path | None]) -> str | None:
    """Says which part of a checkpoint is missing.

    Args:
        find: Returns where a file of the checkpoint lies, or None.
    """
    if find("config.json") is None:
        return "config.json"
    if not any(find(file) for file in _TOKENIZERS):
        return f"tokenizer ({' or '.join(_TOKENIZERS)})"
    if find(WEIGHTS):
        return None
    index = find(WEIGHTS_INDEX)
    if index is None:
        return f"weights ({WEIGHTS})"
    shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    return next((shard for shard in shards if find(shard) is None), None)


def _dataset_cached(name: str) -> bool:
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


def _check_tables(name: str) -> None:
    """Checks a table, or every table of a folder, by its header."""
    tables = files(name)
    if Path(name).is_dir() and not any("train" in table.stem.lower() for table in tables):
        raise Unavailable(
            f'The folder "{name}" holds no table of training rows: it needs a file such as '
            f"train.parquet ({', '.join(TABLE_SUFFIXES)})."
        )
    for table in tables:
        if table.suffix not in TABLE_SUFFIXES:
            raise Unavailable(
                f'The data set "{table}" is a {table.suffix or "file without a suffix"}, but must '
                f"be one of {', '.join(TABLE_SUFFIXES)}."
            )
        try:
            columns = _columns(table)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise Unavailable(f'The data set "{table}" cannot be read: {error}') from error
        missing = [column for column in REQUIRED_COLUMNS if column not in columns]
        if missing:
            raise Unavailable(
                f'The data set "{table}" lacks {", ".join(missing)}: it has '
                f"{', '.join(columns) or 'no columns'}, and needs {', '.join(REQUIRED_COLUMNS)}."
            )


def _columns(table: Path) -> Sequence[str]:
    if table.suffix == ".parquet":
        return list(pq.read_schema(table).names)
    with table.open(encoding="utf-8", newline="") as lines:
        if table.suffix == ".csv":
            return next(csv.reader(lines), [])
        return list(json.loads(next(lines, "{}")))


def _ask_hub(
    what: str, revision: str | None, remedies: str, question: Callable[[HfApi], Any]
) -> Any:
    """Asks the hub, at most `HUB_SECONDS` long.

    Args:
        what: What is asked about, to begin a message with.
        revision: The revision asked for.
        remedies: The end of a message.
        question: The request.

    Returns:
        The answer.

    Raises:
        Unavailable: There is no such thing, or no answer.
    """
    if constants.HF_HUB_OFFLINE:
        raise Unavailable(
            f"{what} is not in the local cache, and HF_HUB_OFFLINE is set: {remedies}"
        )
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(question(HfApi()))
        except Exception as error:  # the thread has no caller to raise to
            answers.put(error)

    # A request's own timeout does not cover looking up the host's name, hence the thread.
    threading.Thread(target=ask, daemon=True, name="hub-availability").start()
    try:
        answer = answers.get(timeout=HUB_SECONDS)
    except queue.Empty:
        answer = TimeoutError(f"no answer in {HUB_SECONDS:g} s")
    if not isinstance(answer, Exception):
        return answer
    raise Unavailable(f"{what} {_reason(answer, revision)}: {remedies}") from answer


def _reason(error: Exception, revision: str | None) -> str:
    if isinstance(error, GatedRepoError):
        return "is on the Hugging Face hub for users with permission only (`hf auth login`)"
    if isinstance(error, RevisionNotFoundError):
        return f'has no revision "{revision}" on the Hugging Face hub'
    if isinstance(error, (RepositoryNotFoundError, HFValidationError)):
        return "is neither a local path nor on the Hugging Face hub"
    first_line = str(error).strip().split("\n")[0]
    return f"is not in the local cache, and the Hugging Face hub cannot be reached ({first_line})"
