"""What a root is to everything above it: a place of complete, immutable files that have keys.

A key is a path relative to the root, with "/" between its parts. Whoever asks a place knows nothing
of where it is, but for the address that a person has given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
"""Variables of the environment that name the server of buckets, the first of them that is set."""


@dataclass(frozen=True)
class BucketAddress:
    """Where a root in a bucket is, as a person writes it: `s3://bucket/prefix`.

    Attributes:
        bucket: Its name.
        prefix: What the keys of the root's files begin with, without "/" at either end; empty where
            the whole bucket is the root.
    """

    bucket: str
    prefix: str

    def __str__(self) -> str:
        """Returns the address."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


Root: TypeAlias = Path | BucketAddress
"""The address of an experiment store: a folder, or a place in a bucket."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is there.

    Attributes:
        key: Its path below the root.
        stamp: A text that changes when a removed file is written again with another content.
        size: In bytes.
    """

    key: str
    stamp: str
    size: int


class StoreFiles(Protocol):
    """The files under one root."""

    def prepare(self) -> None:
        """Makes the place ready to be written to.

        Raises:
            StoreUnusableError: It cannot be; says what to do.
        """

    def check_readable(self) -> None:
        """Checks that something can be read here.

        Raises:
            StoreUnusableError: There is no such place, or it cannot be read.
        """

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Publishes a file unless its name is taken. When it returns, the file is durable.

        Args:
            key: Of the file.
            data: The whole content.

        Returns:
            True if this call published it; False if the file was there already, in which case
            its content, whatever it is, stays.

        Raises:
            NotPublishedError: Nothing became visible.
            PublicationUnknownError: It may be there or not, or not survive a crash.
            DamagedError: It would lie elsewhere, by a link.
            ValueError: The key is not a plain relative path.
        """

    def get(self, key: str, most: int | None = None) -> bytes | None:
        """Returns the content of a file, None where there is none.

        Args:
            key: Of the file.
            most: Bytes that it may have; None means any number.

        Raises:
            NotAFileError: It is larger, or no plain file.
            DamagedError: It lies elsewhere, by a link.
            StoreUnusableError: It cannot be read.
        """

    def read(self, file: StoredFile, most: int | None = None) -> bytes | None:
        """Returns the content of a file as it was listed, None if it has gone since.

        Args:
            file: What `files` has said.
            most: Bytes that it may have; None means any number.

        Raises:
            StoreError: As `get`.
        """

    def each(self, files: Sequence[_T], read: Callable[[_T], _R]) -> list[_R]:
        """Returns what `read` returns of each file, in their order.

        Several are read at once where a single one is long in coming.

        Args:
            files: Or their keys.
            read: Reads one of them.
        """

    def has(self, key: str) -> bool:
        """Returns whether a file is there."""

    def files(self, folder: str, suffix: str = "", *, deep: bool = True) -> list[StoredFile]:
        """Returns the files in a folder whose names end so, in the order of their names.

        Args:
            folder: Its key.
            suffix: What names end with.
            deep: Whether also those in folders below it, at any depth.

        Raises:
            DamagedError: Something there is neither a file nor a folder.
        """

    def folders(self, folder: str, prefix: str = "") -> list[str]:
        """Returns the names of the folders in a folder that begin so, sorted.

        Raises:
            DamagedError: Something with such a name is neither a file nor a folder.
        """

    def names(self, folder: str) -> list[str]:
        """Returns the names of all that is in a folder, sorted; a "/" ends those of folders.

        Whatever it is: also what `files` and `folders` refuse. A link that leads to a folder is
        called one.
        """

    def written_at(self, folder: str) -> float | None:
        """Returns when something was last written into a folder, None where there is none.

        By the place's clock, in seconds since 1970.
        """

    def check_plain(self, folder: str, *, deep: bool = True, but: Sequence[str] = ()) -> None:
        """Checks that a folder is the store's own, before something of it is written over.

        Args:
            folder: Its key; it may be absent.
            deep: Whether also what is in it, at any depth.
            but: Folders whose contents are not looked at.

        Raises:
            DamagedError: A link, a pipe or a device is on the way to it or in it; names it.
        """

    def delete(self, *keys: str) -> None:
        """Removes files; they may be gone already."""

    def replace(self, key: str, data: bytes) -> None:
        """Writes a file in the place of the one of its name, if there is one, whole and durable.

        Of all that is stored only a count of the one driver's is ever written anew.

        Raises:
            StoreError: It could not be stored; whichever was there before may stay.
        """

    def source(self, file: StoredFile) -> Any:
        """Returns what Arrow reads a file from.

        Raises:
            StoreUnusableError: It cannot be read.
        """

    def name(self, key: str) -> str:
        """Returns what a file is called for a person: its whole path or address."""

    def remove_abandoned(self) -> int:
        """Removes what killed writers left behind long ago; returns how many files that were."""
