from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pytest

from orchestrator.store import (
    SCHEMA_VERSION,
    TRIALS,
    NewerSchemaError,
    Store,
    index,
    reader,
    rows,
)
from orchestrator.store.place import StoredFile, StoreFiles
from orchestrator.store.schema import Table
from tests.orchestrator.store.samples import SWEEP, report, trial

OTHER = "other-00000000"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "WORTHWHILE", 2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _write(tmp_path, range(5))
    return tmp_path


def test_the_index_changes_no_answer(root: Path) -> None:
    for _ in range(3):
        assert index.trials(root).equals(reader.trials(root))
        assert index.reports(root, SWEEP).equals(reader.reports(root, SWEEP))
    assert index.trials(root, OTHER).num_rows == 0


def test_some_columns_are_those_of_the_whole(root: Path) -> None:
    columns = ["outcome", "trial_id"]
    for _ in range(2):
        found = index.trials(root, columns=columns)
        assert found.equals(reader.trials(root).select(columns))
        found = index.reports(root, SWEEP, columns=["rouge_l"])
        assert found.equals(reader.reports(root, SWEEP).select(["rouge_l"]))
    assert index.trials(root, OTHER, columns=columns).column_names == columns


def test_an_index_holds_for_every_way_to_write_the_root(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.trials(root)
    monkeypatch.chdir(root)
    monkeypatch.setattr(reader, "read", None)  # calling it would fail
    assert index.trials(Path()).num_rows == 5


def test_only_new_files_are_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read = reader.read

    def watching(
        place: StoreFiles, table: Table, found: list[StoredFile], *, with_file: bool
    ) -> pa.Table:
        opened.extend(PurePosixPath(file.key).name for file in found)
        return read(place, table, found, with_file=with_file)

    monkeypatch.setattr(reader, "read", watching)
    index.trials(root)
    assert len(opened) == 5
    opened.clear()
    _write(root, range(5, 7))
    assert index.trials(root).num_rows == 7
    assert opened == ["t-5x.parquet", "t-6x.parquet"]
    opened.clear()
    assert index.trials(root).num_rows == 7
    assert opened == []


def test_rows_of_removed_and_rewritten_files_do_not_stay(root: Path) -> None:
    index.trials(root)
    (root / "trials" / f"sweep={SWEEP}" / "t-1x.parquet").unlink()
    (root / "trials" / f"sweep={SWEEP}" / "t-2x.parquet").unlink()
    Store(root).publish_trial(trial("t-2x", trial_number=2, outcome="failed", error="x"))
    found = index.trials(root)
    assert found.equals(reader.trials(root))
    assert found["outcome"].to_pylist() == ["completed", "failed", "completed", "completed"]


def test_two_that_index_at_once_give_no_row_twice(root: Path, tmp_path: Path) -> None:
    index.trials(root)
    first = root / "state" / "index"
    aside = tmp_path / "aside"
    shutil.move(first, aside)
    _write(root, [9])
    index.trials(root)  # holds all six rows; the other segment holds five of them
    shutil.copytree(aside, first, dirs_exist_ok=True)
    assert len(list(first.rglob("*.parquet"))) == 2
    assert index.trials(root).equals(reader.trials(root))


@pytest.mark.parametrize("content", [b"", b"not Parquet", None])
def test_a_damaged_segment_is_read_anew(root: Path, content: bytes | None) -> None:
    index.trials(root)
    (segment,) = (root / "state" / "index").rglob("*.parquet")
    if content is None:
        segment.unlink()
        segment.mkdir()
    else:
        segment.write_bytes(content)
    assert index.trials(root).equals(reader.trials(root))


def test_many_segments_become_one(root: Path) -> None:
    for number in range(10, 40):
        _write(root, [number])
        index.trials(root)
        assert len(list((root / "state" / "index").rglob("*.parquet"))) <= 17
    assert index.trials(root).equals(reader.trials(root))


def test_a_store_that_cannot_be_written_is_read_all_the_same(root: Path) -> None:
    (root / "state").write_text("a file where the index would be")
    assert index.trials(root).equals(reader.trials(root))


def test_a_newer_file_is_refused_here_too(root: Path) -> None:
    index.trials(root)
    content = rows.to_arrow(TRIALS, [trial("t-new")])
    names = content.column_names
    newer = content.set_column(
        names.index("schema_version"), "schema_version", pa.array([SCHEMA_VERSION + 1])
    )
    path = root / "trials" / f"sweep={SWEEP}" / "t-new.parquet"
    path.write_bytes(rows.encode(TRIALS, newer))
    with pytest.raises(NewerSchemaError):
        index.trials(root)


def _write(root: Path, numbers: range | list[int]) -> None:
    store = Store(root)
    for number in numbers:
        name = f"t-{number}x"
        for rung in range(2):
            store.publish_report(report(name, rung, trial_number=number))
        store.publish_trial(trial(name, trial_number=number))
