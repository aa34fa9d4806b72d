"""SQL text cut into the tokens that SQLite reads. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# A vertical tab goes on with a space, and begins none.
SPACE = r"[ \t\n\f\r][ \t\n\f\r\v]*"
# At the very end /* begins none.
COMMENT = r"--[^\n]* | /\*(?!\Z).*?(?:\*/|\Z)"
LETTER = r"A-Za-z_\x80-\U0010ffff"
"""What begins a word: every character beyond ASCII does."""
LITERAL = r"'(?:[^']|'')*(?:'|\Z)"
NAME = r"""
    "(?:[^"]|"")*(?:"|\Z) | `(?:[^`]|``)*(?:`|\Z) | \[[^\]]*(?:\]|\Z)
"""
"""Patterns of SQLite's tokenizer, for `re.VERBOSE | re.DOTALL`.

Source: https://www.sqlite.org/lang_keywords.html and tokenize.c of SQLite, for what is white space
(five characters), what a word may hold and how comments end.
"""

PIECE = re.compile(
    rf"""
      (?P<text>{LITERAL})
    | (?P<name>{NAME})
    | (?P<comment>{COMMENT})
    | (?P<word>[{LETTER}][{LETTER}0-9$]*)
    | (?P<number>\.?[0-9][{LETTER}0-9$.]*(?:(?<=[eE])[+-][0-9]+)?)
    | (?P<space>{SPACE})
    | (?P<symbol>->>|->|<>|<=|>=|<<|>>|!=|==|\|\||.)
    """,
    re.VERBOSE | re.DOTALL,
)
"""One token, comment or stretch of space."""
_ONE_SPELLING = {"<>": "!=", "==": "="}


class Token(NamedTuple):
    """A literal, name, word, number or symbol of a text.

    Attributes:
        kind: "text" (a literal in single quotes), "name" (a name in quotes of any other kind),
            "word", "number" or "symbol".
        text: The characters, quotes included; a word in lower case.
        start: Where it starts in the text.
        end: Where it ends.
        depth: How many parentheses it stands in; a parenthesis stands outside of itself.
    """

    kind: str
    text: str
    start: int
    end: int
    depth: int


def tokens(text: str) -> list[Token]:
    """Returns the tokens of a text without comments and spaces; `x'00'` is a word and a literal."""
    found: list[Token] = []
    depth = 0
    for piece in PIECE.finditer(text):
        kind, content = piece.lastgroup or "", piece.group()
        if kind in ("comment", "space"):
            continue
        if content == ")":
            depth -= 1
        if kind in ("word", "number"):
            content = content.lower()
        found.append(Token(kind, content, piece.start(), piece.end(), depth))
        if content == "(":
            depth += 1
    return found


def split_at_commas(piece: Sequence[Token]) -> list[list[Token]]:
    """Returns the parts between the commas that stand in no more parentheses than the first token.

    No tokens are one part without tokens.
    """
    parts: list[list[Token]] = [[]]
    for token in piece:
        if token.text == "," and token.depth == piece[0].depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def without_parentheses(piece: Sequence[Token]) -> Sequence[Token]:
    """Returns what stands in the parentheses around the whole of an expression."""
    while (
        len(piece) > 1
        and piece[0].text == "("
        and piece[-1].text == ")"
        and all(token.depth > piece[0].depth for token in piece[1:-1])
    ):
        piece = piece[1:-1]
    return piece


def unquoted(token: Token) -> str:
    """Returns the name that a token stands for, in lower case: SQLite's names have no case."""
    if token.kind != "name":
        return token.text.lower()
    quote = token.text[0]
    return token.text[1:-1].replace(quote * 2, quote).lower()


def normal_form(piece: Sequence[Token], qualifier: str = "") -> str:
    """Returns an expression or definition in the one spelling that all that mean it alike share.

    Case, spaces, comments, the quotes of names and the parentheses around the whole do not count;
    neither does `qualifier`, the table that all columns are of. Literals count to the letter. What
    means the same by the rules of algebra (`a > 1` and `1 < a`) keeps its two spellings.
    """
    piece = without_parentheses(piece)
    said: list[str] = []
    for token in piece:
        if qualifier and token.text == "." and said and said[-1] == qualifier:
            said.pop()
        elif token.kind in ("word", "name"):
            said.append(unquoted(token))
        else:
            said.append(_ONE_SPELLING.get(token.text, token.text))
    return " ".join(said)


def same_text(first: str, second: str) -> bool:
    """Tells whether two texts are one but for case, spaces, comments and idle semicolons.

    What stands in quotes of any kind counts to the letter.
    """
    return _letters(first) == _letters(second)


def _letters(text: str) -> list[str]:
    said = [token.text for token in tokens(text)]
    # An empty statement is none, at the end as in between.
    said = [text for i, text in enumerate(said) if text != ";" or (i and said[i - 1] != ";")]
    return said[:-1] if said and said[-1] == ";" else said
