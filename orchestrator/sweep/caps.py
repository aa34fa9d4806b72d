"""What one start of a sweep may spend at most: hours, hours of devices, money."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Caps:
    """Limits at which a sweep ends, each trial at its next rung.

    Attributes:
        hours: By the clock, of one start.
        device_hours: Of devices, those of earlier starts included.
        cost: Money, that of earlier starts included, in the unit of the price.
        price: Of a device hour; 0 where none is given.
    """

    hours: float = math.inf
    device_hours: float = math.inf
    cost: float = math.inf
    price: float = 0.0

    @classmethod
    def of(
        cls,
        hours: float | None,
        device_hours: float | None,
        cost: float | None,
        price: float | None,
    ) -> Caps:
        """Returns the limits of which each may be absent: None."""
        return cls(
            math.inf if hours is None else hours,
            math.inf if device_hours is None else device_hours,
            math.inf if cost is None else cost,
            price or 0.0,
        )

    def reached(self, seconds: float, device_seconds: float) -> str | None:
        """Returns which limit has been reached, in words; None if none is.

        Args:
            seconds: By the clock, since the start.
            device_seconds: Of devices, those of earlier starts included.
        """
        if seconds >= 3600 * self.hours:
            return f"{self.hours:g} hours (--max-hours)"
        if device_seconds >= 3600 * self.device_hours:
            return f"{self.device_hours:g} hours of devices (--max-device-hours)"
        if self.price * device_seconds >= 3600 * self.cost:
            return f"a cost of {self.cost:g} (--max-cost, at {self.price:g} a device hour)"
        return None

    def spent(self, seconds: float, device_seconds: float) -> str:
        """Returns in words what was spent of each limit, and the cost if there is a price.

        Args:
            seconds: By the clock, since the start.
            device_seconds: Of devices, those of earlier starts included.
        """
        words = []
        if self.hours < math.inf:
            words.append(f"{seconds / 3600:.2f} of {self.hours:g} h")
        if self.device_hours < math.inf:
            words.append(f"{device_seconds / 3600:.2f} of {self.device_hours:g} device hours")
        if self.price:
            most = f" of {self.cost:g}" if self.cost < math.inf else ""
            words.append(f"cost {self.price * device_seconds / 3600:.2f}{most}")
        return ", ".join(words)
