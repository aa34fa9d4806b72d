"""What is known of a value before a statement runs: enough to tell two dialects' rules apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class NotSpoken(Exception):  # noqa: N818  # what was found, not what is wrong with this program
    """The dialect has no such construct: the text is none of its statements."""


class NotKnown(Exception):  # noqa: N818  # what was found, not what is wrong with this program
    """The dialect may have the construct, but no translation is known to keep its meaning."""


class PastLimit(Exception):  # noqa: N818  # what was found, not what is wrong with this program
    """The text is too long or too deep to be read."""


class Kind(NamedTuple):
    """The kind of a value.

    Attributes:
        name: One of the constants below.
        precision: Of an exact number, its digits, where they are known.
        scale: Of an exact number, its digits after the point, where they are known.
        shown: Whether a result shows so many digits only (a quotient of MySQL's, say).
        values: Of an enumeration, which is a text, its values in the order that it is sorted by.
        unsigned: Whether it is an integer of MySQL's that is never negative.
    """

    name: str
    precision: int | None = None
    scale: int | None = None
    shown: bool = False
    values: tuple[str, ...] = ()
    unsigned: bool = False

    @property
    def is_number(self) -> bool:
        return self.name in ("integer", "decimal", "float")

    @property
    def is_text(self) -> bool:
        return self.name in ("text", "literal")

    @property
    def is_moment(self) -> bool:
        return self.name in ("date", "stamp")


INTEGER = Kind("integer", 10, 0)
DECIMAL = Kind("decimal")
FLOAT = Kind("float")
SINGLE = Kind("float", 24)
"""A float of four bytes, which is none of the decimals that it is given as, but for halves."""
TEXT = Kind("text")
PADDED = Kind("padded")
"""A text that its column fills up with blanks, which some operations see and others do not."""
LITERAL = Kind("literal")
"""A string literal: a text, or whatever it is compared with."""
DATE = Kind("date")
STAMP = Kind("stamp")
TIME = Kind("time")
BOOLEAN = Kind("boolean")
NULL = Kind("null")
UNKNOWN = Kind("unknown")


@dataclass(frozen=True)
class Said:
    """An expression in SQLite.

    Attributes:
        sql: Its text; anything but a name, a literal or a call is in parentheses.
        kind: What it is.
        literal: The value of a string or number literal.
        interval: Amounts with their units, where it is an interval; it has no `sql` then.
        collation: Whether the text is a column, which carries its collation along.
    """

    sql: str
    kind: Kind = UNKNOWN
    literal: str | None = None
    interval: tuple[tuple[str, str], ...] | None = None
    collation: bool = False


def widest(kinds: list[Kind]) -> Kind:
    """Returns the kind of a value that is one of several: of CASE, COALESCE or UNION."""
    known = [kind for kind in kinds if kind.name != "null"]
    if not known:
        return NULL
    names = {kind.name for kind in known}
    if "unknown" in names:
        return UNKNOWN
    if len(names) == 1:
        first = known[0]
        if first.name in ("integer", "decimal"):
            scales = [kind.scale for kind in known if kind.scale is not None]
            whole = len(scales) == len(known)
            return first._replace(
                scale=max(scales) if whole else None,
                precision=max((kind.precision or 38) for kind in known),
                shown=any(kind.shown for kind in known),
                unsigned=all(kind.unsigned for kind in known),
            )
        return first if all(kind.values == first.values for kind in known) else TEXT
    if names <= {"integer", "decimal", "float"}:
        if "float" in names:
            return FLOAT
        exact = [kind.scale for kind in known if kind.scale is not None]
        return Kind(
            "decimal",
            max((kind.precision or 38) for kind in known),
            max(exact) if len(exact) == len(known) else None,
            any(kind.shown for kind in known),
        )
    if names == {"text", "literal"}:
        return TEXT
    if names == {"date", "literal"}:
        return DATE
    if names == {"stamp", "literal"}:
        return STAMP
    return UNKNOWN


COLLATIONS = {"mysql": "like_mysql", "tsql": "like_tsql"}
"""The sandbox's collation by which a dialect compares texts, where it is not by their bytes."""
