"""Whether numbers that were tried are told apart by their factor or by their difference.

The store holds the values that a search drew, not the space that it drew them from.
"""

from __future__ import annotations

import math

_FACTOR = 10


def is_log_scale(low: float, high: float) -> bool:
    """Returns whether the values of a parameter belong on a logarithmic scale.

    They do from an order of magnitude on: learning rates of 1e-4 and 1e-3 do, whichever way
    binary fractions round their ratio.

    Args:
        low: The smallest value.
        high: The largest one.
    """
    least = _FACTOR * low
    return low > 0 and (high >= least or math.isclose(high, least))
