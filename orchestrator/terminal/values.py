"""How numbers, times and configurations are written for a person."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any


def configuration(values: Mapping[str, Any]) -> str:
    """Returns a configuration in one short line, e.g. "lora rank=8 learning_rate=0.0031".

    Args:
        values: The technique, and beside it what is to be shown, in that order.
    """
    words = [f"{name}={brief(value)}" for name, value in values.items() if name != "technique"]
    return " ".join([str(values["technique"]), *words])


def brief(value: Any) -> str:
    """Returns a value in a few characters: fractions with three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else _written(value)


def number(value: float | None) -> str:
    """Returns a metric with four decimals, "-" where there is none."""
    return "-" if value is None else f"{value:.4f}"


def signed(value: float, places: int = 3) -> str:
    """Returns a difference with its sign; one that rounds to 0 with the first digit that it has.

    A claim may rest on that digit: 0.00004 is above 0, and 0.000 would not say so.
    """
    if value == 0.0:
        return f"{0.0:+.{places}f}"
    said = f"{value:+.{places}f}"
    return said if float(said) else f"{value:+.0e}"


def size(value: float, places: int = 3) -> str:
    """Returns how large a difference is, without its sign; a small one as `signed` does."""
    return signed(abs(value), places).removeprefix("+")


def counted(count: int, noun: str) -> str:
    """Returns a number of things, e.g. "1 trial", "1,200 trials"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def p_value(value: float) -> str:
    """Returns e.g. "p = 0.03"; tiny ones, which no such test tells apart, as "p < 0.0001"."""
    return "p < 0.0001" if value < 1e-4 else f"p = {value:.2g}"


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """Returns a metric and its interval, e.g. "0.8123 [0.78, 0.84]"."""
    if value is None or low is None or high is None:
        return number(value)
    return f"{value:.4f} [{low:.3f}, {high:.3f}]"


def duration(seconds: float | None) -> str:
    """Returns seconds as a person says them, e.g. "1 h 05 min"; "-" for none, and for no number."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def storage(count: float) -> str:
    """Returns bytes as a person says them, e.g. "1.5 GiB" or "120 MiB"."""
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def time(value: datetime.datetime | None) -> str:
    """Returns a time of the store to the minute with its zone, e.g. "2026-03-01 12:00 UTC"."""
    return "-" if value is None else f"{_in_utc(value):%Y-%m-%d %H:%M} UTC"


def text(value: Any) -> str:
    """Returns any value as a table shows it: what a search space file has too, as it has it."""
    if value is None:
        return "-"
    if isinstance(value, datetime.datetime):
        return f"{_in_utc(value)} UTC"
    return f"{value:.6g}" if isinstance(value, float) else _written(value)


def _written(value: Any) -> str:
    """Returns true, null, [4, 8] and {a: 1} as YAML has them, and not as Python does."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return f"[{', '.join(map(_written, value))}]"
        case dict():
            return f"{{{', '.join(f'{name}: {_written(each)}' for name, each in value.items())}}}"
        case _:
            return str(value)


def _in_utc(value: datetime.datetime) -> datetime.datetime:
    """Returns a time in UTC, in which the store keeps its times without saying so."""
    return value if value.tzinfo is None else value.astimezone(datetime.UTC).replace(tzinfo=None)
