"""The tries at a run: one that failed may be tried again, under a trial number of its own.

Final rows are immutable and a trial's number and id are its own, so a further try is another trial
with its own attempts, reports and final row. What failed stays on record as it is. The number says
which run it is of: the n-th further try at run r is trial r + n x `TRIES`. Of the tries at a run
the latest counts; whoever reads a store's rows leaves the others aside.
"""

from __future__ import annotations

from collections.abc import Iterable

TRIES = 10_000_000
"""What a further try adds to the trial number: beyond every run of a search and of what confirms.

In SQL the run is `trial_number % 10000000`."""

TRIED_AGAIN = ("failed", "out_of_memory", "hung")
"""The outcomes that may have a cause outside the trial. One that diverged is a result: under the
same seed it would diverge again."""


def run_number(trial_number: int) -> int:
    """Returns which run a trial is a try at: the trial number of the first try."""
    return trial_number % TRIES


def next_try(trial_number: int) -> int:
    """Returns the trial number of the try after that one."""
    return trial_number + TRIES


def earlier_tries(trial_number: int) -> list[int]:
    """Returns the trial numbers of the tries at a run before that one, the first one first."""
    return list(range(run_number(trial_number), trial_number, TRIES))


def latest_tries(trial_numbers: Iterable[int]) -> dict[int, int]:
    """Returns the trial number of the latest try at each run, by run number."""
    found: dict[int, int] = {}
    for number in trial_numbers:
        run = run_number(number)
        found[run] = max(number, found.get(run, number))
    return found
