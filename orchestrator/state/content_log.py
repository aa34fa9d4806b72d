"""What a sweep's numbers depend on, put on record at its first start.

Under other rows, another base model or other versions its trials would be trained and scored
otherwise, and be ranked beside those that ran before. One immutable file for the versions, one for
the rows, one for the base; what is not on this machine yet is put on record by the first trial that
has read it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from orchestrator.search.content import Base, Content, Versions
from orchestrator.state.records import damaged, read_record
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store.place import StoredFile
from trainables.contract.errors import SharedError

_WHAT = "a record of what the numbers depend on"
_REMEDY = "put it back from a copy of the store, or start another sweep with --new"
_ROWS, _BASE, _VERSIONS = "rows", "base", "versions"
_T = TypeVar("_T")


class ContentChangedError(SharedError):
    """Rows or base model are not those that the sweep was begun with."""


@dataclasses.dataclass(frozen=True)
class Recorded:
    """What is on record of a sweep; None of what is not.

    Attributes:
        versions: Of the package that began it.
        rows: Fingerprint of its rows.
        base: Its base model.
    """

    versions: Versions | None
    rows: str | None
    base: Base | None


class ContentLog:
    """The record of one sweep, in `state/sweep=<sweep_id>/content/`."""

    def __init__(self, files: SweepFiles) -> None:
        """Opens the log; nothing is written before `begin`."""
        self._files = files
        self._known: Recorded | None = None

    def begin(self, content: Content) -> None:
        """Writes down what is not on record; of a sweep that has not begun everything.

        Only the process that holds the sweep may.

        Raises:
            StoreError: It could not be stored.
        """
        if not self._files.has_begun():  # what an earlier start had in mind binds nobody
            self._files.place.delete(*map(self._key, (_ROWS, _BASE, _VERSIONS)))
        self._put(_VERSIONS, dataclasses.asdict(content.versions))
        if content.rows is not None:
            self._put(_ROWS, {"fingerprint": content.rows})
        if content.base is not None:
            self._put(_BASE, dataclasses.asdict(content.base))

    def read(self) -> Recorded:
        """Returns what is on record.

        Raises:
            DamagedError: A file of it is none; names it and the remedy.
        """
        found = self._files.place.files(self._files.content_key, ".json", deep=False)
        there = {file.key: file for file in found}
        versions = self._read(there.get(self._key(_VERSIONS)), Versions, int, "split")
        rows = self._read(there.get(self._key(_ROWS)), _Rows, str)
        base = self._read(there.get(self._key(_BASE)), Base, str, "weights", "settings")
        return Recorded(versions, None if rows is None else rows.fingerprint, base)

    def content(self) -> Content | None:
        """Returns what runs depend on; None of a sweep that began without a record.

        Raises:
            DamagedError: As `read`.
        """
        found = self.read()
        return None if found.versions is None else Content(found.versions, found.rows, found.base)

    def check_report(self, metrics: Mapping[str, Any]) -> None:
        """Checks that a trial has read what the sweep was begun with; the first one says it.

        Args:
            metrics: Of a report; a learner that does not name rows or base is not asked.

        Raises:
            ContentChangedError: It has read other rows, or another base model.
            DamagedError: As `read`.
            StoreError: It could not be put on record.
        """
        rows, base = metrics.get("dataset_fingerprint"), metrics.get("base_fingerprint")
        known = self._known or self.read()
        said = []
        if known.rows is None and rows is not None:
            said.append(self._put(_ROWS, {"fingerprint": rows}))
        if known.base is None and base is not None:
            said.append(self._put(_BASE, dataclasses.asdict(Base(str(base)))))
        if said:  # perhaps by another trial, and otherwise
            known = self.read()
        self._known = known
        for what, before, now in (
            ("rows of the data set", known.rows, rows),
            ("base model", known.base and known.base.fingerprint, base),
        ):
            if before is not None and now is not None and before != now:
                raise ContentChangedError(
                    f"The {what} changed while the sweep ran (fingerprint {before}, now {now}):"
                    " trials before and after would not compare. Put back what it was begun with,"
                    " or start another sweep with --new."
                )

    def _key(self, part: str) -> str:
        return f"{self._files.content_key}/{part}.json"

    def _put(self, part: str, record: Mapping[str, Any]) -> bool:
        data = json.dumps(record, sort_keys=True).encode()
        return self._files.store.put_if_absent(self._key(part), data)

    def _read(
        self, file: StoredFile | None, kind: Callable[..., _T], value: type, *absent: str
    ) -> _T | None:
        """Returns a part of the record; None where it is not there.

        Args:
            file: That has it.
            kind: Is made of it.
            value: Type of all that stands in it.
            absent: Names of what may be null.
        """
        record = None if file is None else read_record(self._files.place, file, _WHAT, _REMEDY)
        if file is None or record is None:
            return None
        fine = all(type(record[key]) is value or key in absent for key in record)
        try:
            found = kind(**record)
        except TypeError as error:
            raise damaged(self._files.place.name(file.key), _WHAT, _REMEDY) from error
        if not fine:
            raise damaged(self._files.place.name(file.key), _WHAT, _REMEDY)
        return found


@dataclasses.dataclass(frozen=True)
class _Rows:
    fingerprint: str
