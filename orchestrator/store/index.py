"""A disposable copy of many small files in a few large ones, so that large stores answer quickly.

Opening a file costs about a millisecond whatever is in it, so a store of 10,000 trials takes tens
of seconds to read. What was read once is kept in segments under `state/index/`; the next read opens
only the files that no segment holds. The tables stay the truth: a segment's rows count only while
the very file that they came from is there, and a segment that is lost or damaged is read anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.store import arrays, reader, rows
from orchestrator.store.errors import StoreError
from orchestrator.store.files import PublishedFiles
from orchestrator.store.own_files import check_way, own_files
from orchestrator.store.schema import REPORTS, SCHEMA_VERSION, TRIALS, Table

WORTHWHILE = 256
"""Fewer files than this are read directly, and nothing is written."""

_MOST_SEGMENTS = 16
_SOURCE = "source"


def trials(root: Path, *sweep_ids: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Returns what `reader.trials` returns, with its errors.

    Args:
        root: Folder of the store.
        sweep_ids: Only these sweeps; none given means all.
        columns: Only these, in this order; None means all.
    """
    return _read(root, TRIALS, sweep_ids, columns)


def reports(root: Path, *sweep_ids: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Returns what `reader.reports` returns, with its errors; arguments as `trials`."""
    return _read(root, REPORTS, sweep_ids, columns)


def _read(
    root: Path, table: Table, sweep_ids: Sequence[str], columns: Sequence[str] | None
) -> pa.Table:
    names = [*(columns if columns is not None else table.schema.names)]
    wanted = [*dict.fromkeys([*names, *reader.order(table)])]
    found = reader.entries(root, table, sweep_ids)
    if len(found) < WORTHWHILE:
        content = reader.read(table, [Path(entry.path) for entry in found], wanted)
    else:
        content = _through_index(root, table, found, wanted)
    return reader.in_order(content, table).select(names)


def _through_index(
    root: Path, table: Table, found: Iterable[os.DirEntry[str]], columns: Sequence[str]
) -> pa.Table:
    skipped = len(str(root / table.name))
    wanted = {_identity(table, entry, skipped): entry.path for entry in found}
    indexed = _segments(root, table, columns)
    present = set(indexed[_SOURCE].to_pylist())
    missing = {path: source for source, path in wanted.items() if source not in present}
    if missing:
        fresh = reader.in_order(_with_sources(table, missing), table)
        # An index that cannot be written (a read-only store) is only slow.
        with contextlib.suppress(StoreError, OSError):
            _publish(root, table, fresh)
        indexed = pa.concat_tables([indexed, fresh.select(indexed.column_names)])
    if not present <= wanted.keys():  # files were removed since, or other sweeps are indexed too
        indexed = arrays.having(indexed, _SOURCE, wanted)
    return indexed.select(columns)


def _identity(table: Table, entry: os.DirEntry[str], skipped: int) -> str:
    """Returns a name that changes when a removed file is written again."""
    status = entry.stat()
    inside = entry.path[skipped:].replace(os.sep, "/")
    return f"{table.name}{inside} {status.st_mtime_ns} {status.st_size}"


def _with_sources(table: Table, sources: dict[str, str]) -> pa.Table:
    content = reader.read(table, list(map(Path, sources)), with_file=True)
    names = arrays.texts(sources[name] for name in content[reader.FILE].to_pylist())
    return content.drop_columns([reader.FILE]).append_column(_SOURCE, names)


def _segments(root: Path, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
    """Returns the rows of all segments, each file's once, with their sources."""
    with_source = _with_source(table)
    names = [*(columns if columns is not None else table.schema.names), _SOURCE]
    parts = [arrays.empty(pa.schema([with_source.schema.field(name) for name in names]))]
    seen = arrays.texts([])
    for path in own_files(check_way(root, _folder(root, table)), ".parquet"):
        try:
            segment = rows.decode(with_source, path, str(path), names)
        except StoreError:
            continue
        segment = segment.filter(pc.invert(pc.is_in(segment[_SOURCE], seen)))
        seen = pa.concat_arrays([seen, pc.unique(segment[_SOURCE])])
        parts.append(segment)
    return pa.concat_tables(parts)


def _publish(root: Path, table: Table, fresh: pa.Table) -> None:
    """Adds a segment; makes one of all of them when there are many."""
    folder = _folder(root, table)
    older = own_files(check_way(root, folder), ".parquet")
    if len(older) < _MOST_SEGMENTS:
        older = []
    else:
        fresh = pa.concat_tables([_segments(root, table), fresh])
    digest = hashlib.sha256("\n".join(sorted(set(fresh[_SOURCE].to_pylist()))).encode())
    key = (folder / f"{digest.hexdigest()[:32]}.parquet").relative_to(root).as_posix()
    PublishedFiles(root).put_if_absent(key, rows.encode(table, fresh))
    for path in older:
        if path != root / key:
            path.unlink(missing_ok=True)


def _folder(root: Path, table: Table) -> Path:
    return root / "state" / "index" / f"{table.name}-v{SCHEMA_VERSION}"


def _with_source(table: Table) -> Table:
    schema = table.schema.append(pa.field(_SOURCE, pa.string()))
    return Table(table.name, schema, table.required)
