r"""Carries SQL through a tokenizer without loss.

T5's vocabulary has no `<`, `{`, `}`, `~`, `^`, `\`, backtick or line break: `x <= 3` is trained,
generated and scored as `x = 3`. Targets are therefore written with stand-ins that the vocabulary
does have, each one token: `x <= 3` becomes `x «= 3`. What has no stand-in, and a stand-in that
occurs literally, is written as an escape, `®` + the code point in hexadecimal + `;`. Text without
such characters is unchanged, so ordinary SQL costs not one token more, and a tokenizer that knows
all characters is left alone.

The mapping is a pure function of the tokenizer, found by trying each character, so a checkpoint
needs nothing beside its tokenizer to be decoded. Prompts go through the same mapping after their
white space is collapsed (which the tokenizer would do anyway, without a token for it).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from trainables.families.framing import Framing, TokenIds, of_tokenizer

# What stands in for what. Each is one token in T5's vocabulary, and rare in SQL.
_STAND_INS = {
    "<": "«",
    ">": "»",
    "\n": "•",
    "`": "\u2018",
    "\\": "„",
    "{": "“",
    "}": "”",
    "^": "\u2032",
    "~": "\u2013",
    " ": "—",  # only a space that the tokenizer would drop: a second one, or one at either end
}
_ESCAPE_MARKS = "®§¤°@$#?!"


class SqlTokens:
    """Encodes text to token ids and back for one tokenizer.

    Args:
        tokenizer: A tokenizer of `transformers`, with an end-of-sequence token.
        framing: What its model's family puts around texts; None for what the tokenizer itself does.

    Attributes:
        tokenizer: The same.
        framing: The same.

    Raises:
        ValueError: The tokenizer has no end token, or its vocabulary no character that could mark
            an escape.
    """

    def __init__(self, tokenizer: Any, framing: Framing | None = None) -> None:
        self.tokenizer = tokenizer
        self.framing = of_tokenizer(tokenizer) if framing is None else framing
        self._known: dict[str, bool] = {}
        missing = [c for c in map(chr, range(128)) if c != " " and not self._survives(c)]
        self._stand_ins = {
            original: stand_in
            for original, stand_in in _STAND_INS.items()
            if (original in missing or original == " ") and self._survives(stand_in)
        }
        self._originals = {stand_in: original for original, stand_in in self._stand_ins.items()}
        self._mark = next((c for c in _ESCAPE_MARKS if self._survives(c)), "")
        if not self._mark:
            raise ValueError(
                f"The tokenizer {getattr(tokenizer, 'name_or_path', '')!r} keeps none of the "
                f"characters {_ESCAPE_MARKS}, one of which must mark an escape; use another base "
                "model."
            )
        specials = sorted(set(tokenizer.get_added_vocab()) | set(tokenizer.all_special_tokens))
        characters = re.escape("".join(missing) + self._mark + "".join(self._originals))
        self._trouble = re.compile(
            "|".join(
                [
                    *(f"(?={re.escape(special)})." for special in specials),
                    r"(?<= ) |\A | \Z",
                    f"[{characters}]",
                    "[^\x00-\x7f]",
                ]
            ),
            re.DOTALL,
        )
        self._encoded = re.compile(
            f"[{re.escape(''.join(self._originals))}]|{re.escape(self._mark)}([0-9a-f]{{1,6}});"
            if self._originals
            else f"{re.escape(self._mark)}([0-9a-f]{{1,6}});"
        )

    def encode(self, text: str) -> str:
        """Returns `text` written so that the tokenizer keeps all of it; `decode` is the inverse."""
        encoded = self._trouble.sub(lambda match: self._write(match.group()), text)
        if not text.isascii() and self._round_trip(encoded) != encoded:
            # Characters that survive alone may still combine (a letter and its accent): spell them
            # all.
            return self._trouble.sub(
                lambda match: self._write(match.group(), spell=not match.group().isascii()), text
            )
        return encoded

    def decode(self, text: str) -> str:
        """Returns the original of `encode`'s text; malformed escapes stay as they are."""
        return self._encoded.sub(self._read, text)

    def prompt_ids(self, texts: Sequence[str], limit: int | None = None) -> list[TokenIds]:
        """Encodes prompts to rows of token ids; one that was cut still ends as prompts do.

        Args:
            texts: Plain texts, not yet encoded.
            limit: At most so many tokens of each, all of its frame included; None for no limit.
        """
        if not texts:
            return []
        rows = self.framing.prompts(self.tokenizer, [self.encode(text) for text in texts])
        return self.cut_prompts(rows, limit)

    def statement_ids(self, texts: Sequence[str], limit: int | None = None) -> list[TokenIds]:
        """Encodes statements to rows of token ids; one that was cut has no end token.

        Args:
            texts: Plain texts, not yet encoded.
            limit: At most so many tokens of each, the end token included; None for no limit.
        """
        if not texts:
            return []
        rows = self.framing.statements(self.tokenizer, [self.encode(text) for text in texts])
        return self.cut_statements(rows, limit)

    def cut_prompts(self, rows: Sequence[TokenIds], limit: int | None) -> list[TokenIds]:
        """Returns prompts without what is beyond a limit; see `prompt_ids`."""
        return [row if limit is None else self.framing.cut_prompt(row, limit) for row in rows]

    def cut_statements(self, rows: Sequence[TokenIds], limit: int | None) -> list[TokenIds]:
        """Returns statements without what is beyond a limit; see `statement_ids`."""
        return [row if limit is None else self.framing.cut_statement(row, limit) for row in rows]

    def texts(self, token_ids: Iterable[Sequence[int] | TokenIds]) -> list[str]:
        """Returns the texts of rows of token ids, without special tokens."""
        plain = self.tokenizer.batch_decode(
            [list(ids) for ids in token_ids],
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,  # it would turn "a , b" into "a, b"
        )
        return [self.decode(text) for text in plain]

    def _write(self, found: str, *, spell: bool = False) -> str:
        if not spell:
            if found in self._stand_ins:
                return self._stand_ins[found]
            reserved = found in self._originals or found == self._mark
            if not (reserved or found.isascii()) and self._survives(found):
                return found
        return f"{self._mark}{ord(found):x};"

    def _read(self, match: re.Match[str]) -> str:
        if match.group() in self._originals:
            return self._originals[match.group()]
        code_point = int(match.group(1), 16)
        return chr(code_point) if code_point <= 0x10FFFF else match.group()

    def _survives(self, character: str) -> bool:
        if character not in self._known:
            # Alone, inside and at the ends of words: a vocabulary may hold it in some places only.
            probe = f"{character} a{character}b {character}a a{character} {character}"
            self._known[character] = (
                unicodedata.category(character) not in ("Cs", "Mn", "Mc", "Me")
                and self._round_trip(probe) == probe
            )
        return self._known[character]

    def _round_trip(self, text: str) -> str:
        ids = self.tokenizer(text, add_special_tokens=True)["input_ids"]
        decoded = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(decoded)


def collapse_white_space(text: str) -> str:
    """Returns `text` with each run of white space as one space, and none at either end."""
    return " ".join(text.split())
