"""The step from tuning to confirming: the choice is made once, and written down."""

from __future__ import annotations

import numpy as np

from orchestrator.confirmation.beside import with_rates_around
from orchestrator.confirmation.choice import choose, tuned
from orchestrator.confirmation.optimum import surface
from orchestrator.outcomes.conclusions import confirmation_of, terms_of
from orchestrator.outcomes.standing import Standing
from orchestrator.search_space import Sweep
from orchestrator.state.confirmation_log import Choice, Confirmation, ConfirmationLog, Optima
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.statistics.response_surface import NoSurface, Surface

_BY_RATES_AROUND = "too few of the runs at rates around the chosen ones have completed"
"""Why a sweep with `confirm.around` says nothing of values, where it does not."""


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
    sweep, terms = stored.sweep, terms_of(stored)
    assert terms is not None
    candidates = tuned(sweep, standing.proposals, standing.rows)
    if terms.around:
        choices = with_rates_around(sweep, choose(sweep, candidates))
        return ConfirmationLog(stored.files).write(terms, choices, _BY_RATES_AROUND)
    found = surface(sweep, candidates) if sweep.ask else NoSurface("nothing is asked about")
    if isinstance(found, NoSurface):
        return ConfirmationLog(stored.files).write(terms, choose(sweep, candidates), found.reason)
    choices = choose(sweep, candidates, found)
    order = [_place(sweep, found, choice) for choice in choices]
    missing = found.missing[np.ix_(order, order)].tolist()
    optima = Optima(missing, found.degrees)
    return ConfirmationLog(stored.files).write(terms, choices, optima)


def _place(sweep: Sweep, found: Surface, choice: Choice) -> int:
    """Returns which of the surface's strata a choice is of."""
    values = sweep.stratum_of(choice.configuration)
    assert values is not None
    return found.strata.index(dict(values))
