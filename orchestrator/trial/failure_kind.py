"""What kind of failure an error is: the trial's own, a lack of memory, its node's or anyone's."""

from __future__ import annotations

from orchestrator.state.attempts import MACHINE, NODE
from orchestrator.state.content_log import ContentChangedError
from orchestrator.store import StoreError
from orchestrator.trial.full_disk import FULL
from trainables.contract.errors import SharedError, lacks_memory


def failure_kind(error: BaseException | None) -> str:
    """Returns "out_of_memory", `MACHINE`, `NODE` or "failed", for an error or what caused it."""
    while error is not None:
        if lacks_memory(error):
            return "out_of_memory"
        if isinstance(error, StoreError | OSError | ContentChangedError):
            return NODE if _is_one_machines(error) else MACHINE
        if isinstance(error, SharedError):  # a model, a table or a device that another may have
            return NODE
        error = error.__cause__
    return "failed"


def _is_one_machines(error: BaseException) -> bool:
    causes = (error, error.__cause__)
    numbers = [each.errno for each in causes if isinstance(each, OSError)]
    # A shared folder that is full is full for all; what else it answers may be so on one machine.
    return any(numbers) and FULL.isdisjoint(numbers)
