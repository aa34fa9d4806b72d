"""Aggregates of other dialects. Standard library only."""

from __future__ import annotations

import math
from functools import cmp_to_key
from statistics import pvariance, variance
from typing import Any

from trainables.sql.sandbox.collations import fold_mysql
from trainables.sql.sandbox.failures import MeaningUnknown, TooLarge
from trainables.sql.sandbox.texts import LONGEST, said

_MOST_VALUES = 100_000


class _Collected:
    """Gathers the values of one group that are not NULL."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def step(self, value: Any) -> None:
        if value is not None:
            self.gather(value)

    def gather(self, value: Any) -> None:
        if len(self.values) >= _MOST_VALUES:
            raise TooLarge("a group")
        self.values.append(value)


class SampleVariance(_Collected):
    def finalize(self) -> float | None:
        return float(variance(map(float, self.values))) if len(self.values) > 1 else None


class PopulationVariance(_Collected):
    def finalize(self) -> float | None:
        return float(pvariance(map(float, self.values))) if self.values else None


class SampleDeviation(SampleVariance):
    def finalize(self) -> float | None:
        found = super().finalize()
        return None if found is None else math.sqrt(found)


class PopulationDeviation(PopulationVariance):
    def finalize(self) -> float | None:
        found = super().finalize()
        return None if found is None else math.sqrt(found)


class OracleVariance(SampleVariance):
    """Oracle's VARIANCE: 0 for one value."""

    def finalize(self) -> float | None:
        return 0.0 if len(self.values) == 1 else super().finalize()


class OracleDeviation(OracleVariance):
    def finalize(self) -> float | None:
        found = super().finalize()
        return None if found is None else math.sqrt(found)


class Percentile(_Collected):
    """PERCENTILE_CONT and MEDIAN: between the two values at the place, by its fraction."""

    fraction = 0.5

    def step(self, value: Any, fraction: Any = 0.5) -> None:
        self.fraction = fraction
        if value is not None:
            if not isinstance(value, int | float):
                raise MeaningUnknown("a percentile between values that are no numbers")
            self.gather(value)

    def finalize(self) -> float | None:
        if not self.values:
            return None
        values = sorted(self.values)
        place = self.fraction * (len(values) - 1)
        low, high = math.floor(place), math.ceil(place)
        return float(values[low] + (place - low) * (values[high] - values[low]))


class DiscretePercentile(_Collected):
    """PERCENTILE_DISC: the first value whose share of the group reaches the fraction."""

    fraction = 0.5

    def step(self, value: Any, fraction: Any = 0.5) -> None:
        self.fraction = fraction
        if value is not None:
            self.gather(value)

    def finalize(self) -> Any:
        if not self.values:
            return None
        values = sorted(self.values)
        return values[max(0, math.ceil(self.fraction * len(values)) - 1)]


class Mode(_Collected):
    """PostgreSQL's MODE; where two values are as frequent, it is not known which."""

    def finalize(self) -> Any:
        counts: dict[Any, int] = {}
        for value in self.values:
            counts[value] = counts.get(value, 0) + 1
        best = [value for value, count in counts.items() if count == max(counts.values())]
        if len(best) > 1:
            raise MeaningUnknown("the most frequent of equally frequent values")
        return best[0] if best else None


class All(_Collected):
    def finalize(self) -> bool | None:
        return all(self.values) if self.values else None


class Any_(_Collected):  # noqa: N801  # `Any` is typing's
    def finalize(self) -> bool | None:
        return any(self.values) if self.values else None


class BitAnd(_Collected):
    def finalize(self) -> int | None:
        result = -1
        for value in self.values:
            result &= value
        return result if self.values else None


class BitOr(_Collected):
    def finalize(self) -> int | None:
        result = 0
        for value in self.values:
            result |= value
        return result if self.values else None


class JoinedInOrder:
    """STRING_AGG, LISTAGG and GROUP_CONCAT with an order of their own.

    Its arguments: the value, the separator, whether equal values count once (1, or 2 where letters
    that MySQL takes for equal are), then for each key its direction (1 or -1), the place of NULLs
    (-1 first, 1 last) and the key.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[Any, tuple[Any, ...]]] = []
        self.separator, self.distinct = ",", 0

    def step(self, value: Any, separator: Any, distinct: Any, *keys: Any) -> None:
        if value is None:
            return
        if len(self.rows) >= _MOST_VALUES:
            raise TooLarge("a group")
        self.separator, self.distinct = said(separator or ""), int(distinct)
        self.rows.append((value, keys))

    def finalize(self) -> str | None:
        rows = sorted(self.rows, key=cmp_to_key(_compare_rows))
        values = [said(value) for value, _ in rows]
        if self.distinct:
            fold = fold_mysql if self.distinct > 1 else str
            first: dict[str, str] = {}
            for value in values:
                first.setdefault(fold(value), value)
            values = list(first.values())
        text = self.separator.join(values)
        if len(text) > LONGEST:
            raise TooLarge("a joined text")
        return text if values else None


def _compare_rows(one: tuple[Any, tuple[Any, ...]], other: tuple[Any, tuple[Any, ...]]) -> int:
    for index in range(0, len(one[1]), 3):
        direction, nulls, mine = one[1][index : index + 3]
        theirs = other[1][index + 2]
        if mine is None or theirs is None:
            order = nulls * ((mine is None) - (theirs is None))
        else:
            order = direction * _compare(mine, theirs)
        if order:
            return int(order)
    return 0


def _compare(mine: Any, theirs: Any) -> int:
    # SQLite's order: numbers, then texts, then blobs.
    ranks = [
        0 if isinstance(v, int | float) else 1 if isinstance(v, str) else 2 for v in (mine, theirs)
    ]
    if ranks[0] != ranks[1]:
        return ranks[0] - ranks[1]
    return int(mine > theirs) - int(mine < theirs)
