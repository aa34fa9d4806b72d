"""Which pieces of a statement its syntax tree shows to be optional, and what stands for them.

A tree knows less than its text: sqlglot reads different functions as one, drops formats and
clauses. So nothing is ever written from a tree. It only points at pieces of the text, by the
offsets of the identifiers in it; every piece that nobody has pointed at counts as it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from sqlglot import exp

from trainables.sql.pieces.keywords import MEANINGFUL, UNITS
from trainables.sql.pieces.lexical import Piece, lower, plain


class Misaligned(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """Tree and pieces do not agree on where an identifier stands."""


class Edits:
    """The pieces of a text with what counts in their place.

    Attributes:
        words: How often each word or quoted name stands in the text, in lower case.
        qualifiers: Those of them that a full stop follows.
        of_another_dialect: Whether the text is known not to be SQLite's. Then a name in quotes is
            not surely the name without, and more words are reserved.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._at = {piece.start: place for place, piece in enumerate(pieces)}
        self._counts: list[str | range | None] = [plain(piece) for piece in pieces]
        self.of_another_dialect = False
        self.words = Counter(name for piece in pieces if (name := name_of(piece)) is not None)
        self.qualifiers = {
            name
            for piece, following in pairwise(pieces)
            if following.text == "." and (name := name_of(piece)) is not None
        }

    def __len__(self) -> int:
        return len(self._pieces)

    def place(self, identifier: exp.Expr) -> int:
        """Returns which piece an identifier is.

        Raises:
            Misaligned: None is, or one with another name.
        """
        place = self._at.get(identifier.meta.get("start", -1), -1)
        if place < 0 or name_of(self._pieces[place]) != lower(identifier.name):
            raise Misaligned(identifier.name)
        return place

    def piece(self, place: int) -> Piece:
        """Returns a piece as it stands in the text; an empty one outside of it."""
        return self._pieces[place] if 0 <= place < len(self._pieces) else _NOTHING

    def word(self, place: int) -> str:
        """Returns a word in lower case, or a sign; "" for anything else and outside of the text."""
        piece = self.piece(place)
        return plain(piece) if piece.kind in ("word", "sign") else ""

    def replace(self, place: int, counts: str | range) -> None:
        """Lets something else count there: a text, or what counts at a range of other places."""
        self._counts[place] = counts

    def drop(self, place: int) -> None:
        """Lets nothing count there."""
        self._counts[place] = None

    def result(self) -> tuple[str, ...]:
        """Returns what counts, in order."""
        return tuple(self._from(range(len(self._counts))))

    def _from(self, places: range) -> Iterator[str]:
        for place in places:
            counts = self._counts[place]
            if isinstance(counts, range):
                # What stands there holds no range itself: only a use of a name is replaced by one.
                yield from (c for p in counts if isinstance(c := self._counts[p], str))
            elif counts is not None:
                yield counts


def is_plain_name(column: exp.Expr) -> bool:
    """Tells whether a column's name can stand alone: no word of a dialect, collation or unit."""
    name, parent = lower(column.name), column.parent
    if name in MEANINGFUL or isinstance(parent, exp.Collate):
        return False
    return name not in UNITS or not isinstance(parent, exp.Func)


_NOTHING = Piece("", "", -1)


def name_of(piece: Piece) -> str | None:
    """Returns a word in lower case, a quoted name without its quotes too; None for other pieces."""
    if piece.kind == "word":
        return lower(piece.text)
    if piece.kind == "name" or (piece.kind == "literal" and piece.text[0] == "'"):
        quote = "]" if piece.text[0] == "[" else piece.text[0]
        return lower(piece.text[1:].removesuffix(quote).replace(quote * 2, quote))
    return None
