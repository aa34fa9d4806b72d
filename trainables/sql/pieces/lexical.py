"""SQL text cut into pieces: words, names in quotes, literals, numbers and signs, as SQLite does.

Nothing is lost but white space and comments, so that two texts with equal pieces are one statement.
Where dialects do not agree on where a piece ends, a text is one piece; in lower case if nothing in
it is in quotes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trainables.sql.sandbox.tokens import COMMENT, LETTER, LITERAL, NAME, SPACE

_WORD = rf"{LETTER}0-9$"
_PIECE = re.compile(
    rf"""
      (?P<space> {SPACE} )
    | (?P<comment> {COMMENT} )
      # With a prefix: x'6A', N'text', _utf8'text'.
    | (?P<literal> (?:[A-Za-z]|_[{_WORD}]+)? {LITERAL} )
    | (?P<word> [{LETTER}][{_WORD}]* )
    | (?P<name> {NAME} )
      # With the letters that no dialect takes for a number's: 1abc is no number and no alias.
    | (?P<number> (?:[0-9]|\.[0-9]) (?:[eE][+-](?=[0-9])|[.{_WORD}])* )
    | (?P<parameter> (?:[@:?]|(?<!:):)[{_WORD}]+ | \$[{_WORD}]*\$? )
    | (?P<sign> ->>|->|<<|>>|<=>|<>|<=|>=|!=|==|\|\||&&|::|:=|!?~~?\*?|@>|<@|. )
    """,
    re.VERBOSE | re.DOTALL,
)
_SECOND_WORDS = frozenset(["by", "key", "sets", "varying", "precision", "to", "of", "integer"])
"""Of ORDER BY and others, which sqlglot reads as one word, and not at all with a comment inside."""

_QUOTE = re.compile(r"['\"`\[$]")
_AROUND = " \t\n\f\r;"


class Piece(NamedTuple):
    """One piece of a text.

    Attributes:
        kind: "word", "name" (in quotes of any kind but '), "literal", "number", "parameter", "sign"
            or "text" (a whole text that dialects cut differently).
        text: As it stands there.
        start: Its offset in the text, in characters.
    """

    kind: str
    text: str
    start: int


def pieces(text: str) -> list[Piece]:
    """Returns the pieces of a text in order, without semicolons at its beginning and end."""
    found: list[Piece] = []
    after_comment = False
    for match in _PIECE.finditer(text):
        kind, piece = match.lastgroup or "", match.group()
        is_second = after_comment and kind == "word" and lower(piece) in _SECOND_WORDS
        after_comment = kind == "comment" or (after_comment and kind == "space")
        if is_second or _is_cut_differently(kind, piece):
            whole = text.strip(_AROUND)
            return [Piece("text", whole if _QUOTE.search(whole) else lower(whole), 0)]
        if kind not in ("space", "comment") and (found or piece != ";"):
            found.append(Piece(kind, piece, match.start()))
    while found and found[-1].text == ";":
        found.pop()
    return found


def _is_cut_differently(kind: str, piece: str) -> bool:
    if kind == "literal" or kind == "name":
        # MySQL: a backslash escapes the quote after it.
        return "\\" in piece
    if kind == "comment":
        if piece.startswith("--"):
            # MySQL: minus minus, without a space after it.
            return piece[2:3] not in ("", " ", "\t", "\r", "-")
        # MySQL runs the first, Oracle obeys the second, PostgreSQL nests the third.
        return piece.startswith(("/*!", "/*+")) or "/*" in piece[2:]
    # Comments in MySQL; strings in PostgreSQL.
    return piece in ("#", "\\") or (kind == "parameter" and piece[0] == "$" and piece[-1] == "$")


def plain(piece: Piece) -> str:
    """Returns a piece as it counts where nothing more is known: words in lower case.

    SQLite takes only the letters of ASCII for the same in both cases.
    """
    if piece.kind == "word":
        return lower(piece.text)
    return "<>" if piece.text == "!=" else piece.text


def lower(text: str) -> str:
    """Returns a text with the letters of ASCII in lower case."""
    return text.lower() if text.isascii() else "".join(c.lower() if c < "\x80" else c for c in text)
