"""Texts from outside as Markdown that shows them: no markup, HTML, link or row of a table in them.

What has a meaning in CommonMark or in GitHub's extensions of it is escaped; source:
https://spec.commonmark.org/0.31.2/#backslash-escapes and https://github.github.com/gfm/.
"""

from __future__ import annotations

import re

from trainables.contract.visible import visible_line
from trainables.contract.yaml_texts import in_quotes

_MEANS_SOMETHING = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINKED = (("://", "&#58;//"), ("@", "&#64;"), ("www.", "www&#46;"))
"""What GitHub makes a link of without any brackets: addresses of pages and of mail."""
_BEGINS_A_BLOCK = re.compile(r"^(\s*)([-#=:]|\+(?=\s|$)|\d+(?=[.)](?:\s|$)))")
_WORDS = re.compile(r"[\w./:+=, ~-]+")
_REPOSITORY = re.compile(r"[A-Za-z][\w.-]*/[\w.-]+")


def markdown(text: object) -> str:
    """Returns a value as one line of Markdown that shows its text; also right in a table's cell."""
    line = visible_line(str(text))
    line = "".join(_ENTITIES.get(character, character) for character in line)
    line = _MEANS_SOMETHING.sub(lambda found: "\\" + found[0], line)
    for linked, broken in _LINKED:
        line = re.sub(re.escape(linked), broken, line, flags=re.IGNORECASE)
    return _BEGINS_A_BLOCK.sub(_as_text, line)


def code(text: object) -> str:
    """Returns a name or path as code; one with characters that code cannot hold, as plain text."""
    line = str(text)
    return f"`{line}`" if _WORDS.fullmatch(line) and line == line.strip() else markdown(line)


def yaml_text(text: str) -> str:
    """Returns a name as a value of a card's YAML header, in quotes but for a repository's."""
    return text if _REPOSITORY.fullmatch(text) else in_quotes(text)


def _as_text(found: re.Match[str]) -> str:
    space, first = found[1], found[2]
    return f"{space}{first}\\" if first.isdecimal() else f"{space}\\{first}"
