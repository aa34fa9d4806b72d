"""Dates and times of other dialects, on ISO text as SQLite stores it. Standard library only.

A moment is `YYYY-MM-DD`, or that with ` HH:MM:SS` and a fraction where there is one. What follows
from a date by whole days is a date again; from a time of day on, or with one, it is written in
full. Two moments compare as text where both are written alike.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown

_FORM = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?\Z"
)

MONTHS = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200}
"""Months of the units that are no fixed number of days."""

SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
"""Seconds of the units that are a fixed time."""

_DATES = frozenset({"day", "week", *MONTHS})


class Moment(NamedTuple):
    """A point in time without a zone.

    Attributes:
        at: When.
        is_date: Whether it was given without a time of day.
    """

    at: datetime
    is_date: bool

    def __str__(self) -> str:
        if self.is_date and self.at.time() == datetime.min.time():
            return self.at.date().isoformat()
        return (
            self.at.isoformat(sep=" ", timespec="auto").rstrip("0")
            if self.at.microsecond
            else (self.at.isoformat(sep=" ", timespec="seconds"))
        )


def read(text: object) -> Moment:
    """Returns the moment that ISO text names.

    Raises:
        FailsThere: There is no such day or time.
        MeaningUnknown: It is no ISO text; dialects differ in what else they take for a date.
    """
    found = _FORM.match(text) if isinstance(text, str) else None
    if found is None:
        raise MeaningUnknown(f"{text!r} is no date in ISO form")
    year, month, day, hour, minute, second, fraction = found.groups()
    try:
        at = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "").ljust(6, "0") or 0),
        )
    except ValueError as error:
        raise FailsThere(f"{text!r} is no date: {error}") from None
    return Moment(at, hour is None)


def shift(text: str, amount: float, unit: str) -> str:
    """Returns the moment so many units later; a day that the month lacks becomes its last day."""
    moment = read(text)
    if unit in MONTHS:
        return str(_months_later(moment, _whole(amount) * MONTHS[unit]))
    return str(_seconds_later(moment, amount * SECONDS[unit], unit in _DATES))


def shift_all(text: str, months: int, days: int, seconds: float) -> str:
    """Returns the moment later by months, then days, then seconds, as PostgreSQL adds intervals."""
    moment = _months_later(read(text), months)
    moment = _seconds_later(moment, days * 86_400, True)
    return str(_seconds_later(moment, seconds, False) if seconds else moment)


def add_months(text: str, amount: float) -> str:
    """Oracle's ADD_MONTHS: the last day of a month leads to the last day of the other."""
    moment = read(text)
    later = _months_later(moment, int(amount))
    last = calendar.monthrange(moment.at.year, moment.at.month)[1]
    if moment.at.day == last:
        day = calendar.monthrange(later.at.year, later.at.month)[1]
        later = later._replace(at=later.at.replace(day=day))
    return str(later)


def last_day(text: str) -> str:
    """Returns the date of the month's last day."""
    at = read(text).at
    return at.date().replace(day=calendar.monthrange(at.year, at.month)[1]).isoformat()


def only_date(text: str) -> str:
    """Returns the date alone."""
    return read(text).at.date().isoformat()


def only_time(text: str) -> str:
    """Returns the time of day alone, as HH:MM:SS."""
    return read(text).at.time().isoformat()


def in_full(text: str) -> str:
    """Returns the moment with its time of day."""
    return str(read(text)._replace(is_date=False))


def in_full_or_text(text: object) -> object:
    """Returns a moment with its time of day, and anything else as it is."""
    found = _FORM.match(text) if isinstance(text, str) else None
    return in_full(found.string) if found else text


def truncate(text: str, unit: str) -> str:
    """Returns the start of the unit that holds the moment; weeks start on Monday."""
    moment = read(text)
    at = moment.at.replace(microsecond=0)
    if unit == "microsecond":
        return str(moment)
    if unit == "week":
        at -= timedelta(days=at.weekday())
    keep = {"second": 6, "minute": 5, "hour": 4, "day": 3, "week": 3, "month": 2, "quarter": 2}
    fields = [at.year, at.month, at.day, at.hour, at.minute, at.second]
    if unit == "quarter":
        fields[1] -= (at.month - 1) % 3
    if unit == "decade":
        fields[0] -= at.year % 10
    if unit == "century":
        fields[0] -= (at.year - 1) % 100
    kept = keep.get(unit, 1)
    fields = fields[:kept] + [1, 1, 1, 0, 0, 0][kept:]
    return str(Moment(datetime(*fields), unit in _DATES))  # type: ignore[arg-type]


def part(text: str, name: str) -> float | int:
    """Returns a part of a moment; see `_PARTS` for the names."""
    moment = read(text).at
    if name not in _PARTS:
        raise MeaningUnknown(f"{name} of a date")
    found: float | int = _PARTS[name](moment)
    return found


def boundaries(unit: str, first: str, second: str) -> int:
    """Counts the boundaries between two moments, as T-SQL's DATEDIFF; weeks start on Sunday."""
    start, end = read(first).at, read(second).at
    if unit in MONTHS and unit in ("month", "quarter", "year"):
        width = MONTHS[unit]
        return (end.year * 12 + end.month - 1) // width - (
            start.year * 12 + start.month - 1
        ) // width
    if unit == "week":
        return (end.toordinal() // 7) - (start.toordinal() // 7)
    if unit == "day":
        return end.toordinal() - start.toordinal()
    return _ticks(end) // (SECONDS[unit] * 10**6) - _ticks(start) // (SECONDS[unit] * 10**6)


def completed(unit: str, first: str, second: str) -> int:
    """Counts the whole units from one moment to another, as MySQL's TIMESTAMPDIFF."""
    start, end = read(first).at, read(second).at
    if unit not in MONTHS:
        ticks = _ticks(end) - _ticks(start)
        width = SECONDS[unit] * 10**6
        return ticks // width if ticks >= 0 else -(-ticks // width)
    sign = 1
    if end < start:
        start, end, sign = end, start, -1
    months = (end.year - start.year) * 12 + end.month - start.month
    if (end.day, end.time()) < (start.day, start.time()):
        months -= 1
    return sign * (months // MONTHS[unit])


def days_between(first: str, second: str) -> int:
    """Returns the days from the second date to the first; times of day do not count."""
    return read(first).at.toordinal() - read(second).at.toordinal()


def seconds_between(first: str, second: str) -> float | int:
    """Returns the seconds from the second moment to the first."""
    return _number((_ticks(read(first).at) - _ticks(read(second).at)) / 10**6)


def fraction_of_days(first: str, second: str) -> float | int:
    """Returns the days from the second moment to the first, with their fraction."""
    return _number((_ticks(read(first).at) - _ticks(read(second).at)) / (86_400 * 10**6))


def months_between(first: str, second: str) -> float | int:
    """Oracle's MONTHS_BETWEEN: whole where the days agree or both end a month, else by 31sts."""
    later, earlier = read(first).at, read(second).at
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    ends = all(at.day == calendar.monthrange(at.year, at.month)[1] for at in (later, earlier))
    if later.day == earlier.day or ends:
        return months
    midnights = [
        at - at.replace(hour=0, minute=0, second=0, microsecond=0) for at in (later, earlier)
    ]
    times = (midnights[0] - midnights[1]).total_seconds() / 86_400
    return months + (later.day - earlier.day + times) / 31


def age_part(first: str, second: str, name: str) -> int:
    """Returns years, months or days of PostgreSQL's AGE(first, second) of two moments."""
    later, earlier = read(first).at, read(second).at
    sign = 1
    if later < earlier:
        later, earlier, sign = earlier, later, -1
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    days = later.day - earlier.day
    if later.time() < earlier.time():
        days -= 1
    if days < 0:
        months -= 1
        # PostgreSQL borrows the length of the earlier moment's month.
        days += calendar.monthrange(earlier.year, earlier.month)[1]
    return sign * {"year": months // 12, "month": months % 12, "day": days}[name]


def make_date(year: int, month: int, day: int) -> str:
    """Returns the date of three numbers."""
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError as error:
        raise FailsThere(str(error)) from None


def day_of_year(year: int, day: int) -> str:
    """MySQL's MAKEDATE."""
    return _shifted(datetime(int(year), 1, 1), timedelta(days=int(day) - 1)).date().isoformat()


def next_day(text: str, weekday: str) -> str:
    """Oracle's NEXT_DAY: the first of the named weekdays after the date."""
    names = [name.lower() for name in calendar.day_name]
    wanted = next((i for i, n in enumerate(names) if n[:3] == str(weekday).lower()[:3]), None)
    if wanted is None:
        raise FailsThere(f"{weekday!r} is no day of the week")
    moment = read(text)
    ahead = (wanted - moment.at.weekday() - 1) % 7 + 1
    return str(_seconds_later(moment, ahead * 86_400, True))


def from_epoch(seconds: float) -> str:
    """Returns the moment so many seconds after 1970, in UTC."""
    return str(Moment(_shifted(datetime(1970, 1, 1), timedelta(seconds=seconds)), False))


def from_days(days: int) -> str:
    """MySQL's FROM_DAYS."""
    try:
        return date.fromordinal(int(days) - 365).isoformat()
    except (ValueError, OverflowError):
        raise MeaningUnknown(f"day {days}") from None


def to_days(text: str) -> int:
    """MySQL's TO_DAYS: days since year 0."""
    return read(text).at.toordinal() + 365


def _months_later(moment: Moment, months: int) -> Moment:
    total = moment.at.year * 12 + moment.at.month - 1 + months
    year, month = total // 12, total % 12 + 1
    if not 1 <= year <= 9999:
        raise MeaningUnknown("a date outside of the years 1 to 9999")
    day = min(moment.at.day, calendar.monthrange(year, month)[1])
    return moment._replace(at=moment.at.replace(year=year, month=month, day=day))


def _seconds_later(moment: Moment, seconds: float, by_days: bool) -> Moment:
    at = _shifted(moment.at, timedelta(seconds=seconds))
    return Moment(at, moment.is_date and (by_days or seconds % 86_400 == 0))


def _shifted(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:
        raise MeaningUnknown("a date outside of the years 1 to 9999") from None


def _whole(amount: float) -> int:
    if amount != int(amount):
        raise MeaningUnknown("a fraction of a month")
    return int(amount)


def _ticks(at: datetime) -> int:
    return (at - datetime.min) // timedelta(microseconds=1)


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _seconds(at: datetime) -> float | int:
    return _number(at.second + at.microsecond / 10**6)


def _first_week(at: datetime, first_weekday: int) -> int:
    """Weeks that began on `first_weekday` (Monday is 0) in this year so far."""
    return (at.timetuple().tm_yday + 6 - (at.weekday() - first_weekday) % 7) // 7


_PARTS: dict[str, Callable[[datetime], Any]] = {
    "year": lambda at: at.year,
    "quarter": lambda at: (at.month + 2) // 3,
    "month": lambda at: at.month,
    "day": lambda at: at.day,
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
    "second": lambda at: at.second,
    "second with its fraction": _seconds,
    "millisecond": lambda at: at.microsecond // 1000,
    "microsecond": lambda at: at.microsecond,
    "decade": lambda at: at.year // 10,
    "century": lambda at: (at.year + 99) // 100,
    "weekday, Sunday is 0": lambda at: at.isoweekday() % 7,
    "weekday, Sunday is 1": lambda at: at.isoweekday() % 7 + 1,
    "weekday, Monday is 0": lambda at: at.weekday(),
    "weekday, Monday is 1": lambda at: at.isoweekday(),
    "day of the year": lambda at: at.timetuple().tm_yday,
    "ISO week": lambda at: at.isocalendar()[1],
    "ISO year": lambda at: at.isocalendar()[0],
    "week, MySQL mode 0": lambda at: _first_week(at, 6),
    "week since the first of January": lambda at: (at.timetuple().tm_yday - 1) // 7 + 1,
    "week, T-SQL": lambda at: (
        (at.timetuple().tm_yday + datetime(at.year, 1, 1).isoweekday() % 7 - 1) // 7 + 1
    ),
    "seconds since 1970": lambda at: _number((_ticks(at) - _ticks(datetime(1970, 1, 1))) / 10**6),
    "name of the month": lambda at: calendar.month_name[at.month],
    "name of the weekday": lambda at: calendar.day_name[at.weekday()],
}
