"""The learning rate, as a pure function of how many examples have been seen.

Rungs are counted in examples, so the rate is too: two trials with different batch sizes are at the
same place of their schedule at the same rung. "warmup_stable_decay" (Hu et al. 2024, MiniCPM,
arXiv:2404.06395) holds the peak between warm-up and cool-down, so that at a rung a trial has
trained at the rate that its configuration names, however large the budget.
"""

from __future__ import annotations

COOL_DOWN = 0.2
"""Fraction of the budget over which "warmup_stable_decay" falls to 0."""


def factor(examples_seen: float, budget: int, *, warmup: float, schedule: str) -> float:
    """Returns the factor, from 0 to 1, that the peak learning rate is multiplied by.

    The loop asks for the middle of each batch, so that neither the first step nor the last one is
    taken at rate 0.

    Args:
        examples_seen: Training examples before this point; beyond the budget counts as its end.
        budget: Training examples of the whole trial, above 0.
        warmup: Fraction of the budget over which the rate rises linearly from 0.
        schedule: "warmup_stable_decay", "linear" (falls to 0 from the end of the warm-up) or
            "constant".

    Raises:
        ValueError: The schedule has another name.
    """
    position = min(max(examples_seen / budget, 0.0), 1.0)
    rise = min(position / warmup, 1.0) if warmup > 0 else 1.0
    if schedule == "constant":
        return rise
    if schedule == "linear":
        return min(rise, (1.0 - position) / (1.0 - warmup)) if warmup < 1 else rise
    if schedule == "warmup_stable_decay":
        return min(rise, (1.0 - position) / COOL_DOWN, 1.0)
    raise ValueError(
        f'The schedule is "{schedule}", but must be warmup_stable_decay, linear or constant.'
    )
