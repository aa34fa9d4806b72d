"""The step from tuning to confirming: the choice is made once, and written down."""

from __future__ import annotations

from orchestrator.confirmation.choice import choose, tuned
from orchestrator.outcomes.conclusions import confirmation_of, terms_of
from orchestrator.outcomes.standing import Standing
from orchestrator.state.confirmation_log import Confirmation, ConfirmationLog
from orchestrator.state.stored_sweep import StoredSweep


def confirmation(stored: StoredSweep, standing: Standing) -> Confirmation:
    """Returns what is confirmed, chosen now if it was not before.

    Args:
        stored: A sweep whose search has ended; it has `confirm`.
        standing: Where it stands.

    Raises:
        DamagedError: A record of what was chosen is none.
        StoreError: It cannot be written.
    """
    known = confirmation_of(stored)
    if known is not None:
        return known
    sweep, terms = stored.sweep, terms_of(stored.sweep)
    assert terms is not None
    choices = choose(sweep, tuned(sweep, standing.proposals, standing.rows))
    return ConfirmationLog(stored.files).write(terms, choices)
