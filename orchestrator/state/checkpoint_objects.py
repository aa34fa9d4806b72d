"""Checkpoints in a store that is in a bucket: files, and then one object that says which they are.

    <key>/<writer>/<name>    the files, below a name that no other writer has
    <key>/commit.json        names, sizes and SHA-256 of all files; of small ones the content too

Without the commit object there is no checkpoint. It is put if absent after the files, and removed
before them. What a killed writer leaves has no commit object, and is removed when it is old. A
reader copies the files to this machine and checks them.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from orchestrator.state.checkpoint_folders import refusal
from orchestrator.state.sweep_files import CHECKPOINTS, TRAINING_STATE
from orchestrator.store.bucket import BucketFiles
from orchestrator.store.errors import DamagedError, NotAFileError, StoreError
from orchestrator.store.files import ABANDONED_SECONDS, STAGING, LocalFiles
from orchestrator.store.place import StoredFile
from trainables.runtime.permissions import open_to_readers

_COMMIT = "commit.json"
_INLINE_BYTES = 256 << 10
"""Files up to this size are in the commit object: a request costs more than they do."""
_LARGEST_COMMIT = 64 << 20
_OBJECT = re.compile(r"(.+/[0-9]{10})/(?:commit\.json|([0-9a-f]{32})/.+)")


@dataclasses.dataclass(frozen=True)
class _File:
    """A file of a checkpoint.

    Attributes:
        name: Its path in the checkpoint's folder, with "/".
        size: In bytes.
        sha256: Of its content, in hexadecimal digits.
        writer: Below which name it lies; None where `content` has it.
        content: Its content in base64; None where it is an object of its own.
    """

    name: str
    size: int
    sha256: str
    writer: str | None = None
    content: str | None = None


@dataclasses.dataclass
class _Found:
    """What there is of a checkpoint.

    Attributes:
        size: In bytes, of all objects.
        is_whole: Whether there is a commit object.
        writers: The files of each writer.
    """

    size: int = 0
    is_whole: bool = False
    writers: dict[str, list[StoredFile]] = dataclasses.field(default_factory=dict)

    @property
    def files(self) -> list[StoredFile]:
        """The files of all writers."""
        return [file for files in self.writers.values() for file in files]

    def names(self, key: str) -> list[str]:
        """Returns the keys of all of its objects, by its own."""
        commit = [f"{key}/{_COMMIT}"] if self.is_whole else []
        return commit + [file.key for file in self.files]


class CheckpointObjects:
    """The checkpoints under one root in a bucket; a `CheckpointPlace`.

    Args:
        place: The files under the root.
        local: Folder of this machine for copies.
    """

    def __init__(self, place: BucketFiles, local: Path) -> None:
        self._place = place
        self._local = local
        self._published: dict[str, Sequence[_File]] = {}
        self._left: list[str] = []

    def stored(self, trial: str) -> set[int]:
        """As `CheckpointPlace.stored`."""
        return {_examples(key) for key, found in self._found(trial).items() if found.is_whole}

    def publish(self, key: str, save: Callable[[Path], None]) -> None:
        """As `CheckpointPlace.publish`."""
        with self._staged() as folder:
            try:
                save(folder)
            except Exception as error:
                if (refused := refusal(error)) is None or refused is error:
                    raise
                raise refused from error
            open_to_readers(folder)
            writer = uuid.uuid4().hex
            paths = sorted(path for path in folder.rglob("*") if path.is_file())
            names = [path.relative_to(folder).as_posix() for path in paths]
            put = self._place.each(
                [*zip(names, paths, strict=True)], lambda each: self._put(key, writer, *each)
            )
            self._commit(key, put)

    def _put(self, key: str, writer: str, name: str, path: Path) -> _File:
        size = path.stat().st_size
        if size <= _INLINE_BYTES:
            data = path.read_bytes()
            text = base64.b64encode(data).decode()
            return _File(name, len(data), hashlib.sha256(data).hexdigest(), content=text)
        self._place.upload(f"{key}/{writer}/{name}", path)
        return _File(name, size, _sha256(path), writer=writer)

    def _commit(self, key: str, files: Sequence[_File]) -> None:
        """Publishes a checkpoint whose files are there, unless one is there already."""
        record = {"files": [dataclasses.asdict(file) for file in files]}
        if self._place.put_if_absent(f"{key}/{_COMMIT}", json.dumps(record, indent=1).encode()):
            self._published[key] = files
        else:
            # An attempt on a node that was given up came at the same time.
            with contextlib.suppress(StoreError):
                self._place.delete(*_objects(key, files))

    def folder(self, key: str) -> Path | None:
        """As `CheckpointPlace.folder`: a copy, which is kept for the next time."""
        found = self._committed(key)
        if found is None:
            return None
        files, digest = found
        target = self._local / f"{key}-{digest[:16]}"
        if _is_whole(target, files):
            os.utime(target)
            return target
        shutil.rmtree(target, ignore_errors=True)
        self._forget(target.parent)
        with self._staged() as folder:
            self._place.each(files, lambda file: self._fetch(key, file, folder / file.name))
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                folder.rename(target)
            except OSError:
                # Another process of this machine may have fetched it at the same time.
                if not target.is_dir():
                    raise
        return target

    def _fetch(self, key: str, file: _File, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.content is not None:
            path.write_bytes(base64.b64decode(file.content))
        else:
            try:
                self._place.download(_object(key, file), path)
            except FileNotFoundError:
                if PurePosixPath(file.name).name == TRAINING_STATE:  # of a trial that has ended
                    return
                raise self._damaged(key, f"its file {file.name} is gone") from None
        if not _is_file(path, file):
            raise self._damaged(key, f"its file {file.name} has another content")

    def take_over(self, key: str, source: str) -> None:
        """As `CheckpointPlace.take_over`: by copies within the bucket."""
        found = self._committed(source)
        if found is None:
            return
        writer = uuid.uuid4().hex

        def copied(file: _File) -> _File | None:
            own = file if file.writer is None else dataclasses.replace(file, writer=writer)
            if own is not file:
                try:
                    self._place.copy(_object(source, file), _object(key, own))
                except FileNotFoundError:
                    if PurePosixPath(file.name).name == TRAINING_STATE:
                        return None
                    raise self._damaged(source, f"its file {file.name} is gone") from None
            return own

        files = [file for file in self._place.each(found[0], copied) if file is not None]
        self._commit(key, files)

    def keep_only(self, key: str) -> int | None:
        """As `CheckpointPlace.keep_only`."""
        trial = key.rpartition("/")[0]
        found = self._found(trial)
        kept = found.pop(key, _Found())
        state = [file for file in kept.files if PurePosixPath(file.key).name == TRAINING_STATE]
        # The trial has ended, so nobody goes on from what is half gone.
        others = [name for other, there in found.items() for name in there.names(other)]
        with contextlib.suppress(StoreError):
            self._place.delete(*others, *(file.key for file in state))
        self._forget(self._local / trial, but=key)
        return kept.size - sum(file.size for file in state) if kept.is_whole else None

    def drop(self, trial: str, unwanted: Callable[[int], bool]) -> None:
        """As `CheckpointPlace.drop`."""
        for key, found in self._found(trial).items():
            if unwanted(_examples(key)):
                self._remove(key, found)

    def discard(self, key: str) -> None:
        """As `CheckpointPlace.discard`; of one that was published here it is known what it has.

        Then its files go with the commit object of the next one, in one request, or when the trial
        has ended.
        """
        files = self._published.pop(key, None)
        if files is None:
            self._remove(key, self._found(key).get(key, _Found()))
            return
        with contextlib.suppress(StoreError):
            self._place.delete(f"{key}/{_COMMIT}", *self._left)
            self._left = [*_objects(key, files)]

    def discard_all(self, trial: str) -> None:
        """As `CheckpointPlace.discard_all`."""
        names = [name for key, found in self._found(trial).items() for name in found.names(key)]
        with contextlib.suppress(StoreError):
            self._place.delete(*names)
        shutil.rmtree(self._local / trial, ignore_errors=True)

    def name(self, key: str) -> str:
        """As `CheckpointPlace.name`."""
        return self._place.name(key)

    def remove_abandoned(self, sweep: str) -> None:
        """As `CheckpointPlace.remove_abandoned`."""
        LocalFiles(self._local).prepare()
        LocalFiles(self._local).remove_abandoned()
        self._forget()
        left = [
            (key, writer, files)
            for key, found in self._found(sweep).items()
            if len(found.writers) > found.is_whole
            for writer, files in found.writers.items()
        ]
        if not left:
            return
        now = self._place.now()
        for key, writer, files in left:
            committed = self._committed(key)
            if committed is not None and any(file.writer == writer for file in committed[0]):
                continue
            at = self._place.written_at(f"{key}/{writer}")
            if at is not None and now - at >= ABANDONED_SECONDS:
                self._place.delete(*(file.key for file in files))

    def _remove(self, key: str, found: _Found) -> None:
        """Removes a checkpoint; files that no commit object names are somebody's who writes.

        What the bucket refuses is no trial's failure: a later start removes it.
        """
        if not found.is_whole:
            return
        names = [file.key for file in found.files]
        with contextlib.suppress(StoreError):
            if len(found.writers) > 1:
                committed = self._committed(key)
                names = [] if committed is None else [*_objects(key, committed[0])]
            self._place.delete(f"{key}/{_COMMIT}")
            self._place.delete(*names)
        for copy in (self._local / key).parent.glob(f"{_examples(key):010d}-*"):
            shutil.rmtree(copy, ignore_errors=True)

    def _committed(self, key: str) -> tuple[list[_File], str] | None:
        """Returns the files of a checkpoint and a digest of what says so; None where it is none."""
        try:
            data = self._place.get(f"{key}/{_COMMIT}", _LARGEST_COMMIT)
            if data is None:
                return None
            files = [_file(each) for each in json.loads(data)["files"]]
        except (NotAFileError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise self._damaged(key, f"its {_COMMIT} is none") from error
        return files, hashlib.sha256(data).hexdigest()

    def _found(self, folder: str) -> dict[str, _Found]:
        """Returns what there is of each checkpoint below a key, by its own."""
        found: dict[str, _Found] = {}
        for file in self._place.files(folder):
            match = _OBJECT.fullmatch(file.key)
            if match is not None:
                there = found.setdefault(match[1], _Found())
                there.size += file.size
                if match[2] is None:
                    there.is_whole = True
                else:
                    there.writers.setdefault(match[2], []).append(file)
        return found

    def _forget(self, trial: Path | None = None, but: str = "/") -> None:
        """Removes copies of a trial's, but of one, and those that nobody has asked for in a day."""
        for copy in self._local.glob(f"{CHECKPOINTS}/*/*/*"):
            kept = copy.name.startswith(f"{but.rpartition('/')[2]}-")
            with contextlib.suppress(OSError):
                is_old = time.time() - copy.stat().st_mtime > ABANDONED_SECONDS
                if is_old or (copy.parent == trial and not kept):
                    shutil.rmtree(copy)

    @contextmanager
    def _staged(self) -> Iterator[Path]:
        """Yields a new folder of this machine, which is removed unless it has got its name."""
        folder = self._local / STAGING / f"checkpoint-{os.getpid()}-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _damaged(self, key: str, why: str) -> DamagedError:
        return DamagedError(
            f"The checkpoint {self.name(key)} is not what was stored: {why}; put it back from a"
            " copy of the store, or remove it: its trial then goes on from an earlier one, or from"
            " the beginning."
        )


def _file(values: Mapping[str, Any]) -> _File:
    """Returns what a commit object says of a file.

    Raises:
        ValueError, LookupError or TypeError: It says none, or one that would lie elsewhere.
    """
    file = _File(**values)
    path = PurePosixPath(file.name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError(f"{file.name!r} would lie elsewhere")
    if (file.writer is None) == (file.content is None):
        raise ValueError("it is neither an object nor a content")
    if file.writer is not None and not re.fullmatch(r"[0-9a-f]{32}", file.writer):
        raise ValueError(f"{file.writer!r} is no writer")
    return file


def _object(key: str, file: _File) -> str:
    return f"{key}/{file.writer}/{file.name}"


def _objects(key: str, files: Sequence[_File]) -> Iterator[str]:
    return (_object(key, file) for file in files if file.writer is not None)


def _examples(key: str) -> int:
    return int(key.rpartition("/")[2])


def _is_whole(folder: Path, files: Sequence[_File]) -> bool:
    """Returns whether a copy is what was stored, what is only for going on left aside."""
    return folder.is_dir() and all(
        _is_file(folder / file.name, file)
        for file in files
        if PurePosixPath(file.name).name != TRAINING_STATE or (folder / file.name).exists()
    )


def _is_file(path: Path, file: _File) -> bool:
    return path.is_file() and path.stat().st_size == file.size and _sha256(path) == file.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
