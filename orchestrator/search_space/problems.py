"""What is wrong with a search space file: all of it, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.errors import UserError, nearest, visible_line

MOST_PROBLEMS = 100
"""Told of one list or one file; whoever has made more is helped by these."""


@dataclass(frozen=True)
class Problem:
    """One mistake of the user, in one line.

    Attributes:
        place: The file as it was named on the command line, or the option ("--set trials=x").
        line: Line in the file, from 1; None for an option or for the file as a whole.
        message: The dotted key, the value, the rule and the remedy.
    """

    place: str
    line: int | None
    message: str

    def __str__(self) -> str:
        """The line that is printed: `rank.yaml:14: space.technique.lora.rnak: ...`."""
        where = self.place if self.line is None else f"{self.place}:{self.line}"
        return visible_line(f"{where}: {self.message}")


class SpecError(UserError):
    """The search space file, or an option that changes it, is wrong.

    Attributes:
        problems: Every problem found, in the order of the file; at least one.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = dict.fromkeys(problems)
        self.problems: tuple[Problem, ...] = tuple(
            sorted(unique, key=lambda problem: (problem.line is None, problem.line or 0))
        )
        lines = [str(problem) for problem in self.problems[:MOST_PROBLEMS]]
        if len(self.problems) > MOST_PROBLEMS:
            lines.append(f"... and {len(self.problems) - MOST_PROBLEMS:,} more like these.")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Problem, ...]]]:
        """Pickles the problems, from which the text follows."""
        return type(self), (self.problems,)


def unknown(what: str, name: str, valid: Sequence[str]) -> str:
    """Says that a name is not known, with the nearest valid one, or all if none is near.

    Args:
        what: The kind of name: "key", "parameter", "technique".
        name: What the user wrote.
        valid: Every name that would have done.
    """
    if name.isdecimal():
        return f"unknown {what} {show(name)}; a comma ends a value: write a number without one"
    close = nearest(name, valid)
    remedy = f'did you mean "{close}"?' if close else f"valid are {', '.join(valid)}"
    return f"unknown {what} {show(name)}; {remedy}"


def show(value: object) -> str:
    """Returns a value as the user would write it in YAML, short enough for one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            text = visible_line(value)
            return f'"{text if len(text) <= 60 else text[:57] + "..."}"'
        case dict():
            names = ", ".join(map(str, value))
            short = names if len(names) <= 60 else names[:57] + "..."
            return f"a group of keys ({short})" if value else "an empty group"
        case list() | tuple():
            return f"a list of {len(value)}" if value else "an empty list"
        case int() if abs(value) >= 10**18:
            digits = str(abs(value))
            return f"{'-' if value < 0 else ''}{digits[:6]}... ({len(digits)} digits)"
        case _:
            return str(value)
