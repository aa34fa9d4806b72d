"""Which file of a folder is which split, and which split of the hub's.

A file belongs to the split that its name says as a word, the last one if there are several
(`train.parquet`, `wikisql-validation.jsonl`, `TEST.CSV`), and a `.json` to one that its first or
last word says; other files, hidden ones and subfolders are left alone. Files whose names differ in
numbers alone are parts of one split, put together in the order of their names (`train-1.csv`,
`train-00000-of-00002.parquet`).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from trainables.data.errors import DatasetError
from trainables.runtime.local_paths import is_file, is_folder

PARQUET = (".parquet",)
SEPARATED = (".csv", ".tsv")
TABLE_SUFFIXES = (*PARQUET, ".jsonl", ".ndjson", ".json", *SEPARATED)
"""Each of them may be followed by `.gz`."""

_GZIP = ".gz"

_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
_BESIDE_ROWS = re.compile(r"(?:.*[-_])?tables|dev_tied_append")
"""Stems of a `.json` that Spider and BIRD ship beside their rows: schemas, and rows given again."""
_IN_TWO = ("train_others.json", "train_spider.json")
"""Spider's training rows, in two files."""
_SHARD = re.compile(r"-(\d+)-of-(\d+)(?:-[0-9a-f]+)?(?=\.|$)")
"""As the hub names the parts of a split, with or without a digest."""
_MOST_NAMED = 10
"""Files that a message lists."""


def table_suffix(path: Path) -> str:
    """Returns the suffix that says a table's format, in lower case, without that of gzip."""
    return Path(path.stem if path.suffix.lower() == _GZIP else path.name).suffix.lower()


def check_not_saved_to_disk(folder: Path) -> None:
    """Refuses a folder that `datasets` has written with `save_to_disk`, which is no table.

    Raises:
        DatasetError: It is one; names what writes tables of it.
    """
    of_splits = is_file(folder / "dataset_dict.json")
    if not of_splits and not (is_file(folder / "state.json") and any(folder.glob("*.arrow"))):
        return
    # In double quotes, so that a shell's single ones go around it.
    loaded = f"datasets.load_from_disk({json.dumps(str(folder))})"
    write = f'{loaded}.to_parquet("FOLDER/train.parquet")'
    if of_splits:
        write = f'[rows.to_parquet(f"FOLDER/{{name}}.parquet") for name, rows in {loaded}.items()]'
    raise DatasetError(
        f"The folder {str(folder)!r} was written by save_to_disk, in a format of the library's own;"
        f" write tables of it with `python -c {shlex.quote(f'import datasets; {write}')}` and give"
        " FOLDER."
    )


def splits_by_name(names: Iterable[str]) -> dict[str, str]:
    """Returns which of the named splits of a data set of the hub's is which: split -> name.

    A split's own name goes before others for it ("validation" before "dev").
    """
    found: dict[str, str] = {}
    for name in names:
        split = _SPLIT_WORDS.get(name)
        if split is not None and (split not in found or name == split):
            found[split] = name
    return found


def split_tables(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Returns the tables of a folder by split, "train" among them.

    Raises:
        DatasetError: There is no training table, or a split is claimed twice or lacks a part; names
            folder and files, and what would be right.
    """
    check_not_saved_to_disk(folder)
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DatasetError(f"The folder {str(folder)!r} cannot be read: {error}") from error
    found = _by_split(entries)
    if "train" not in found:
        raise DatasetError(
            f"The folder {str(folder)!r} holds no table of training rows; it needs a file such as "
            f"train.parquet (or .jsonl, .csv), and holds {_listed(entries)}."
            f"{_in_subfolders(entries) or _one_table(entries)}"
        )
    for split, files in found.items():
        _check_parts(folder, split, files)
    return {split: tuple(files) for split, files in found.items()}


def _by_split(entries: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for entry in entries:
        if (split := _split(entry)) is not None:
            found.setdefault(split, []).append(entry)
    return found


def _split(file: Path) -> str | None:
    """Returns the split that a file holds; None for what is no table, or says none."""
    hidden = file.name.startswith(".")  # such as ._train.csv, which macOS puts beside train.csv
    if hidden or table_suffix(file) not in TABLE_SUFFIXES or not is_file(file):
        return None
    words = re.findall(r"[a-z]+", _SHARD.sub("", _stem(file)))
    if table_suffix(file) == ".json":  # which need be no table at all
        if _BESIDE_ROWS.fullmatch(_stem(file)):
            return None
        words = words[:1] + words[-1:]
    return next((_SPLIT_WORDS[word] for word in reversed(words) if word in _SPLIT_WORDS), None)


def _stem(file: Path) -> str:
    """Returns a table's name without what says its format, in lower case."""
    name = file.name.lower().removesuffix(_GZIP)
    return name.removesuffix(table_suffix(file))


def _check_parts(folder: Path, split: str, files: Sequence[Path]) -> None:
    """Checks that the files of a split are its parts, all of them and none twice.

    Raises:
        DatasetError: They are not.
    """
    if tuple(file.name for file in files) == _IN_TWO:
        return
    known = {_part(files[0]): files[0]}
    for file in files[1:]:
        other = known.get(_part(file), files[0])
        if _part(file) in known or _without_numbers(file) != _without_numbers(other):
            raise DatasetError(
                f"The folder {str(folder)!r} holds {_said(other.name, file.name)}, which both say"
                f" that they are the split {split}; keep one of them, or name the parts of one"
                f" table {split}-1{other.suffix}, {split}-2{file.suffix}."
            )
        known[_part(file)] = file
    shards = [match for match in map(_shard, files) if match is not None]
    missing = (
        _missing_shard({int(match[1]) for match in shards}, int(shards[0][2])) if shards else None
    )
    if missing is not None:
        raise DatasetError(
            f"The folder {str(folder)!r} holds {_said(*(file.name for file in files))}, but not"
            f" the part of number {missing}; add what is missing, or name what is to be the whole"
            f" split {split}{files[0].suffix}."
        )


def _missing_shard(numbers: set[int], total: int) -> int | None:
    """Returns the first number that is not there, of `total` counted from 0 or from 1."""
    start = int(total in numbers)
    return next((n for n in range(start, start + total) if n not in numbers), None)


def _part(file: Path) -> int | str:
    """Returns what tells a part of a split from the others."""
    shard = _shard(file)
    return _stem(file) if shard is None else int(shard[1])


def _shard(file: Path) -> re.Match[str] | None:
    return _SHARD.search(_stem(file))


def _without_numbers(file: Path) -> str:
    """Returns what the names of a split's parts have in common."""
    total = _shard(file)
    words = re.sub(r"[\W\d_]+", " ", _SHARD.sub(" ", _stem(file))).strip()
    return words if total is None else f"{words} of {int(total[2])}"


def _said(*names: str) -> str:
    """Returns e.g. "a, b and c"."""
    shown = [*names[:_MOST_NAMED], *(["others"] if len(names) > _MOST_NAMED else [])]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _listed(entries: Sequence[Path]) -> str:
    """Returns what a folder holds, each with what it was taken for."""

    def taken(entry: Path) -> str:
        if is_folder(entry):
            return f"{entry.name} (a folder)"
        if not entry.exists():
            return f"{entry.name} (a link to nothing)"
        split = _split(entry)
        return entry.name if split is None else f"{entry.name} ({split})"

    return _said(*map(taken, entries)) if entries else "nothing"


def _one_table(entries: Iterable[Path]) -> str:
    """Returns a hint, after a space, at a table that may be given itself; "" without any."""
    tables = [
        entry
        for entry in entries
        if table_suffix(entry) in TABLE_SUFFIXES
        and is_file(entry)
        and not entry.name.startswith(".")
        and not _BESIDE_ROWS.fullmatch(_stem(entry))
    ]
    return f" A table may be given itself, all as training: {str(tables[0])!r}." if tables else ""


def _in_subfolders(entries: Iterable[Path]) -> str:
    """Returns a hint, after a space, at the tables that lie one level too deep; "" without any."""
    below = [
        sorted(path for path in entry.glob("*") if table_suffix(path) in TABLE_SUFFIXES)
        for entry in entries
        if is_folder(entry) and not entry.name.startswith(".")
    ]
    whole = next((tables[0].parent for tables in below if "train" in _by_split(tables)), None)
    if whole is not None:
        return f" Its subfolder {whole.name} holds such a file: give {str(whole)!r}."
    some = next((tables[0] for tables in below if tables), None)
    if some is None:
        return ""
    return (
        f" Subfolders are left alone: move {some.parent.name}/{some.name} up, under a name that"
        f" says its split, such as train-{some.name}."
    )
