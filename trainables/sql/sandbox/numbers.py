"""Arithmetic of other dialects, on SQLite's integers and floats. Standard library only.

Decimals of other systems are floats here; what depends on their exact digits is computed from the
shortest text that names the float.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext

from trainables.sql.sandbox.failures import FailsThere, MeaningUnknown

Number = int | float


def round_decimal(value: Number, digits: int) -> Number:
    """Rounds halves away from zero, as every system rounds exact numbers."""
    return _quantized(value, digits, ROUND_HALF_UP)


def round_float(value: Number, digits: int) -> Number:
    """Rounds a binary float, where it is no tie: of ties the systems make different things."""
    up = _quantized(value, digits, ROUND_HALF_UP)
    if isinstance(value, float) and up != _quantized(value, digits, ROUND_HALF_EVEN):
        raise MeaningUnknown("the rounding of a float that lies half way")
    return up


def truncate(value: Number, digits: int) -> Number:
    """Cuts towards zero after so many decimal places."""
    return _quantized(value, digits, ROUND_DOWN)


def to_integer(value: Number) -> int:
    """Rounds to an integer, halves away from zero."""
    return int(_quantized(value, 0, ROUND_HALF_UP))


def unsigned(value: Number) -> Number:
    """Returns a number that is not negative; a negative one is an error."""
    if value < 0:
        raise FailsThere("a negative number that is unsigned")
    return value


def known_unsigned(value: Number) -> Number:
    """Returns a number that stays what it is when it is converted to an unsigned one."""
    if value < 0:
        raise MeaningUnknown("a negative number as an unsigned one")
    return value


def fitting(value: Number, digits: int) -> Number:
    """Returns a number that has no more digits before the point; more are an error."""
    if abs(value) >= 10.0**digits:
        raise FailsThere("a number that its type has no room for")
    return value


def known_to_fit(value: Number, digits: int) -> Number:
    """The same of MySQL, which takes the nearest number that fits, or refuses it in a table."""
    if abs(value) >= 10.0**digits:
        raise MeaningUnknown("a number that its type has no room for")
    return value


def read_number(text: object) -> Number:
    """Returns the number that a text is, all of it."""
    if isinstance(text, int | float):
        return text
    if isinstance(text, str) and re.fullmatch(r"\s*[-+]?\d+\s*", text):
        return int(text)
    if isinstance(text, str) and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", text):
        return float(text)
    raise FailsThere(f"{text!r} is no number")


def divide(value: Number, by: Number) -> Number:
    """Divides; an integer by an integer towards zero. By zero is an error."""
    if by == 0:
        raise FailsThere("division by zero")
    if isinstance(value, int) and isinstance(by, int):
        return abs(value) // abs(by) * (1 if (value < 0) == (by < 0) else -1)
    return value / by


def remainder(value: Number, by: Number) -> Number:
    """Returns the remainder with the sign of the first number. By zero is an error."""
    if by == 0:
        raise FailsThere("division by zero")
    if isinstance(value, int) and isinstance(by, int):
        return abs(value) % abs(by) * (-1 if value < 0 else 1)
    return float(Decimal(repr(value)) % Decimal(repr(by)))


def remainder_or_null(value: Number, by: Number) -> Number | None:
    """MySQL's MOD: by zero is NULL."""
    return None if by == 0 else remainder(value, by)


def remainder_or_value(value: Number, by: Number) -> Number:
    """Oracle's MOD: by zero is the value."""
    return value if by == 0 else remainder(value, by)


def whole_quotient(value: Number, by: Number) -> int | None:
    """MySQL's DIV: the quotient, cut towards zero; by zero is NULL."""
    if by == 0:
        return None
    return int(Decimal(repr(value)) / Decimal(repr(by)))


def power(base: Number, exponent: Number) -> float:
    """Returns the power as a float."""
    try:
        result = math.pow(base, exponent)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise FailsThere(str(error)) from None
    return result


def power_of_integer(base: Number, exponent: Number) -> Number:
    """T-SQL's POWER of an integer: it is cut to an integer."""
    result = power(base, exponent)
    return int(result) if isinstance(base, int) else result


def root(value: Number) -> float:
    if value < 0:
        raise FailsThere("the root of a negative number")
    return math.sqrt(value)


def root_or_null(value: Number) -> float | None:
    """MySQL's SQRT: of a negative number it is NULL."""
    return None if value < 0 else math.sqrt(value)


def logarithm(value: Number, base: Number = math.e) -> float:
    if value <= 0 or base <= 0 or base == 1:
        raise FailsThere("the logarithm of a number that has none")
    if base == math.e:
        return math.log(value)
    if base in (2, 10):
        return math.log2(value) if base == 2 else math.log10(value)
    return math.log(value) / math.log(base)


def logarithm_or_null(value: Number, base: Number = math.e) -> float | None:
    """MySQL's logarithms: where there is none, NULL."""
    return None if value <= 0 or base <= 0 or base == 1 else logarithm(value, base)


def grouped(value: Number, digits: int) -> str:
    """Returns a number with commas at the thousands and so many decimal places."""
    rounded = Decimal(repr(_quantized(value, digits, ROUND_HALF_UP)))
    return f"{rounded:,.{max(0, int(digits))}f}"


def by_net(value: Number, pattern: str) -> str:
    """T-SQL's FORMAT of a number, in the culture en-US."""
    known = re.fullmatch(r"([NnFfDdCc])(\d{0,2})", pattern)
    if known:
        letter, digits = known[1].upper(), known[2]
        if letter == "D":
            if not isinstance(value, int):
                raise FailsThere("the format D is for integers")
            return f"{'-' if value < 0 else ''}{abs(value):0{int(digits or 0)}}"
        said = grouped(value, int(digits or 2))
        if letter == "C":
            if value < 0:
                raise MeaningUnknown("a negative amount of money as text")
            return f"${said}"
        return said if letter == "N" else said.replace(",", "")
    custom = re.fullmatch(r"(#,##0|0+|#)(?:\.(0+))?", pattern)
    if custom is None or pattern.startswith("#.") or pattern == "#":
        raise MeaningUnknown(f"the format {pattern!r}")
    said = grouped(value, len(custom[2] or ""))
    if custom[1].startswith("#"):
        return said
    whole, dot, rest = said.replace(",", "").partition(".")
    sign = "-" if whole.startswith("-") else ""
    return sign + whole.lstrip("-").rjust(len(custom[1]), "0") + dot + rest


def by_template(value: Number, pattern: str) -> str:
    """TO_CHAR of a number in PostgreSQL and Oracle, for templates of 9, 0, comma, dot and FM."""
    form = pattern.upper()
    filled = not form.startswith("FM")
    form = form.removeprefix("FM")
    found = re.fullmatch(r"([09,]+)(?:\.([09]+))?", form)
    if found is None or form.startswith(","):
        raise MeaningUnknown(f"the format {pattern!r}")
    left, right = found[1], found[2] or ""
    if not filled and "9" in right:
        raise MeaningUnknown("optional decimal places in a format")
    rounded = Decimal(repr(_quantized(value, len(right), ROUND_HALF_UP)))
    digits, _, places = f"{abs(rounded):.{len(right)}f}".partition(".")
    room = [sign for sign in left if sign != ","]
    if len(digits) > len(room):
        raise MeaningUnknown("a number that its format has no room for")
    least = len(room) - room.index("0") if "0" in room else (0 if right else 1)
    digits = digits.lstrip("0").rjust(least, "0") if digits.strip("0") or least else ""
    said, rest = "", digits
    for sign in reversed(left):
        if not rest:
            break
        if sign == ",":
            said = "," + said
        else:
            said, rest = rest[-1] + said, rest[:-1]
    said = ("-" if rounded < 0 else "") + said + (f".{places}" if right else "")
    return said.rjust(len(form) + 1) if filled else said


def _quantized(value: Number, digits: int, rounding: str) -> Number:
    if isinstance(value, int) and digits >= 0:
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return value
    places = max(-400, min(400, int(digits)))
    with localcontext() as context:
        context.prec = 800
        result = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), rounding=rounding)
    return int(result) if isinstance(value, int) else float(result)
