"""Whatever lies under a root, a store touches nothing of anybody else's and waits for nothing."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.store import Store, StoreError, index, reader
from orchestrator.store.errors import DamagedError
from orchestrator.store.files import ABANDONED_SECONDS
from tests.orchestrator.store.samples import SWEEP, prediction, report, trial

LONG_AGO = time.time() - 2 * ABANDONED_SECONDS

Make = Callable[[Path], object]

PLANTED: dict[str, tuple[Make, str]] = {
    "a link": (lambda path: path.symlink_to("/etc/hostname"), "is a link, to /etc/hostname"),
    "a link to itself": (lambda path: path.symlink_to(path), "is a link"),
    "a link to nothing": (lambda path: path.symlink_to("/nowhere"), "is a link, to /nowhere"),
    "what never ends": (lambda path: path.symlink_to("/dev/zero"), "is a link"),
    "a pipe": (os.mkfifo, "is a pipe"),
    "a socket": (lambda path: _bind(path), "is a socket"),
    "a folder": (Path.mkdir, "is a folder"),
}


def _bind(path: Path) -> None:
    # The path of a socket is short; the test's folder is not.
    here = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    store = Store(folder)
    for number, name in enumerate(["t-aaaaaaaaaa", "t-bbbbbbbbbb", "t-cccccccccc"]):
        store.publish_report(report(name, trial_number=number))
        store.publish_predictions(SWEEP, name, number, "test", "standard", 1, 100, [prediction(0)])
        store.publish_trial(trial(name, trial_number=number))
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of the user's, long untouched, in which there is a table too."""
    folder = tmp_path / "documents"
    (folder / "years").mkdir(parents=True)
    for file in ("thesis.txt", "years/2001.txt", "old.parquet"):
        (folder / file).write_text("work")
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def _content(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def _read(root: Path, table: str) -> None:
    if table == "predictions":
        reader.predictions(root)
    else:
        (index.trials if table == "trials" else index.reports)(root)


@pytest.mark.parametrize("table", ["trials", "reports", "predictions"])
@pytest.mark.parametrize(("make", "words"), PLANTED.values(), ids=PLANTED.keys())
def test_what_is_no_file_of_the_stores_is_named_and_not_opened(
    root: Path, table: str, make: Make, words: str
) -> None:
    if "socket" in words and not Path("/proc/self/fd").is_dir():
        pytest.skip("binds a socket below a long path by Linux's /proc")
    file = next((root / table).rglob("*.parquet"))
    file.unlink()
    make(file)
    with pytest.raises(DamagedError, match=words) as caught:
        _read(root, table)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("table", ["trials", "reports", "predictions"])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_folder_is_not_followed_elsewhere(
    root: Path, victim: Path, table: str, depth: int
) -> None:
    folder = root / table if depth == 0 else next((root / table).iterdir())
    folder.rename(victim / "tables")
    folder.symlink_to(victim / "tables")
    with pytest.raises(DamagedError, match=f"{folder} is a link"):
        _read(root, table)


def test_a_loop_of_folders_doubles_no_row(root: Path) -> None:
    loop = root / "trials" / f"sweep={SWEEP}" / "again"
    loop.symlink_to(".")
    with pytest.raises(DamagedError, match="again is a link"):
        index.trials(root)


def test_a_name_that_is_not_utf8_is_named(root: Path) -> None:
    file = next((root / "trials").rglob("*.parquet"))
    (file.parent / os.fsdecode(b"t-\xff.parquet")).write_bytes(file.read_bytes())
    with pytest.raises(DamagedError, match="name that is not text in UTF-8"):
        index.trials(root)
    other = root / "reports" / os.fsdecode(b"sweep=\xff")
    other.mkdir()
    with pytest.raises(DamagedError, match="name that is not text in UTF-8"):
        index.reports(root)


_AS_ANOTHER = """
import sys
from pathlib import Path
from orchestrator.errors import exit_codes
from orchestrator.store import Store, reader
root, sweep, trial = sys.argv[1:]
with exit_codes():
    reader.sweeps(Path(root))
    Store(Path(root)).reports(sweep, trial)
    reader.reports(Path(root), sweep, trial_ids=[trial])
"""


@pytest.mark.parametrize("what", ["", "reports", f"reports/sweep={SWEEP}/trial=t-aaaaaaaaaa"])
def test_what_may_not_be_read_is_not_taken_for_empty(root: Path, what: str) -> None:
    command = [sys.executable, "-c", _AS_ANOTHER, str(root), SWEEP, "t-aaaaaaaaaa"]
    if os.geteuid() == 0:  # whom permissions do not hold, but for this capability
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv to go without root's capabilities")
        without = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}", *command]
    assert subprocess.run(command, capture_output=True).returncode == 0
    (root / what).chmod(0)
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    finally:
        (root / what).chmod(0o755)
    assert done.returncode in (1, 2)
    assert str(root / what) in done.stderr
    assert "change its permissions" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_root_may_be_a_link(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(root)
    assert index.trials(link).num_rows == 3
    assert len(Store(link).trials(SWEEP)) == 3


def test_nothing_is_staged_or_removed_elsewhere(root: Path, victim: Path) -> None:
    kept = _content(victim)
    (root / "staging").rmdir()
    (root / "staging").symlink_to(victim)
    with pytest.raises(DamagedError, match="staging is a link"):
        Store(root).remove_abandoned()
    assert _content(victim) == kept


def test_a_link_among_what_was_abandoned_goes_and_what_it_leads_to_stays(
    root: Path, victim: Path
) -> None:
    link = root / "staging" / "checkpoint-1"
    link.symlink_to(victim)
    assert Store(root).remove_abandoned() == 1
    assert not link.is_symlink()
    assert (victim / "thesis.txt").exists()


def test_nothing_is_published_elsewhere(root: Path, victim: Path) -> None:
    kept = _content(victim)
    (root / "state").symlink_to(victim)
    with pytest.raises(DamagedError, match="state is a link"):
        Store(root).put_if_absent("state/sweep=a/proposals/000000.json", b"{}")
    folder = next((root / "reports").glob("*/*"))
    folder.rename(victim / "reports")
    folder.symlink_to(victim / "reports")
    with pytest.raises(DamagedError, match="is a link"):
        Store(root).publish_report(report(folder.name.removeprefix("trial="), 1))
    assert set(_content(victim)) == {*kept, "reports", f"reports/{_only(victim / 'reports').name}"}


def _only(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_an_index_elsewhere_loses_nothing(
    root: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "WORTHWHILE", 1)
    monkeypatch.setattr(index, "_MOST_SEGMENTS", 1)
    index.trials(root)
    folder = _only(root / "state" / "index")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.symlink_to(victim)
    kept = _content(victim)
    with pytest.raises(DamagedError, match="is a link"):
        index.trials(root)
    assert _content(victim) == kept


def test_a_segment_that_is_no_file_is_passed_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "WORTHWHILE", 1)
    monkeypatch.setattr(index, "_MOST_SEGMENTS", 1)
    index.trials(root)
    folder = _only(root / "state" / "index")
    os.mkfifo(folder / "a.parquet")
    (folder / "b.parquet").symlink_to("/dev/zero")
    next((root / "trials").rglob("*.parquet")).unlink()
    assert index.trials(root).num_rows == 2


@pytest.mark.parametrize(
    ("table", "suffix"),
    [("trials", " copy"), ("trials", "-1"), ("reports", " (1)"), ("reports", "~")],
)
def test_a_copy_beside_the_original_counts_no_row_twice(
    root: Path, table: str, suffix: str
) -> None:
    file = next((root / table).rglob("*.parquet"))
    copy = file.with_name(f"{file.stem}{suffix}.parquet")
    copy.write_bytes(file.read_bytes())
    with pytest.raises(DamagedError, match=re.escape(str(copy))):
        _read(root, table)


def test_predictions_copied_beside_the_original_are_refused(root: Path) -> None:
    file = next((root / "predictions").rglob("*.parquet"))
    file.with_name("test-standard-0000000100 copy.parquet").write_bytes(file.read_bytes())
    with pytest.raises(DamagedError, match="has a name that no file of predictions has"):
        reader.predictions(root)


def test_a_final_row_that_stands_twice_in_its_file_is_refused(root: Path) -> None:
    file = next((root / "trials").rglob("*.parquet"))
    row = pq.read_table(file, partitioning=None)
    pq.write_table(pa.concat_tables([row, row]), file)
    with pytest.raises(DamagedError, match="has 2 rows, where one belongs"):
        index.trials(root)


def test_a_column_that_stands_twice_makes_a_foreign_table(root: Path) -> None:
    file = next((root / "trials").rglob("*.parquet"))
    row = pq.read_table(file, partitioning=None)
    pq.write_table(
        pa.Table.from_arrays([*row.columns, row["rank"]], [*row.column_names, "rank"]), file
    )
    with pytest.raises(StoreError, match="not a Parquet file of the table 'trials'"):
        index.trials(root)


def test_a_file_where_a_sweeps_folder_belongs_is_no_sweep(root: Path) -> None:
    (root / "trials" / "sweep=foo-12345678").touch()
    assert reader.sweeps(root) == [SWEEP]


@pytest.mark.parametrize("said", [b"abc", b"", b"9" * 5000, b"1.5", "٣".encode(), b"\xff"])
def test_a_schema_version_that_is_no_number_is_a_damaged_file(root: Path, said: bytes) -> None:
    file = next((root / "trials").rglob("*.parquet"))
    content = pq.read_table(file, partitioning=None)
    with pq.ParquetWriter(file, content.schema) as writer:
        writer.write_table(content)
        writer.add_key_value_metadata({"finetune_sweep.schema_version": said})
    with pytest.raises(StoreError, match="schema version that is no number"):
        index.trials(root)
