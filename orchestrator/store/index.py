"""A disposable copy of many small files in a few large ones, so that large stores answer quickly.

Opening a file costs about a millisecond whatever is in it, so a store of 10,000 trials takes tens
of seconds to read. What was read once is kept in segments under `state/index/`; the next read opens
only the files that no segment holds. The tables stay the truth: a segment's rows count only while
the very file that they came from is there, and a segment that is lost or damaged is read anew.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestrator.store import reader, rows
from orchestrator.store.errors import StoreError
from orchestrator.store.files import PublishedFiles
from orchestrator.store.schema import REPORTS, SCHEMA_VERSION, TRIALS, Table

WORTHWHILE = 256
"""Fewer files than this are read directly, and nothing is written."""

_MOST_SEGMENTS = 16
_SOURCE = "source"


def trials(root: Path, *sweep_ids: str) -> pa.Table:
    """Returns what `reader.trials` returns, with its errors."""
    return reader.in_order(_read(root, TRIALS, sweep_ids), TRIALS)


def reports(root: Path, *sweep_ids: str) -> pa.Table:
    """Returns what `reader.reports` returns, with its errors."""
    return reader.in_order(_read(root, REPORTS, sweep_ids), REPORTS)


def _read(root: Path, table: Table, sweep_ids: Sequence[str]) -> pa.Table:
    paths = reader.files(root, table, sweep_ids)
    if len(paths) < WORTHWHILE:
        return reader.read(table, paths)
    wanted = {_identity(root, path): path for path in paths}
    known = list(_segments(root, table))
    indexed = pa.concat_tables(known) if known else _empty(table)
    present = set(indexed[_SOURCE].to_pylist())
    missing = {source: path for source, path in wanted.items() if source not in present}
    if missing:
        fresh = _with_sources(table, missing)
        indexed = pa.concat_tables([indexed, fresh])
        merge = len(known) >= _MOST_SEGMENTS
        # An index that cannot be written (a read-only store) is only slow.
        with contextlib.suppress(StoreError, OSError):
            _publish(root, table, indexed if merge else fresh, replace=merge)
    chosen = pc.is_in(indexed[_SOURCE], pa.array(wanted, pa.string()))
    return indexed.filter(chosen).drop_columns([_SOURCE])


def _identity(root: Path, path: Path) -> str:
    """Returns a name that changes when a removed file is written again."""
    status = path.stat()
    return f"{path.relative_to(root).as_posix()} {status.st_mtime_ns} {status.st_size}"


def _with_sources(table: Table, paths: dict[str, Path]) -> pa.Table:
    sources = {str(path): source for source, path in paths.items()}
    content = reader.read(table, list(paths.values()), with_file=True)
    names = pa.array([sources[name] for name in content[reader.FILE].to_pylist()], pa.string())
    return content.drop_columns([reader.FILE]).append_column(_SOURCE, names)


def _segments(root: Path, table: Table) -> Iterator[pa.Table]:
    """Gives the rows of each segment that no earlier one has."""
    seen = pa.array([], pa.string())
    schema = _empty(table).schema
    for path in sorted(_folder(root, table).glob("*.parquet")):
        try:
            segment = pq.read_table(path, partitioning=None).select(schema.names).cast(schema)
        except (pa.ArrowException, KeyError, OSError):
            continue
        segment = segment.filter(pc.invert(pc.is_in(segment[_SOURCE], seen)))
        seen = pa.concat_arrays([seen, pc.unique(segment[_SOURCE])])
        yield segment


def _publish(root: Path, table: Table, content: pa.Table, *, replace: bool) -> None:
    folder = _folder(root, table)
    older = list(folder.glob("*.parquet")) if replace else []
    digest = hashlib.sha256("\n".join(sorted(set(content[_SOURCE].to_pylist()))).encode())
    key = (folder / f"{digest.hexdigest()[:32]}.parquet").relative_to(root).as_posix()
    PublishedFiles(root).put_if_absent(key, rows.encode(table, content))
    for path in older:
        if path != root / key:
            path.unlink(missing_ok=True)


def _folder(root: Path, table: Table) -> Path:
    return root / "state" / "index" / f"{table.name}-v{SCHEMA_VERSION}"


def _empty(table: Table) -> pa.Table:
    return table.schema.append(pa.field(_SOURCE, pa.string())).empty_table()
