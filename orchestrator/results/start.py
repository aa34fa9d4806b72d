"""How a sweep was started, and whether it has come to its end."""

from __future__ import annotations

from orchestrator.outcomes.conclusions import is_finished
from orchestrator.search_space.problems import SpecError
from orchestrator.search_space.written import read_back
from orchestrator.state.start_log import Start, StartLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.state.sweep_files import found
from orchestrator.store.place import Root


def start_of(root: Root, sweep_id: str) -> Start | None:
    """Returns how a sweep was last started; None where that is not on record.

    Args:
        root: Of the store, or of a compacted copy.
        sweep_id: The sweep.

    Raises:
        DamagedError: The record is none.
    """
    files = found(root, sweep_id)
    return None if files is None else StartLog(files).latest()


def is_left_unfinished(root: Root, sweep_id: str, start: Start | None) -> bool:
    """Returns whether runs of a sweep are known to have no final row yet.

    Args:
        root: Of the store, or of a compacted copy.
        sweep_id: The sweep.
        start: From `start_of`.
    """
    files = found(root, sweep_id)
    if files is None or start is None:
        return False
    try:
        sweep = read_back(start.search_space, start.profile)
    except SpecError:  # of a version with other rules
        return False
    return not is_finished(StoredSweep(sweep, sweep_id, files.store))
