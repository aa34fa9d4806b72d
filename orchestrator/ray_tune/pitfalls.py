"""What Ray would let hang or lose without a word, refused before a sweep starts. Loads no Ray."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.search_space import Sweep

_PACKAGE_OF_RAY = "_ray_pkg_"
"""How the folders begin into which Ray (2.60) unpacks what `ray job submit` has sent."""


def check_services(sweep: Sweep, address: str | None, dashboard: str | None) -> None:
    """Refuses trials on several accelerators where the cluster that is joined has no dashboard.

    Ray Train (2.60) asks its services whether a group's controller is alive. Without them what a
    group held that lost its node is never free again, and the next one waits for ever.

    Args:
        sweep: Says what a trial takes.
        address: Of the cluster; None for one that is started here.
        dashboard: Its dashboard's address; None without one.

    Raises:
        UserError: They would need it.
    """
    if sweep.resources.workers > 1 and address is not None and dashboard is None:
        raise UserError(
            f"resources.accelerators is {sweep.resources.accelerators:g}, and trials on several"
            f" accelerators need the services of the dashboard, which the cluster at {address} has"
            " not; start its head without --include-dashboard=false."
        )


def check_outlives_job(root: Path) -> None:
    """Refuses a root that is lost with a Ray job.

    Ray (2.60) unpacks what `ray job submit --working-dir` has sent into a cache of its own, runs
    the command there, and removes it when nobody uses it: a root relative to it goes with it.

    Raises:
        UserError: It lies there.
    """
    where = root.absolute()
    if any(part.startswith(_PACKAGE_OF_RAY) for part in where.resolve().parts):
        raise UserError(
            f"--root is {str(root)!r}, which lies in {where}: Ray's copy of the job's working"
            " directory, which Ray removes after the job, with all results. Give an absolute path"
            " in a folder that all nodes share, e.g. --root /mnt/shared/experiments."
        )
