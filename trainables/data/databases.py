"""The SQLite files that questions are about: which one a row means, and what it holds.

A folder of them is laid out as Spider and BIRD are (`DIR/<name>/<name>.sqlite`), or flat
(`DIR/<name>.sqlite`). A row says a name; what it says is looked up in the list of what is there,
and never made a path. Files are opened by `trainables.sql.database_file`, which cannot change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from trainables.contract.errors import UserError
from trainables.data.errors import DatasetError
from trainables.runtime.local_paths import is_file, is_folder
from trainables.sql.database_file import examine

SUFFIXES = (".sqlite", ".sqlite3", ".db", ".db3")
_MOST_NAMED, _LONGEST_NAME = 5, 60


@dataclass(frozen=True, slots=True)
class Database:
    """A database that rows are about.

    Attributes:
        file: Its absolute path.
        schema: Its CREATE statements.
        digest: Another one where any of its rows is.
    """

    file: str
    schema: str
    digest: str


BESIDE = ("database", "databases", "train_databases", "dev_databases", "test_database")
"""Names of the folders that Spider and BIRD ship beside their questions."""


def folder_beside(table: Path) -> Path | None:
    """Returns the folder of databases beside a table, or beside its folder; None without one."""
    for place in (table.parent, table.parent.parent):
        for name in BESIDE:
            folder = place / name
            try:
                if is_folder(folder) and _by_name(folder):
                    return folder
            except DatasetError:
                continue
    return None


class Databases:
    """The databases of a data set, by name.

    Args:
        location: A file, which every row is about, or a folder of them.

    Attributes:
        is_one: Whether it is a file.
        files: All of them.

    Raises:
        DatasetError: Nothing is there, or a name is claimed twice.
    """

    def __init__(self, location: str) -> None:
        path = Path(location).expanduser()
        self._location = location
        self.is_one = is_file(path)
        if not self.is_one and not is_folder(path):
            raise DatasetError(
                f"The databases {location!r} are not there: it is neither an SQLite file nor a"
                " folder of them."
            )
        self._by_name = {"": path} if self.is_one else _by_name(path)
        self.files: Iterable[Path] = self._by_name.values()
        self._known: dict[str, Database | str] = {}

    def find(self, name: str | None) -> Database | str:
        """Returns the database that a row means, or what is wrong with it, to end a sentence.

        Args:
            name: What the row says; of no matter where there is but one.
        """
        key = "" if self.is_one else name or ""
        if key not in self._known:
            self._known[key] = self._found(key)
        return self._known[key]

    def _found(self, name: str) -> Database | str:
        if name not in self._by_name:
            return (
                f"is about the database {name[:_LONGEST_NAME]!r}, which is not in {self._location}"
            )
        try:
            return _examined(*_stamp(self._by_name[name].absolute()))
        except (UserError, OSError) as error:
            why = str(error).partition("; ")[0].rstrip(".")  # without the remedy for one file
            return f"is about a database that is of no use: {why}"


def _by_name(folder: Path) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    try:
        entries = sorted(folder.iterdir())
        for entry in entries:
            for name, file in _files(entry):
                other = found.setdefault(name, file)
                if other != file:
                    raise DatasetError(
                        f"The folder {str(folder)!r} holds two databases {name!r}, {other} and"
                        f" {file}; keep one of them."
                    )
    except OSError as error:
        raise DatasetError(f"The folder {str(folder)!r} cannot be read: {error}") from error
    if not found:
        named = ", ".join(entry.name for entry in entries[:_MOST_NAMED]) or "nothing"
        raise DatasetError(
            f"The folder {str(folder)!r} holds no databases; it needs files such as NAME.sqlite or"
            f" NAME/NAME.sqlite, and holds {named}{', ...' if entries[_MOST_NAMED:] else ''}."
        )
    return found


def _files(entry: Path) -> Iterable[tuple[str, Path]]:
    """Yields the databases that an entry of the folder is or holds: names and files."""
    if entry.name.startswith("."):
        return
    if _is_database(entry):
        yield entry.stem, entry
    elif is_folder(entry):
        inside = sorted(filter(_is_database, entry.iterdir()))
        same = [file for file in inside if file.stem == entry.name]
        if same or len(inside) == 1:
            yield from ((entry.name, file) for file in same or inside)


def _is_database(entry: Path) -> bool:
    return entry.suffix.lower() in SUFFIXES and is_file(entry)


def stamped(file: Path) -> tuple[Path, ...]:
    """Returns the files whose change is a change of the database: itself, and its log if any."""
    log = file.with_name(f"{file.name}-wal")
    return (file, log) if log.exists() else (file,)


_Times = tuple[tuple[int, int], ...]


def _stamp(file: Path) -> tuple[Path, _Times]:
    statuses = [each.stat() for each in stamped(file)] if file.exists() else []
    return file, tuple((status.st_size, status.st_mtime_ns) for status in statuses)


@lru_cache(maxsize=4096)
def _examined(file: Path, _: _Times) -> Database:
    return Database(str(file), *examine(file))
