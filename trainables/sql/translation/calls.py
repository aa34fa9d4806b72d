"""A call of a function as the rules of the dialects see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from trainables.sql.translation import vocabulary
from trainables.sql.translation.arithmetic import as_text
from trainables.sql.translation.dates import as_moment
from trainables.sql.translation.kinds import Kind, NotKnown, NotSpoken, Said
from trainables.sql.translation.reading import Reading, Scope

Rule = Callable[["Call"], Said]


@dataclass
class Call:
    """A call of a function.

    Attributes:
        reading: Of the text that it stands in.
        name: In upper case.
        nodes: Its arguments, as parsed.
        scope: What they can name.
        is_over: Whether OVER follows.
    """

    reading: Reading
    name: str
    nodes: list[exp.Expr]
    scope: Scope
    is_over: bool = False

    def values(self, form: str) -> list[Said]:
        """Returns the arguments, checked against a form of one letter each.

        Args:
            form: t (text), n (number), i (integer), m (moment), a (any); the arguments after `?`
                may be left out, and the letter before `*` may come again and again.

        Raises:
            NotSpoken: The function does not take so many.
            NotKnown: The dialect converts one of them in a way of its own.
        """
        needed, _, rest = form.partition("?")
        many = form.endswith("*")
        letters = (needed + rest).removesuffix("*")
        if len(self.nodes) < len(needed.removesuffix("*")) or (
            len(self.nodes) > len(letters) and not many
        ):
            if len(letters) < len(self.nodes) <= vocabulary.most(self.reading.dialect, self.name):
                raise NotKnown(f"{self.name} of {len(self.nodes)} arguments")
            raise NotSpoken(f"{self.name} of {len(self.nodes)} arguments")
        letters = letters.ljust(len(self.nodes), letters[-1:] or "a")
        said = self.reading.expressions(self.nodes, self.scope)
        return [self._checked(value, letter) for value, letter in zip(said, letters, strict=False)]

    def _checked(self, value: Said, letter: str) -> Said:
        name = value.kind.name
        if letter == "a" or name in ("unknown", "null"):
            return value
        if letter == "t":
            return as_text(self.reading, value)
        if letter == "m":
            return as_moment(self.reading, value)
        wanted = ("integer",) if letter == "i" else ("integer", "decimal", "float")
        if name in wanted:
            return value
        if self.reading.is_of("postgres") and not (name == "literal"):
            raise NotSpoken(f"{self.name} of a {name}")
        raise NotKnown(f"{self.name} of a {name}")


def call(form: str, kind: Kind, function: str, *more: str) -> Rule:
    """A function that is one of the sandbox's or SQLite's, with some more arguments at the end."""

    def rule(given: Call) -> Said:
        values = [value.sql for value in given.values(form)]
        return Said(given.reading.call(function, *values, *more), kind)

    return rule


def template(form: str, kind: Kind, text: str) -> Rule:
    """A function that is an expression of its arguments."""

    def rule(given: Call) -> Said:
        values = [value.sql for value in given.values(form)]
        return Said(text.format(*values), kind)

    return rule


def constant(value: Said) -> Rule:
    """A function without arguments."""

    def rule(given: Call) -> Said:
        given.values("")
        return value

    return rule
