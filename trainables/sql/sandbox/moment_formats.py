"""Dates as text by the formats of other dialects, and back. Standard library only.

Sources: MySQL 8.0 Reference Manual, 14.7 "Date and Time Functions", DATE_FORMAT; PostgreSQL 16,
9.8 "Data Type Formatting Functions"; Oracle 19c SQL Language Reference, "Format Models";
Transact-SQL, FORMAT and CAST and CONVERT.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from trainables.sql.sandbox import moments
from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown
from trainables.sql.sandbox.moments import Moment

Field = Callable[[datetime], str]

_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _month(at: datetime) -> str:
    return _MONTH_NAMES[at.month - 1]


def _day(at: datetime) -> str:
    return _DAY_NAMES[at.weekday()]


def _hour12(at: datetime) -> int:
    return (at.hour + 11) % 12 + 1


def _half(at: datetime) -> str:
    return "PM" if at.hour >= 12 else "AM"


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


_MYSQL: dict[str, Field] = {
    "a": lambda at: _day(at)[:3],
    "b": lambda at: _month(at)[:3],
    "c": lambda at: str(at.month),
    "D": lambda at: _ordinal(at.day),
    "d": lambda at: f"{at.day:02}",
    "e": lambda at: str(at.day),
    "f": lambda at: f"{at.microsecond:06}",
    "H": lambda at: f"{at.hour:02}",
    "h": lambda at: f"{_hour12(at):02}",
    "I": lambda at: f"{_hour12(at):02}",
    "i": lambda at: f"{at.minute:02}",
    "j": lambda at: f"{at.timetuple().tm_yday:03}",
    "k": lambda at: str(at.hour),
    "l": lambda at: str(_hour12(at)),
    "M": _month,
    "m": lambda at: f"{at.month:02}",
    "p": _half,
    "r": lambda at: f"{_hour12(at):02}:{at.minute:02}:{at.second:02} {_half(at)}",
    "S": lambda at: f"{at.second:02}",
    "s": lambda at: f"{at.second:02}",
    "T": lambda at: f"{at.hour:02}:{at.minute:02}:{at.second:02}",
    "v": lambda at: f"{at.isocalendar()[1]:02}",
    "W": _day,
    "w": lambda at: str(at.isoweekday() % 7),
    "x": lambda at: f"{at.isocalendar()[0]:04}",
    "Y": lambda at: f"{at.year:04}",
    "y": lambda at: f"{at.year % 100:02}",
    "%": lambda at: "%",
}


def _second_of_day(at: datetime) -> int:
    return (at.hour * 60 + at.minute) * 60 + at.second


_TO_CHAR: dict[str, Field] = {
    "HH24": lambda at: f"{at.hour:02}",
    "HH12": lambda at: f"{_hour12(at):02}",
    "HH": lambda at: f"{_hour12(at):02}",
    "MI": lambda at: f"{at.minute:02}",
    "SS": lambda at: f"{at.second:02}",
    **dict.fromkeys(("SSSSS", "SSSS"), lambda at: str(_second_of_day(at))),
    "YYYY": lambda at: f"{at.year:04}",
    "RRRR": lambda at: f"{at.year:04}",
    "IYYY": lambda at: f"{at.isocalendar()[0]:04}",
    "YY": lambda at: f"{at.year % 100:02}",
    "RR": lambda at: f"{at.year % 100:02}",
    "MM": lambda at: f"{at.month:02}",
    "DDD": lambda at: f"{at.timetuple().tm_yday:03}",
    "DD": lambda at: f"{at.day:02}",
    "Q": lambda at: str((at.month + 2) // 3),
    "WW": lambda at: f"{(at.timetuple().tm_yday - 1) // 7 + 1:02}",
    "IW": lambda at: f"{at.isocalendar()[1]:02}",
    "MS": lambda at: f"{at.microsecond // 1000:03}",
    "US": lambda at: f"{at.microsecond:06}",
    "D": lambda at: str(at.isoweekday() % 7 + 1),
    "ID": lambda at: str(at.isoweekday()),
    "AM": _half,
    "PM": _half,
}
_OF_POSTGRES_ALONE = frozenset({"MS", "US", "D", "ID"})
_OF_ORACLE_ALONE = frozenset({"RRRR", "RR"})
_NAMES: dict[str, Field] = {
    "MONTH": _month,
    "MON": lambda at: _month(at)[:3],
    "DAY": _day,
    "DY": lambda at: _day(at)[:3],
}
_TO_CHAR_PIECE = re.compile(
    r'"(?P<quoted>[^"]*)"|(?P<modifier>FM)|(?P<field>'
    + "|".join(sorted({*_TO_CHAR, *_NAMES}, key=len, reverse=True))
    + r")|(?P<sign>[-/,.;: ])",
    re.IGNORECASE,
)

_NET: dict[str, Field] = {
    "yyyy": lambda at: f"{at.year:04}",
    "yy": lambda at: f"{at.year % 100:02}",
    "MMMM": _month,
    "MMM": lambda at: _month(at)[:3],
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: str(at.month),
    "dddd": _day,
    "ddd": lambda at: _day(at)[:3],
    "dd": lambda at: f"{at.day:02}",
    "d": lambda at: str(at.day),
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: str(at.hour),
    "hh": lambda at: f"{_hour12(at):02}",
    "h": lambda at: str(_hour12(at)),
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: str(at.minute),
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: str(at.second),
    "fff": lambda at: f"{at.microsecond // 1000:03}",
    "tt": _half,
}
_NET_PIECE = re.compile(
    r"'(?P<quoted>[^']*)'|(?P<field>y+|M+|d+|H+|h+|m+|s+|f+|t+)|(?P<sign>[-/,.: ])"
)
_CONVERT_STYLES = {
    23: "yyyy-MM-dd",
    101: "MM/dd/yyyy",
    102: "yyyy.MM.dd",
    103: "dd/MM/yyyy",
    104: "dd.MM.yyyy",
    105: "dd-MM-yyyy",
    106: "dd MMM yyyy",
    107: "MMM dd, yyyy",
    108: "HH:mm:ss",
    110: "MM-dd-yyyy",
    111: "yyyy/MM/dd",
    112: "yyyyMMdd",
    120: "yyyy-MM-dd HH:mm:ss",
    121: "yyyy-MM-dd HH:mm:ss.fff",
    126: "yyyy-MM-ddTHH:mm:ss",
}


def by_mysql(text: str, pattern: str) -> str:
    """MySQL's DATE_FORMAT."""
    at = moments.read(text).at
    return re.sub(r"%(.)", lambda found: _mysql_field(found[1])(at), pattern, flags=re.DOTALL)


def by_postgres(text: str, pattern: str) -> str:
    """PostgreSQL's TO_CHAR of a moment."""
    return _to_char(text, pattern, _OF_ORACLE_ALONE)


def by_oracle(text: str, pattern: str) -> str:
    """Oracle's TO_CHAR of a date."""
    return _to_char(text, pattern, _OF_POSTGRES_ALONE)


def by_net(text: str, pattern: str) -> str:
    """T-SQL's FORMAT of a date, in the culture en-US."""
    at = moments.read(text).at
    pattern = {"d": "M/d/yyyy", "D": "dddd, MMMM d, yyyy"}.get(pattern, pattern)
    if len(pattern) == 1:
        raise MeaningUnknown(f"the format {pattern!r}")
    said, place = [], 0
    while place < len(pattern):
        found = _NET_PIECE.match(pattern, place)
        if found is None or (found["field"] and found["field"] not in _NET):
            raise MeaningUnknown(f"the format {pattern!r}")
        field = found["field"]
        said.append(_NET[field](at) if field else found["quoted"] or found["sign"] or "")
        place = found.end()
    return "".join(said)


def by_style(text: str, style: int) -> str:
    """T-SQL's CONVERT(VARCHAR, date, style)."""
    pattern = _CONVERT_STYLES.get(int(style))
    if pattern is None:
        raise MeaningUnknown(f"the style {style}")
    return "T".join(by_net(text, piece) for piece in pattern.split("T"))


def _mysql_field(letter: str) -> Field:
    if letter in "UuVX":
        raise MeaningUnknown(f"%{letter} in a format")
    # "%x", for any other "x", is "x".
    return _MYSQL.get(letter) or (lambda at: letter)


def _to_char(text: str, pattern: str, absent: frozenset[str]) -> str:
    at = moments.read(text).at
    said, place, filled = [], 0, True
    while place < len(pattern):
        found = _TO_CHAR_PIECE.match(pattern, place)
        if found is None or (found["field"] or "").upper() in absent:
            raise MeaningUnknown(f"the format {pattern!r}")
        place = found.end()
        word = found["field"]
        if found["modifier"]:
            # In PostgreSQL it holds for the next field, in Oracle it is switched on and off.
            if place != 2 and absent is _OF_POSTGRES_ALONE:
                raise MeaningUnknown("FM inside of a format")
            filled = False
        elif word:
            said.append(_to_char_field(word, at, filled))
            filled = filled or absent is _OF_ORACLE_ALONE
        else:
            said.append(found["quoted"] or found["sign"] or "")
    return "".join(said)


def _to_char_field(word: str, at: datetime, filled: bool) -> str:
    name = _NAMES.get(word.upper())
    if name is not None:
        said = name(at)
        said = said.upper() if word.isupper() else said.lower() if word.islower() else said
        return said.ljust(9) if filled and word.upper() in ("MONTH", "DAY") else said
    said = _TO_CHAR[word.upper()](at)
    if word.upper() in ("AM", "PM"):
        return said.lower() if word.islower() else said
    return said if filled or not said.isdigit() else str(int(said))


_READ = {
    "year": r"(?P<year>\d{4})",
    "month": r"(?P<month>\d{1,2})",
    "month name": r"(?P<name>[A-Za-z]{3,9})",
    "day": r"(?P<day>\d{1,2})",
    "hour": r"(?P<hour>\d{1,2})",
    "minute": r"(?P<minute>\d{1,2})",
    "second": r"(?P<second>\d{1,2})",
}
_READ_MYSQL = {
    "Y": "year",
    "m": "month",
    "c": "month",
    "d": "day",
    "e": "day",
    "b": "month name",
    "M": "month name",
    "H": "hour",
    "k": "hour",
    "i": "minute",
    "s": "second",
    "S": "second",
}
_READ_TO_DATE = {
    "YYYY": "year",
    "MM": "month",
    "MON": "month name",
    "MONTH": "month name",
    "DD": "day",
    "HH24": "hour",
    "MI": "minute",
    "SS": "second",
}


def read_mysql(text: str, pattern: str) -> str | None:
    """MySQL's STR_TO_DATE; NULL where the text does not fit."""
    pieces, has_time = [], False
    for literal, letter in re.findall(r"([^%]+)|%(.)", pattern):
        if letter:
            if letter not in _READ_MYSQL:
                raise MeaningUnknown(f"%{letter} in a format")
            has_time |= letter in "HkisS"
            # Blanks before a field do not count.
            pieces.append(r"\s*" + _READ[_READ_MYSQL[letter]])
        else:
            pieces.append(r"\s*" + re.escape(literal.strip()) if literal.strip() else "")
    try:
        return _read("".join(pieces), text, has_time)
    except FailsThere:
        return None


def read_date(text: str, pattern: str) -> str:
    """TO_DATE of PostgreSQL and Oracle, for formats and texts that leave nothing open."""
    return _read_to_date(text, pattern, False)


def read_stamp(text: str, pattern: str) -> str:
    """TO_TIMESTAMP of PostgreSQL and Oracle, and Oracle's TO_DATE with a time of day."""
    return _read_to_date(text, pattern, True)


def _read_to_date(text: str, pattern: str, has_time: bool) -> str:
    pieces, place = [], 0
    while place < len(pattern):
        found = _TO_CHAR_PIECE.match(pattern, place)
        if found is None or found["modifier"]:
            raise MeaningUnknown(f"the format {pattern!r}")
        field = (found["field"] or "").upper()
        if field and field not in _READ_TO_DATE:
            raise MeaningUnknown(f"the format {pattern!r}")
        pieces.append(_READ[_READ_TO_DATE[field]] if field else re.escape(found[0].strip('"')))
        place = found.end()
    return _read("".join(pieces), text, has_time)


def _read(form: str, text: str, has_time: bool) -> str:
    try:
        found = re.fullmatch(form, text.strip())
    except re.error:
        # A field named twice.
        raise FailsThere(f"the format for {text!r}") from None
    if found is None:
        raise FailsThere(f"{text!r} does not fit its format")
    fields = found.groupdict()
    month = fields.get("month")
    if fields.get("name"):
        names = [name.lower() for name in _MONTH_NAMES]
        given = fields["name"].lower()
        month = next((i for i, name in enumerate(names, 1) if given in (name, name[:3])), None)
    if not fields.get("year") or not month or not fields.get("day"):
        raise MeaningUnknown("a date without its year, month or day")
    try:
        hour, minute, second = (int(fields.get(name) or 0) for name in ("hour", "minute", "second"))
        at = datetime(int(fields["year"]), int(month), int(fields["day"]), hour, minute, second)
    except ValueError as error:
        raise FailsThere(f"{text!r} is no date: {error}") from None
    return str(Moment(at, not has_time))
