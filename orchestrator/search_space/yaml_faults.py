"""What makes a text no YAML, in words: what stands where, and what mends it.

The parser names what it expected, which is seldom what was forgotten, and where it noticed, which
may be lines below: a bracket is missed where the next key begins.
"""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

_OPENS = {"sequence": ("[", "]"), "mapping": ("{", "}")}
_QUOTE = "put the text in quotes"
_A_KEY = re.compile(r"""\s*(?:- +)*(?:"[^"]*"|'[^']*'|[^\s"'{\[#][^#]*?):\s""")
"""How a line begins that has a key with its colon."""


def fault(error: YAMLError, text: str) -> tuple[int | None, str]:
    """Returns the line of a fault, counted from 0, and what it is.

    Args:
        error: The parser's.
        text: What was parsed.
    """
    if isinstance(error, ReaderError):
        return _no_character(error, text)
    if not isinstance(error, MarkedYAMLError):
        return None, str(error).splitlines()[0]
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return None, _said(error)
    lines = text.split("\n")
    context, problem = error.context or "", error.problem or ""
    begun = mark if error.context_mark is None else error.context_mark
    before = lines[mark.line][: mark.column] if mark.line < len(lines) else ""
    if "quoted scalar" in context and problem.startswith("found unexpected"):
        quote = text[begun.index : begun.index + 1]
        return begun.line, f"the text that begins with {quote} has no {quote} at its end"
    if flow := re.fullmatch(r"while parsing a flow (sequence|mapping)", context):
        opened, closed = _OPENS[flow[1]]
        if mark.line == begun.line:
            words = f"after {opened} a comma or {closed} is missing before {_found(problem)}"
        else:
            words = f"{opened} is not closed by {closed}, or a comma is missing after a value"
        return begun.line, words
    if problem == "could not find expected ':'":
        return begun.line, "a key has no colon with a blank after it (`key: value`)"
    return mark.line, _at(problem, context, before, _found(problem)) or _said(error)


def _at(problem: str, context: str, before: str, found: str) -> str | None:
    """Returns what is wrong at the place that the parser names; None where it says so itself.

    Args:
        problem: In the parser's words.
        context: Likewise.
        before: The line up to the place.
        found: What stands there.
    """
    if "cannot start any token" in problem:
        if "\\t" in problem:
            return "a tab stands where only blanks may; indent and separate with blanks"
        return f"a value cannot begin with {found}; {_QUOTE}"
    if context in ("while scanning an anchor", "while scanning an alias"):
        return f"a value cannot begin with {'&' if 'anchor' in context else '*'}; {_QUOTE}"
    if problem == "mapping values are not allowed here":
        if _A_KEY.match(before):
            return f"a second colon with a blank after it in one line; {_QUOTE}, or break the line"
        return (
            "a key stands within the value before it; check that the line before has a colon with a"
            " blank after it, and that keys of one group begin in one column"
        )
    if problem.startswith("expected '<document start>'"):
        return f"a line above begins with %, as a directive of YAML does; {_QUOTE}"
    if problem == "sequence entries are not allowed here":
        return "a value of a list (`- value`) begins in a line of its own"
    if problem.startswith("found unknown escape character") or "escape sequence" in problem:
        return "in double quotes a backslash is written twice; or use single quotes"
    if problem.startswith("expected the node content"):
        return f"a value is missing before {found}"
    if not problem.startswith("expected <block end>"):
        return None
    if found in "]}":
        return f"there is no open {'[' if found == ']' else '{'} that {found} closes"
    last = before.rstrip()[-1:]
    if found == "a text" and last in ("'", '"'):
        mark = "''" if last == "'" else '\\"'
        return f"a text goes on after the {last} that ends it; within it write {mark}"
    if found == "a text" and last in ("]", "}"):
        return f"a text follows the {last} that ends the value before it"
    return f"{found} is not indented as what it belongs to; keys of one group begin in one column"


_TOKENS = {
    "<scalar>": "a text",
    "<stream end>": "the end",
    "<block mapping start>": "a key",
    "<block sequence start>": "a value of a list",
    "?": "a key",
    "-": "a value of a list",
}


def _found(problem: str) -> str:
    """Returns what the parser found, without its own names for it."""
    named = re.search(r"(?:found|got)(?: character)? '(.+?)'(?: that|$)", problem)
    return _TOKENS.get(named[1], named[1]) if named else "that"


def _said(error: MarkedYAMLError) -> str:
    return " ".join(filter(None, (error.context, error.problem)))


def _no_character(error: ReaderError, text: str) -> tuple[int | None, str]:
    if not isinstance(error.character, int):
        return None, str(error).splitlines()[0]
    at = text.find(chr(error.character))
    line = text.count("\n", 0, at) if at >= 0 else None
    return line, f"it holds the character U+{error.character:04X}, which no YAML may; remove it"
