"""Questions as JSON lines: checked all at once, before a model is loaded."""

from __future__ import annotations

import codecs
import json
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import UserError, visible_line
from trainables.contract.json_values import (
    HALF_CHARACTER,
    KeyTwiceError,
    has_half_character,
    kind,
    object_of_pairs,
)

_QUESTION = ("question", "sql_prompt")
_CONTEXT = ("context", "sql_context")
_EXAMPLE = '{"question": "How many users are there?", "context": "CREATE TABLE users (id INT)"}'
_MOST_PROBLEMS = 10
_DECODER = json.JSONDecoder()


class QuestionsError(UserError):
    """Lines that are not questions, each with its number."""


@dataclass(frozen=True)
class Question:
    """A question about a database.

    Attributes:
        text: In plain words.
        context: SQL that builds the database, or None where the whole batch shares one.
        given: The line's own object, to be passed on with the answer.
    """

    text: str
    context: str | None
    given: dict[str, Any]


def read_lines(
    lines: Iterable[bytes], *, shared_context: bool, added: Collection[str] = ()
) -> list[Question]:
    """Reads one JSON object a line; blank lines are passed over.

    Args:
        lines: UTF-8, with `question` or `sql_prompt`, and `context` or `sql_context`.
        shared_context: Whether one schema holds for all lines, so that none may have its own.
        added: Keys that an answer adds to its line, which none may have: its value would be lost.

    Raises:
        QuestionsError: A line is no such object, or there is none.
    """
    given = list(lines)
    if given:
        given[0] = given[0].removeprefix(codecs.BOM_UTF8)
    questions, problems = [], []
    for number, line in enumerate(given, 1):
        if line.strip():
            try:
                questions.append(_question(line, shared_context, added))
            except ValueError as error:
                problems.append(f"Line {number} {error}.")
    if problems and (other := _layout(given)) is not None:
        raise QuestionsError(other)
    if problems:
        shown = problems[:_MOST_PROBLEMS]
        if len(problems) > len(shown):
            shown.append(f"And {len(problems) - len(shown)} more lines.")
        raise QuestionsError("\n".join([*shown, f"Each line is an object such as {_EXAMPLE}."]))
    if not questions:
        raise QuestionsError(
            f"There is no question; give it as the argument, or lines such as {_EXAMPLE} on"
            " standard input."
        )
    return questions


def check_text(text: str, what: str) -> None:
    """Refuses a text that no tokenizer can read.

    Args:
        text: As the user gave it.
        what: What it is, to begin a sentence.

    Raises:
        QuestionsError: It has half of a character, or what was no UTF-8 on a command line.
    """
    if has_half_character(text):
        raise QuestionsError(
            f"{what} is not UTF-8, or has half of a character (a lone surrogate); write it"
            " in UTF-8."
        )


def _no_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity, which Python reads and JSON has not


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)  # would be passed on as Infinity
    return value


def _question(line: bytes, shared_context: bool, added: Collection[str]) -> Question:
    try:
        given = json.loads(
            line.decode("utf-8"),
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=object_of_pairs,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error.msg} at column {error.colno})") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 (byte {error.start + 1})") from None
    except KeyTwiceError:
        raise
    except ValueError:  # of Python's own: a whole number of thousands of digits
        raise ValueError("is not JSON that can be passed on (NaN, or an endless number)") from None
    if not isinstance(given, dict):
        raise ValueError(f"is {kind(given)}, not an object")
    for name, value in given.items():
        if has_half_character(_written(name, value)):
            raise ValueError(f"{HALF_CHARACTER} {visible_line(name)}")
    if taken := [name for name in added if name in given]:
        raise ValueError(_already(taken))
    text, context = _text(given, _QUESTION), _text(given, _CONTEXT)
    if text is None:
        raise ValueError("has no question")
    if context is None and not shared_context:
        raise ValueError("has no context, and neither --context nor --database is given")
    if context is not None and shared_context:
        raise ValueError("has a context of its own, but --context or --database is given too")
    return Question(text, context, given)


def _already(taken: list[str]) -> str:
    keys, names = ("key", "it") if len(taken) == 1 else ("keys", "them")
    listed = ", ".join(f'"{name}"' for name in taken)
    without = ", ".join(f".{name}" for name in taken)
    return (
        f"has the {keys} {listed} already, which the answer adds and would write over: rename"
        f" {names}, or leave {names} out (`jq -c 'del({without})' FILE`)"
    )


def _written(name: str, value: Any) -> str:
    try:
        return json.dumps([name, value], ensure_ascii=False)
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _layout(lines: list[bytes]) -> str | None:
    """Returns what to do with JSON that stands on several lines, or in one list; else None."""
    try:
        text = b"".join(lines).decode("utf-8")
        value, end = _DECODER.raw_decode(text, len(text) - len(text.lstrip()))
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list) and not text[end:].strip():
        what, filter_ = "one JSON list", ".[]"
    elif isinstance(value, dict) and "\n" in text[:end].strip():
        what, filter_ = "JSON objects over several lines", "."
    else:
        return None
    return (
        f"Standard input has {what}, but each line must be an object of its own, such as"
        f" {_EXAMPLE}: `jq -c '{filter_}' FILE` writes it so."
    )


def _text(given: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """Returns the text under the first of the names that is there; None if none or blank."""
    for name in names:
        if name in given:
            value = given[name]
            if value is not None and not isinstance(value, str):
                raise ValueError(f'has as "{name}" {kind(value)}, not a text')
            return value if value and value.strip() else None
    return None
