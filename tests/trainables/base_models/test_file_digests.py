"""A large file is read once on a machine, and again when it has changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from trainables.base_models import file_digests
from trainables.base_models.file_digests import sha256_of
from trainables.runtime.cache_folder import VARIABLE


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(file_digests, "LEAST_BYTES", 4)
    monkeypatch.setattr(file_digests, "SETTLED_SECONDS", -1.0)
    return tmp_path / "cache" / "digests"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def in_another_process(path: Path) -> str:
    file_digests._known.cache_clear()
    return sha256_of(path)


def test_it_is_remembered_between_processes(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"weights")
    assert in_another_process(file) == sha256(b"weights")
    monkeypatch.setattr(hashlib, "file_digest", None)  # it is not read again
    assert in_another_process(file) == sha256(b"weights")


def test_no_change_is_missed(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"weights")
    before = file.stat()
    assert in_another_process(file) == sha256(b"weights")
    while file.stat().st_ctime_ns == before.st_ctime_ns:  # some systems count it in milliseconds
        file.write_bytes(b"WEIGHTS")  # of the same size, in the same inode
        # As if it had not been written to.
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert in_another_process(file) == sha256(b"WEIGHTS")
    other = tmp_path / "other"
    other.write_bytes(b"weighty")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    assert in_another_process(file) == sha256(b"weighty")


def test_what_has_just_changed_is_not_remembered(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_digests, "SETTLED_SECONDS", 3600.0)
    file = tmp_path / "weights"
    file.write_bytes(b"weights")
    assert in_another_process(file) == sha256(b"weights")
    assert not cache.exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"state": [], "sha256": "x"}'])
def test_a_record_that_is_none_is_made_anew(tmp_path: Path, cache: Path, content: bytes) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"weights")
    assert in_another_process(file) == sha256(b"weights")
    (record,) = cache.iterdir()
    whole = record.read_bytes()
    record.write_bytes(content)
    assert in_another_process(file) == sha256(b"weights")
    assert record.read_bytes() == whole


def test_small_files_and_no_cache_leave_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"abc")
    large.write_bytes(b"abcd")
    assert in_another_process(small) == sha256(b"abc")
    monkeypatch.setenv(VARIABLE, "")
    assert in_another_process(large) == sha256(b"abcd")
    assert not cache.exists()
