"""What Ray would let hang or lose is refused before a sweep starts."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.ray_tune.pitfalls import check_outlives_job, check_services
from tests.orchestrator import sweeps


@pytest.mark.parametrize(
    ("accelerators", "address", "dashboard", "refused"),
    [
        (2, "head:6379", None, True),
        (2, "head:6379", "127.0.0.1:8265", False),
        (2, None, None, False),  # of one that is started here the options say it
        (1, "head:6379", None, False),
    ],
)
def test_groups_need_the_services_of_the_dashboard_of_a_cluster_that_is_joined(
    tmp_path: Path, accelerators: int, address: str | None, dashboard: str | None, refused: bool
) -> None:
    sweep = sweeps.toy(tmp_path, resources={"accelerators": accelerators})
    expected = pytest.raises(UserError, match="without --include-dashboard=false")
    with expected if refused else nullcontext():
        check_services(sweep, address, dashboard)


def test_a_root_in_the_copy_of_a_jobs_working_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "runtime_resources" / "working_dir_files" / "_ray_pkg_0123456789abcdef"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    with pytest.raises(UserError, match="Ray removes after the job, with all results") as raised:
        check_outlives_job(Path("experiments"))
    assert "--root /mnt/shared/experiments" in str(raised.value)
    (tmp_path / "link").symlink_to(copy)
    with pytest.raises(UserError, match="Ray removes"):
        check_outlives_job(tmp_path / "link" / "experiments")
    check_outlives_job(tmp_path / "experiments")
