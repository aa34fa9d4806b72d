"""What is refused before a sweep starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.sweep.preflight import check_root


def test_a_root_in_the_copy_of_a_jobs_working_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "runtime_resources" / "working_dir_files" / "_ray_pkg_0123456789abcdef"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    with pytest.raises(UserError, match="Ray removes after the job, with all results") as raised:
        check_root(Path("experiments"))
    assert "--root /mnt/shared/experiments" in str(raised.value)
    (tmp_path / "link").symlink_to(copy)
    with pytest.raises(UserError, match="Ray removes"):
        check_root(tmp_path / "link" / "experiments")
    check_root(tmp_path / "experiments")
