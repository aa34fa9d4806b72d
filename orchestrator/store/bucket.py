"""Files in a bucket of an object store that speaks S3's protocol.

A file is published by one conditional PUT, which the store answers with "exists already" if the
name is taken. An answer may be lost after the PUT took effect, and what is sent again then is told
that the name is taken: so each call writes a mark of its own beside the content, by which it knows
its file from another writer's.

What a request may take, how often it is repeated and where credentials come from is obstore's, as
its settings here and the environment say (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL` and so on).
"""

from __future__ import annotations

import io
import math
import os
import re
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import obstore
import pyarrow as pa
from obstore import exceptions
from obstore.store import S3Store

from orchestrator.errors import visible_line
from orchestrator.store.errors import (
    NotAFileError,
    NotPublishedError,
    PublicationUnknownError,
    StoreUnusableError,
)
from orchestrator.store.keys import check_key
from orchestrator.store.place import ENDPOINTS, BucketAddress, StoredFile
from orchestrator.store.recent import Recent

TIMEOUT_SECONDS = 60.0
"""Of one request, from its first byte to the last one of its answer."""

_CONNECT_SECONDS = 5.0

_MOST_REPEATS = 4
"""Of one request, by obstore, which waits longer before each: after errors of the server's, lost
connections and, of what changes nothing, answers that do not come or are cut."""
_TRIES = 3
"""Of what obstore does not repeat: a PUT whose answer did not come in time, or that came upon
another one on its way, and a list that was cut."""
_CUT = "response body"
"""What obstore says of an answer that was cut."""
_AT_ONCE = 16
_PIECE = 8 << 20
"""Bytes asked for at once: a slow line has `TIMEOUT_SECONDS` for so much."""
_PART = 64 << 20
"""Bytes of a file that are stored at once; each part of a larger one is a request."""
_PARTS = 64
"""A file that is larger than so many parts is stored in so many."""
_PARTS_AT_ONCE = 2
_PIECES_AT_ONCE = 8
_MARK = "writer"
_ANOTHER_SERVER = "name a bucket of another server, where no writer undoes another's work"
_NO_BUCKET = "NoSuchBucket"
_ABSENT = (FileNotFoundError, exceptions.NotFoundError)
_ERRORS = (exceptions.BaseError, OSError)
"""Obstore's, some of which are Python's own."""
_REFUSED = (
    *_ABSENT,
    exceptions.PermissionDeniedError,
    exceptions.UnauthenticatedError,
    exceptions.NotSupportedError,
    exceptions.InvalidPathError,
)
"""Answers that no repetition changes; after each of them nothing was written. What a PUT or a list
does not find is the bucket."""

_RECENT = Recent(32 << 20, 1 << 20)
"""Of all buckets of this process, by address, key and stamp."""

_T = TypeVar("_T")
_R = TypeVar("_R")


class BucketFiles:
    """The files under one prefix of a bucket; a `StoreFiles`.

    Args:
        address: Of the root.
        timeout_seconds: Of one request.
    """

    def __init__(self, address: BucketAddress, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.address = address
        self._timeout = timeout_seconds
        self._is_there = False
        self._is_prepared = False

    @cached_property
    def _client(self) -> S3Store:
        return self._with_timeout(self._timeout)

    def _with_timeout(self, seconds: float) -> S3Store:
        timeout = timedelta(seconds=seconds)
        return S3Store(
            self.address.bucket,
            prefix=self.address.prefix or None,
            client_options={
                "timeout": timeout,
                "connect_timeout": timedelta(seconds=min(_CONNECT_SECONDS, seconds)),
                "allow_http": _is_plain_http(),
            },
            retry_config={"max_retries": _MOST_REPEATS, "retry_timeout": 3 * timeout},
        )

    def prepare(self) -> None:
        """Finds out whether the store knows conditional writes, without which two would publish.

        Raises:
            StoreUnusableError: It does not, keeps no marks, or cannot be written to; says what to
                do.
        """
        if self._is_prepared:
            return
        key, mark = f"staging/{uuid.uuid4().hex}", uuid.uuid4().hex
        first = self._asked("written to", lambda: self._put(key, b"first", mark))
        second = self._asked("written to", lambda: self._put(key, b"second", uuid.uuid4().hex))
        found = self._asked("read", lambda: self._mark(key))
        self.delete(key)
        if second:
            raise StoreUnusableError(
                f"{self.address} cannot hold an experiment store: its server does not refuse to"
                f" write what is there already (If-None-Match); {_ANOTHER_SERVER}."
            )
        if not first or found != mark:
            raise StoreUnusableError(
                f"{self.address} cannot hold an experiment store: its server does not keep what"
                f" stands beside a file (x-amz-meta-{_MARK}); {_ANOTHER_SERVER}."
            )
        self._is_prepared = True
        self._is_there = True  # as a folder that was made, if there is nothing in it yet

    def check_readable(self) -> None:
        """As `StoreFiles.check_readable`."""
        if self._is_there:
            return
        found = self._listed("")
        if not found["objects"] and not found["common_prefixes"]:
            raise StoreUnusableError(
                f"There is no experiment store at {self.address}; copy one there with"
                " `results export`, or name another address with --root."
            )
        self._is_there = True

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """As `StoreFiles.put_if_absent`; unknown is whether a request without an answer arrived."""
        check_key(key)
        try:
            return self._put(key, data, uuid.uuid4().hex)
        except _REFUSED as error:
            raise NotPublishedError(
                f"{self.name(key)} was not stored: {_said(error)}; what was stored before stays."
            ) from error
        except _ERRORS as error:
            raise PublicationUnknownError(
                f"It is unknown whether {self.name(key)} was stored: {_said(error)}; the same"
                " command, run again, settles it."
            ) from error

    def _put(self, key: str, data: bytes, mark: str) -> bool:
        """Returns whether this call published the file.

        Raises:
            FileNotFoundError, PermissionDeniedError and the like: It is refused, and nothing was
                written.
            BaseError, OSError: Of obstore, after the last try; the file may be there or not.
        """
        pieces = math.ceil(len(data) / _PIECE)
        client = self._client if pieces < 2 else self._with_timeout(pieces * self._timeout)
        options: dict[str, Any] = {"mode": "create", "use_multipart": False}
        options["attributes"] = {_MARK: mark}
        for left in reversed(range(_TRIES)):
            try:
                put = obstore.put(client, key, data, **options)
                self._remember(key, put["e_tag"], data)
                return True
            except _REFUSED as error:
                # An earlier request, by this loop or by obstore, may have arrived all the same.
                if left < _TRIES - 1 or re.search(r"after [1-9][0-9]* retries", str(error)):
                    raise OSError(str(error)) from error
                raise
            except exceptions.AlreadyExistsError:
                # Another's, or this call's own, of which the answer was lost. Not there at all:
                # somebody wrote it at the same time and has not come through.
                found = self._mark(key)
                if found is not None:
                    return found == mark
                if not left:
                    raise
            except _ERRORS:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _mark(self, key: str) -> str | None:
        """Returns the mark of whoever wrote a file, None where there is no file.

        Raises:
            BaseError, OSError: Of obstore; never one that says that nothing was written.
        """
        try:
            found = obstore.get(self._client, key, options={"head": True}).attributes
        except _ABSENT:
            return None
        except _REFUSED as error:
            raise OSError(str(error)) from error
        return str(found.get(_MARK, ""))

    def get(self, key: str, most: int | None = None) -> bytes | None:
        """As `StoreFiles.get`."""
        check_key(key)
        try:
            found = self._asked("read", lambda: self._fetched(key, most))
        except _ABSENT:
            return None
        if isinstance(found, bytes):
            return found
        if most is not None and found > most:
            raise NotAFileError(f"{self.name(key)} is larger than any file of the store's.")
        return _Ranged(self, key, found).readall()

    def read(self, file: StoredFile, most: int | None = None) -> bytes | None:
        """As `StoreFiles.read`; a small file is asked for once a process."""
        found = _RECENT.get((self.address, file.key, file.stamp))
        if found is None:
            found = BucketFiles.get(self, file.key, most)
            if found is not None and len(found) == file.size:
                _RECENT.put((self.address, file.key, file.stamp), found)
        return found

    def _remember(self, key: str, e_tag: str | None, data: bytes) -> None:
        if e_tag is not None:
            _RECENT.put((self.address, key, _stamp(e_tag, len(data))), data)

    def _fetched(self, key: str, most: int | None) -> bytes | int:
        """Returns the content of a file; if it is larger than a piece, or `most`, its size."""
        answer = obstore.get(self._client, key)
        size = answer.meta["size"]
        if size > min(_PIECE, size if most is None else most):
            return size
        return bytes(answer.bytes())

    def piece(self, key: str, start: int, end: int) -> bytes:
        """Returns some bytes of a file.

        Args:
            key: Of the file.
            start: The first of them.
            end: Behind the last of them.

        Raises:
            StoreUnusableError: They cannot be read.
        """

        def ask() -> bytes:
            return bytes(obstore.get_range(self._client, key, start=start, end=end))

        return self._asked("read", ask)

    def each(self, files: Sequence[_T], read: Callable[[_T], _R]) -> list[_R]:
        """As `StoreFiles.each`: several at once."""
        if len(files) < 2:
            return [read(file) for file in files]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return list(threads.map(read, files))

    def has(self, key: str) -> bool:
        """As `StoreFiles.has`."""
        try:
            self._asked("read", lambda: obstore.head(self._client, key))
        except _ABSENT:
            return False
        return True

    def files(self, folder: str, suffix: str = "", *, deep: bool = True) -> list[StoredFile]:
        """As `StoreFiles.files`."""
        found = self._listed(folder)["objects"] if not deep else self._all(folder)
        files = [
            StoredFile(each["path"], _stamp(each["e_tag"], each["size"]), each["size"])
            for each in found
            if each["path"].endswith(suffix)
        ]
        return sorted(files, key=lambda file: file.key.split("/"))

    def folders(self, folder: str, prefix: str = "") -> list[str]:
        """As `StoreFiles.folders`."""
        names = [found.rpartition("/")[2] for found in self._listed(folder)["common_prefixes"]]
        return sorted(name for name in names if name.startswith(prefix))

    def names(self, folder: str) -> list[str]:
        """As `StoreFiles.names`."""
        found = self._listed(folder)
        keys = [each["path"] for each in found["objects"]]
        keys += [f"{prefix}/" for prefix in found["common_prefixes"]]
        return sorted(key.removeprefix(f"{folder}/") for key in keys)

    def written_at(self, folder: str) -> float | None:
        """As `StoreFiles.written_at`: of all files below it, which are listed."""
        times = [each["last_modified"].timestamp() for each in self._all(folder)]
        return max(times, default=None)

    def check_plain(self, folder: str, *, deep: bool = True, but: Sequence[str] = ()) -> None:
        """As `StoreFiles.check_plain`: a bucket has neither links nor pipes nor devices."""

    def delete(self, *keys: str) -> None:
        """As `StoreFiles.delete`: several in one request."""
        for key in keys:
            check_key(key)
        if keys:
            self._asked("written to", lambda: _again(lambda: obstore.delete(self._client, keys)))

    def replace(self, key: str, data: bytes) -> None:
        """As `StoreFiles.replace`: one PUT without a condition."""
        check_key(key)
        put = partial(obstore.put, self._client, key, data, use_multipart=False)
        self._asked("written to", lambda: _again(put))

    def upload(self, key: str, path: Path) -> None:
        """Stores a file of this machine, of any size, under a name that nobody else writes to.

        Args:
            key: Of the object; complete or not there.
            path: The file.

        Raises:
            StoreUnusableError: It could not be stored; says what to do.
            OSError: The file cannot be read.
        """
        check_key(key)
        size = path.stat().st_size
        part = max(_PART, math.ceil(size / _PARTS))
        client = self._client
        if size > _PIECE:
            client = self._with_timeout(min(part, size) / _PIECE * self._timeout)
        put = partial(obstore.put, client, key, path, chunk_size=part)
        put = partial(put, max_concurrency=_PARTS_AT_ONCE)
        self._asked("written to", lambda: _again(put))

    def download(self, key: str, path: Path) -> None:
        """Writes an object into a file of this machine, of any size.

        Args:
            key: Of the object.
            path: The file, which is not there.

        Raises:
            FileNotFoundError: There is no such object.
            StoreUnusableError: It cannot be read; says what to do.
            OSError: The file cannot be written.
        """
        found = self._asked("read", lambda: self._fetched(key, None))
        with path.open("xb") as file:
            if isinstance(found, bytes):
                file.write(found)
                return
            step = _PIECES_AT_ONCE * _PIECE
            for begin in range(0, found, step):
                starts = range(begin, min(begin + step, found), _PIECE)
                ends = [(start, min(start + _PIECE, found)) for start in starts]
                for piece in self.each(ends, lambda each: self.piece(key, *each)):
                    file.write(piece)

    def copy(self, key: str, to: str) -> None:
        """Copies an object within the bucket, to a name that nobody else writes to.

        Raises:
            FileNotFoundError: There is no such object.
            StoreUnusableError: It cannot be copied; says what to do.
        """
        for each in (key, to):
            check_key(each)
        self._asked("written to", lambda: _again(partial(obstore.copy, self._client, key, to)))

    def now(self) -> float:
        """Returns the time by the clock that gives objects theirs, in seconds since 1970.

        Raises:
            StoreUnusableError: The bucket cannot be written to.
        """
        key = f"staging/{uuid.uuid4().hex}"
        self.replace(key, b"now")
        found = self._asked("read", lambda: obstore.head(self._client, key))
        self.delete(key)
        return float(found["last_modified"].timestamp())

    def source(self, file: StoredFile) -> Any:
        """Returns a buffer; of what is large a file of which only the asked parts are fetched."""
        if file.size > _PIECE:
            return pa.PythonFile(_Ranged(self, file.key, file.size), mode="r")
        found = self.read(file)
        if found is None:
            raise StoreUnusableError(
                f"{self.name(file.key)} was removed while it was read; ask again."
            )
        return pa.py_buffer(found)

    def name(self, key: str) -> str:
        """Returns the address of the file."""
        return f"{self.address}/{key}"

    def remove_abandoned(self) -> int:
        """As `StoreFiles.remove_abandoned`: a PUT leaves nothing behind."""
        return 0

    def _listed(self, folder: str) -> Any:
        """Returns what is in a folder itself: `objects` and `common_prefixes`."""
        return self._list(lambda: obstore.list_with_delimiter(self._client, folder or None))

    def _all(self, folder: str) -> Any:
        """Returns the objects below a folder, at any depth."""

        def ask() -> Any:
            return [each for chunk in obstore.list(self._client, folder) for each in chunk]

        return self._list(ask)

    def _list(self, ask: Callable[[], _T]) -> _T:
        """Returns the answer to a list, which obstore does not repeat where it was cut."""
        for _ in range(_TRIES - 1):
            try:
                return self._asked("read", ask)
            except StoreUnusableError as error:
                if _CUT not in str(error.__cause__):
                    raise
        return self._asked("read", ask)

    def _asked(self, what: str, ask: Callable[[], _T]) -> _T:
        """Returns the answer to a request.

        Raises:
            StoreUnusableError: There was none, or the store refuses; says what to do.
            FileNotFoundError: There is no such object.
        """
        try:
            return ask()
        except _ERRORS as error:
            if isinstance(error, _ABSENT) and _NO_BUCKET not in str(error):
                raise
            raise StoreUnusableError(
                f"{self.address} cannot be {what}: {_said(error)}; {_remedy(error)}."
            ) from error


class _Ranged(io.RawIOBase):
    """A file of which only what is read is fetched."""

    def __init__(self, files: BucketFiles, key: str, size: int) -> None:
        self._files, self._key, self._size, self._at = files, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        starts = range(self._at, end, _PIECE)
        parts = [self._files.piece(self._key, start, min(start + _PIECE, end)) for start in starts]
        self._at = max(self._at, end)
        return b"".join(parts)

    def readall(self) -> bytes:
        return self.read()


def _again(ask: Callable[[], _T]) -> _T:
    """Returns the answer to what may be asked any number of times, which obstore does not know.

    Raises:
        BaseError, OSError: Of obstore, after the last try.
    """
    for left in reversed(range(_TRIES)):
        try:
            return ask()
        except _ERRORS as error:
            if not left or isinstance(error, _REFUSED):
                raise
    raise AssertionError("unreachable")


def _stamp(e_tag: str | None, size: int) -> str:
    return f"{e_tag} {size}"


def _is_plain_http() -> bool:
    """Returns whether the environment names a server without TLS, as on the same machine."""
    found = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
    return found.lower().startswith("http://")


def _said(error: BaseException) -> str:
    """Returns what an error of obstore's says, in a line: the server's words where there are."""
    text = str(error).strip()
    found = {name: re.search(rf"<{name}>([^<]+)</{name}>", text) for name in ("Code", "Message")}
    if found["Code"] and found["Message"]:
        return visible_line(f"{found['Message'][1].rstrip('.')} ({found['Code'][1]})")
    line = (text.splitlines() or [type(error).__name__])[0]
    return visible_line(line if len(line) <= 300 else f"{line[:297]}...")


def _remedy(error: BaseException) -> str:
    if _NO_BUCKET in str(error):
        return "make the bucket, or name another one"
    if "NotImplemented" in str(error):
        return f"it does not know conditional writes (If-None-Match): {_ANOTHER_SERVER}"
    if re.search(r"\b40[13] ", str(error)):
        return (
            "check the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role) and"
            " what they permit"
        )
    return "check the network, the credentials, AWS_REGION and AWS_ENDPOINT_URL"
