"""Reads a user's SQLite file without ever being able to change it. Standard library only.

The file is opened by SQLite with `mode=ro`: the operating system itself refuses a write to it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from trainables.contract.errors import UserError

MOST_BYTES = 256 * 2**20
"""Largest database that `content` copies."""
_MOST_CHECKED_BYTES = 64 * 2**20
"""Largest database of which `examine` looks at every page."""
_OF_VALUES = (" value in ", "constraint failed", "missing from index", "non-unique entry")
"""Words of SQLite's about rows that their own schema does not allow; they can be read."""

_VERSIONS = slice(18, 20)
"""Where the header says how the file is written: 1 by a rollback journal, 2 by a write-ahead log.
Source: https://www.sqlite.org/fileformat2.html, section 1.3.3."""
_ROLLBACK, _WRITE_AHEAD = b"\x01\x01", b"\x02\x02"


class DatabaseUnreadable(UserError):  # noqa: N818 - a state of the world, as in its name
    """The file is absent, no SQLite database, without tables, or too large to copy."""


class DatabaseTooLarge(DatabaseUnreadable):
    """The file has more than `MOST_BYTES`."""


class Examined(NamedTuple):
    """What is known of a database that can be read.

    Attributes:
        schema: As `schema` returns it.
        digest: Another one where any of its rows is; 16 hexadecimal digits of SHA-256.
    """

    schema: str
    digest: str


def examine(file: Path) -> Examined:
    """Returns schema and digest of a database, and looks whether it is damaged.

    Every page of it is looked at where it is not too large for that.

    Args:
        file: The database.

    Raises:
        DatabaseUnreadable: It cannot be read, is damaged, or has no tables.
    """
    found = schema(file)
    try:
        copied = content(file)
    except DatabaseTooLarge:
        with file.open("rb") as opened:
            return Examined(found, hashlib.file_digest(opened, "sha256").hexdigest()[:16])
    if len(copied) <= _MOST_CHECKED_BYTES:
        _check_pages(file)
    return Examined(found, hashlib.sha256(copied).hexdigest()[:16])


def _check_pages(file: Path) -> None:
    with _opened(file) as connection:
        # Neither views nor expressions of a schema may call what reaches outside.
        connection.execute("PRAGMA trusted_schema = OFF")
        found = connection.execute("PRAGMA quick_check(100)").fetchall()
        damage = [
            line for (line,) in found if line != "ok" and not any(w in line for w in _OF_VALUES)
        ]
        if damage:
            raise sqlite3.DatabaseError(damage[0].splitlines()[-1])


def schema(file: Path) -> str:
    """Returns the CREATE statements of all tables and views, in the order in which they were made.

    Args:
        file: The database.

    Returns:
        One line, each statement with its semicolon, as contexts of training rows are written.

    Raises:
        DatabaseUnreadable: It cannot be read, or has no tables.
    """
    with _opened(file) as connection:
        found = connection.execute(
            "SELECT sql FROM sqlite_master WHERE type IN ('table', 'view') AND sql IS NOT NULL"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
        ).fetchall()
    if not found:
        raise DatabaseUnreadable(f"The database {file} has no tables; give one that has.")
    return " ".join(f"{sql};" for (sql,) in found)


def content(file: Path) -> bytes:
    """Returns a consistent copy of the database, what stands in its write-ahead log included.

    Args:
        file: The database.

    Returns:
        A database file's bytes, for `sqlite3.Connection.deserialize`.

    Raises:
        DatabaseUnreadable: It cannot be read.
        DatabaseTooLarge: It has more than `MOST_BYTES`.
    """
    with _opened(file) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        if pages * page_bytes > MOST_BYTES:
            raise DatabaseTooLarge(
                f"The database {file} has {pages * page_bytes / 2**20:,.0f} MiB, but SQL runs"
                f" on a copy in memory of at most {MOST_BYTES // 2**20} MiB; leave out --execute"
                f" and run the statement with `sqlite3 -readonly {file}`."
            )
        copied = bytearray(connection.serialize())
    # A database in memory cannot have a write-ahead log, and none is needed any more.
    copied[_VERSIONS] = _ROLLBACK if copied else b""
    return bytes(copied)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    if not file.is_file():
        raise DatabaseUnreadable(f"There is no database file {file}; give an SQLite file.")
    try:
        with closing(sqlite3.connect(_address(file), uri=True)) as connection:
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise DatabaseUnreadable(
            f"The file {file} cannot be read as an SQLite database ({error}); give one that"
            " `sqlite3 -readonly FILE .schema` can read."
        ) from error


def _address(file: Path) -> str:
    address = f"{file.resolve().as_uri()}?mode=ro"
    with file.open("rb") as opened:
        header = opened.read(_VERSIONS.stop)
    if header[_VERSIONS] == _WRITE_AHEAD and not Path(f"{file.resolve()}-wal").exists():
        # Nobody has it open. Without this SQLite would put a log and its index beside the file.
        address += "&immutable=1"
    return address
