"""What a sweep that begins will take, said and kept, where earlier trials of the store tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from orchestrator.price.work import TUNING
from orchestrator.ray_tune.placement import Slots
from orchestrator.state.adoption_log import AdoptionLog
from orchestrator.state.plan_record import Planned, note_plan
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.sweep.pricing import about, from_history, test_rows
from trainables.data.survey import Survey


def foretell(stored: StoredSweep, slots: Sequence[Slots], survey: Survey | None) -> str | None:
    """Returns in words what a sweep that begins will take, and puts it on record.

    Args:
        stored: The sweep; what it takes over from others is on record.
        slots: Where its trials run.
        survey: Its rows, as far as they are known.

    Returns:
        None where it is not known: devices of several kinds, or a technique of which the store has
        no whole trial on this kind.

    Raises:
        StoreError: The store cannot be read, or the expectation not be kept.
    """
    tested = test_rows(stored.sweep, survey)
    if len(slots) != 1 or tested is None:
        return None
    adopted = Counter(
        (TUNING, str(run.proposal.configuration["technique"]))
        for run in AdoptionLog(stored.files).read().runs
    )
    found = from_history(stored.sweep, stored.address, slots[0], tested, adopted)
    if found.unknown or not found.trials:
        return None
    seconds = found.device_seconds
    note_plan(stored.files, Planned(seconds.low, seconds.middle, seconds.high, found.trials))
    return f"It takes {about(found.seconds)} if trials go as {found.trials:,} of this store did."
