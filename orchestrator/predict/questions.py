"""Questions as JSON lines: checked all at once, before a model is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import UserError

_QUESTION = ("question", "sql_prompt")
_CONTEXT = ("context", "sql_context")
_EXAMPLE = '{"question": "How many users are there?", "context": "CREATE TABLE users (id INT)"}'
_MOST_PROBLEMS = 10


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


def read_lines(lines: Iterable[bytes], *, shared_context: bool) -> list[Question]:
    """Reads one JSON object a line; blank lines are passed over.

    Args:
        lines: UTF-8, with `question` or `sql_prompt`, and `context` or `sql_context`.
        shared_context: Whether one schema holds for all lines, so that none may have its own.

    Raises:
        QuestionsError: A line is no such object, or there is none.
    """
    questions, problems = [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                questions.append(_question(line, shared_context))
            except ValueError as error:
                problems.append(f"Line {number} {error}.")
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


def _no_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity, which Python reads and JSON has not


def _question(line: bytes, shared_context: bool) -> Question:
    try:
        given = json.loads(line, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error.msg} at column {error.colno})") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 (byte {error.start + 1})") from None
    except ValueError:  # of Python's own: a whole number of thousands of digits
        raise ValueError("is not JSON that can be passed on (NaN, or an endless number)") from None
    if not isinstance(given, dict):
        raise ValueError(f"is {_kind(given)}, not an object")
    text, context = _text(given, _QUESTION), _text(given, _CONTEXT)
    if text is None:
        raise ValueError("has no question")
    if context is None and not shared_context:
        raise ValueError("has no context, and neither --context nor --database is given")
    if context is not None and shared_context:
        raise ValueError("has a context of its own, but --context or --database is given too")
    return Question(text, context, given)


def _text(given: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """Returns the text under the first of the names that is there; None if none or blank."""
    for name in names:
        if name in given:
            value = given[name]
            if value is not None and not isinstance(value, str):
                raise ValueError(f'has as "{name}" {_kind(value)}, not a text')
            return value if value and value.strip() else None
    return None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")
