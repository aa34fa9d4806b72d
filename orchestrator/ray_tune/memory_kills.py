"""A trial that Ray ends because a node runs out of memory is one trial's failure, not the sweep's.

Ray ends a process before the machine does, and reports an `OutOfMemoryError`, which is none of the
errors that the actor manager of Ray Tune (2.60) knows: it raises in the controller, and the whole
sweep ends with it. Here it becomes the error of an actor that died, which it is.
"""

from __future__ import annotations

from typing import Any

from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError

_task_failed = RayActorManager._actor_task_failed


def _actor_task_failed(self: Any, tracked_actor_task: Any, exception: Exception) -> None:
    if isinstance(exception, OutOfMemoryError):
        exception = RayActorError(error_msg=str(exception))
    _task_failed(self, tracked_actor_task, exception)


def survive() -> None:
    """Makes Ray Tune take such an end as a trial's failure, in this process."""
    RayActorManager._actor_task_failed = _actor_task_failed
