"""A disposable copy of many small files in a few large ones, so that large stores answer quickly.

Opening a file costs about a millisecond whatever is in it, so a store of 10,000 trials takes tens
of seconds to read. What was read once is kept in segments under `state/index/`; the next read opens
only the files that no segment holds. The tables stay the truth: a segment's rows count only while
the very file that they came from is there, and a segment that is lost or damaged is read anew.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.store import arrays, reader, rows
from orchestrator.store.errors import DamagedError, StoreError
from orchestrator.store.place import Root, StoredFile, StoreFiles
from orchestrator.store.roots import open_root
from orchestrator.store.schema import REPORTS, SCHEMA_VERSION, TRIALS, Table

WORTHWHILE = 256
"""Fewer files than this are read directly, and nothing is written."""

_MOST_SEGMENTS = 16
_SOURCE = "source"


def trials(root: Root, *sweep_ids: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Returns what `reader.trials` returns, with its errors.

    Args:
        root: Of the store.
        sweep_ids: Only these sweeps; none given means all.
        columns: Only these, in this order; None means all.
    """
    return _read(root, TRIALS, sweep_ids, columns)


def reports(root: Root, *sweep_ids: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Returns what `reader.reports` returns, with its errors; arguments as `trials`."""
    return _read(root, REPORTS, sweep_ids, columns)


def _read(
    root: Root, table: Table, sweep_ids: Sequence[str], columns: Sequence[str] | None
) -> pa.Table:
    names = [*(columns if columns is not None else table.schema.names)]
    wanted = [*dict.fromkeys([*names, *reader.order(table)])]
    found = reader.files(root, table, sweep_ids)
    place = open_root(root)
    if len(found) < WORTHWHILE:
        content = reader.read(place, table, found, wanted)
    else:
        content = _through_index(place, table, found, wanted)
    return reader.in_order(content, table).select(names)


def _through_index(
    place: StoreFiles, table: Table, found: Sequence[StoredFile], columns: Sequence[str]
) -> pa.Table:
    wanted = {f"{file.key} {file.stamp}": file for file in found}
    indexed = _segments(place, table, columns)
    present = set(indexed[_SOURCE].to_pylist())
    missing = {file.key: source for source, file in wanted.items() if source not in present}
    if missing:
        new = [file for file in found if file.key in missing]
        fresh = reader.in_order(_with_sources(place, table, new, missing), table)
        # An index that cannot be written (a read-only store) is only slow.
        with contextlib.suppress(StoreError, OSError):
            _publish(place, table, fresh)
        indexed = pa.concat_tables([indexed, fresh.select(indexed.column_names)])
    if not present <= wanted.keys():  # files were removed since, or other sweeps are indexed too
        indexed = arrays.having(indexed, _SOURCE, wanted)
    return indexed.select(columns)


def _with_sources(
    place: StoreFiles, table: Table, found: Sequence[StoredFile], sources: Mapping[str, str]
) -> pa.Table:
    content = reader.read(place, table, found, with_file=True)
    names = arrays.texts(sources[key] for key in content[reader.FILE].to_pylist())
    return content.drop_columns([reader.FILE]).append_column(_SOURCE, names)


def _segments(place: StoreFiles, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
    """Returns the rows of all segments, each file's once, with their sources."""
    with_source = _with_source(table)
    names = [*(columns if columns is not None else table.schema.names), _SOURCE]
    parts = [arrays.empty(pa.schema([with_source.schema.field(name) for name in names]))]
    seen = arrays.texts([])
    for file in _stored(place, table):
        try:
            source = place.source(file)
            segment = rows.decode(with_source, source, place.name(file.key), names)
        except StoreError:
            continue
        segment = segment.filter(pc.invert(pc.is_in(segment[_SOURCE], seen)))
        seen = pa.concat_arrays([seen, pc.unique(segment[_SOURCE])])
        parts.append(segment)
    return pa.concat_tables(parts)


def _publish(place: StoreFiles, table: Table, fresh: pa.Table) -> None:
    """Adds a segment; makes one of all of them when there are many."""
    older = _stored(place, table)
    if len(older) < _MOST_SEGMENTS:
        older = []
    else:
        fresh = pa.concat_tables([_segments(place, table), fresh])
    digest = hashlib.sha256("\n".join(sorted(set(fresh[_SOURCE].to_pylist()))).encode())
    key = f"{_segments_key(table)}/{digest.hexdigest()[:32]}.parquet"
    place.put_if_absent(key, rows.encode(table, fresh))
    for file in older:
        if file.key != key:
            place.delete(file.key)


def _stored(place: StoreFiles, table: Table) -> list[StoredFile]:
    """Returns the segments; none where something else stands among them.

    Raises:
        DamagedError: Their folder lies elsewhere, by a link.
    """
    place.check_plain(_segments_key(table), deep=False)
    try:
        return place.files(_segments_key(table), ".parquet", deep=False)
    except (DamagedError, OSError):
        return []


def _segments_key(table: Table) -> str:
    return f"state/index/{table.name}-v{SCHEMA_VERSION}"


def _with_source(table: Table) -> Table:
    schema = table.schema.append(pa.field(_SOURCE, pa.string()))
    return Table(table.name, schema, table.required)
