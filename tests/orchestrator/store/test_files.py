from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store import (
    NotPublishedError,
    PublicationUnknownError,
    Store,
    StoreUnusableError,
)
from orchestrator.store.files import LocalFiles
from tests.orchestrator.store.samples import SWEEP, Calls, failing, report, trial


def test_the_first_writer_of_a_key_stays(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    assert files.put_if_absent("a/b.bin", b"first")
    assert not files.put_if_absent("a/b.bin", b"second")
    assert (tmp_path / "a/b.bin").read_bytes() == b"first"
    assert not list((tmp_path / "staging").iterdir())


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../outside", "a/../../outside"])
def test_a_key_stays_below_the_root(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="plain relative path"):
        LocalFiles(tmp_path / "root").put_if_absent(key, b"")


def test_what_is_acknowledged_was_made_durable_in_order(tmp_path: Path) -> None:
    opened: dict[int, Path] = {}
    log: list[tuple[str, Path]] = []

    class Recording(Calls):
        def open(self, path: str | Path, flags: int, mode: int = 0o777) -> int:
            fd = super().open(path, flags, mode)
            opened[fd] = Path(path)
            return fd

    def before(name: str, *arguments: Any) -> None:
        if name == "fsync":
            log.append((name, opened[arguments[0]]))
        elif name in ("link", "mkdir", "unlink"):
            log.append((name, Path(arguments[-1])))

    store = Store(tmp_path, Recording(before))
    store.publish_report(report())
    log.append(("acknowledged", tmp_path))

    table = tmp_path / "reports"
    folder = table / f"sweep={SWEEP}" / "trial=t-aaaaaaaaaa"
    staged = next(path for name, path in log if name == "unlink")
    file = folder / "0000000000-0000000100.parquet"
    assert [entry for entry in log if "link" in entry[0] or entry[1] in (staged, folder)] == [
        ("mkdir", folder),
        ("fsync", staged),
        ("link", file),
        ("fsync", folder),
        ("unlink", staged),
    ]
    # A new folder's own entry is durable before anything inside it is acknowledged.
    for made in (table, folder.parent, folder):
        assert log.index(("fsync", made.parent)) > log.index(("mkdir", made))

    # A writer that comes second may be acknowledged while the first still waits for its sync.
    log.clear()
    store.publish_report(report())
    assert [name for name, path in log if path != staged] == ["fsync", "link", "fsync", "unlink"]
    assert log[2] == ("fsync", folder)


@pytest.mark.parametrize(("call", "number"), [("open", 6), ("write", 2), ("fsync", 6), ("link", 2)])
def test_a_full_disk_publishes_nothing_and_says_so(tmp_path: Path, call: str, number: int) -> None:
    # The calls of the first publication succeed; the given one of the second fails.
    store = Store(tmp_path, failing(call, number))
    store.publish_report(report(rung=0))
    with pytest.raises(NotPublishedError, match=r"0000000100-.*not stored: the disk is full; free"):
        store.publish_report(report(rung=1))
    assert [row["rung"] for row in Store(tmp_path).reports(SWEEP, "t-aaaaaaaaaa")] == [0]
    assert not list((tmp_path / "staging").iterdir())
    assert Store(tmp_path).publish_report(report(rung=1))["rung"] == 1


def test_a_failed_sync_of_the_folder_leaves_it_open_whether_it_happened(tmp_path: Path) -> None:
    store = Store(tmp_path, failing("fsync", 5, errno.EIO))
    with pytest.raises(PublicationUnknownError, match="unknown whether"):
        store.publish_report(report())
    assert Store(tmp_path).publish_report(report(rouge_l=0.9))["rouge_l"] == 0.25


def test_a_file_system_that_cannot_sync_folders_is_used_all_the_same(tmp_path: Path) -> None:
    folders: set[int] = set()

    class NoFolderSync(Calls):
        def open(self, path: str | Path, flags: int, mode: int = 0o777) -> int:
            fd = super().open(path, flags, mode)
            (folders.add if Path(path).is_dir() else folders.discard)(fd)
            return fd

        def fsync(self, fd: int) -> None:
            if fd in folders:
                raise OSError(errno.EINVAL, "Invalid argument")
            super().fsync(fd)

    store = Store(tmp_path, NoFolderSync(lambda *_: None))
    assert store.publish_report(report())["rung"] == 0


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "experiments").write_text("")
    with pytest.raises(StoreUnusableError, match=r"is a file, .*--root"):
        Store(tmp_path / "experiments")
    with pytest.raises(StoreUnusableError, match="cannot be made: a part of the path is a file"):
        Store(tmp_path / "experiments" / "below")


def test_a_file_where_a_table_belongs(tmp_path: Path) -> None:
    (tmp_path / "trials").write_text("")
    with pytest.raises(NotPublishedError, match="a file stands where a folder belongs"):
        Store(tmp_path).publish_trial(trial())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not write there"),
        (errno.EPERM, "hard links"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_each_cause_has_its_own_remedy(tmp_path: Path, code: int, words: str) -> None:
    with pytest.raises(NotPublishedError, match=words):
        Store(tmp_path, failing("link", 1, code)).publish_report(report())


def test_a_real_limit_on_file_size(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.publish_report(report(rung=0))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(NotPublishedError, match="file size limit"):
            store.publish_report(report(rung=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(store.reports(SWEEP, "t-aaaaaaaaaa")) == 1


_DISK = """
import subprocess, sys
from pathlib import Path
from orchestrator.store import NotPublishedError, Store
from tests.orchestrator.store.samples import SWEEP, report
root = Path(sys.argv[1])
store = Store(root)
stored = 0
try:
    for rung in range(100):
        store.publish_report(report(rung=rung))
        stored += 1
except NotPublishedError as error:
    print(error)
rows = store.reports(SWEEP, "t-aaaaaaaaaa")
assert len(rows) == stored > 3, (len(rows), stored)
subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
try:
    Store(root).publish_report(report("t-bbbbbbbbbb"))
except NotPublishedError as error:
    print(error)
assert Store(root).reports(SWEEP, "t-aaaaaaaaaa") == rows
"""


def test_a_real_full_disk_and_a_real_read_only_one(tmp_path: Path) -> None:
    private = ["unshare", "--map-root-user", "--mount"]
    mount = f"mount -t tmpfs -o size=256k tmpfs {tmp_path}"
    try:
        subprocess.run([*private, "sh", "-c", mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine does not let a test mount a small disk of its own")
    command = f'{mount} && exec "$0" -c "$1" {tmp_path}'
    done = subprocess.run(
        [*private, "sh", "-c", command, sys.executable, _DISK],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 0, done.stderr
    full, read_only = done.stdout.splitlines()
    assert "the disk is full" in full
    assert "the file system is read-only" in read_only


def test_only_old_staged_files_are_removed(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    files.prepare()
    for name, age in (("old", 2 * 86400), ("young", 60)):
        staged = tmp_path / "staging" / name
        staged.write_bytes(b"")
        moment = staged.stat().st_mtime - age
        os.utime(staged, (moment, moment))
    assert files.remove_abandoned() == 1
    assert [path.name for path in (tmp_path / "staging").iterdir()] == ["young"]


def test_by_a_clock_that_is_two_days_ahead_nobody_loses_what_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times of files are the shared disk's; the clock is that of one of several machines."""
    files = LocalFiles(tmp_path)
    files.prepare()
    (tmp_path / "staging" / "of-a-running-trial").write_bytes(b"")
    ahead = time.time() + 2 * 86400
    monkeypatch.setattr("time.time", lambda: ahead)
    assert files.remove_abandoned() == 0
    assert [path.name for path in (tmp_path / "staging").iterdir()] == ["of-a-running-trial"]
