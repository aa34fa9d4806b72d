"""What a technique says of one of its parameters: type, range, default and consequences.

Standard library only, so that a search space is checked without loading torch.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from trainables.contract.configuration import Scalar
from trainables.contract.spelled_numbers import advice

_KIND_NAMES = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a technique.

    Attributes:
        name: As written in a search space file.
        kind: The type of its values; a float also takes whole numbers, nothing else converts.
        default: Its value when the file does not say; None if it follows from other parameters.
        description: What it does, its unit, and what a higher value brings and costs.
        minimum: Smallest value, itself allowed unless `exclusive_minimum`.
        maximum: Largest value, itself allowed unless `exclusive_maximum`.
        exclusive_minimum: Values must be above `minimum`.
        exclusive_maximum: Values must be below `maximum`.
        choices: If not empty, the only values.
        items: If not empty, the value is a comma-separated list of distinct names among these, or
            one of `choices`.
        other_items: What names beside `items` look like, a regular expression; "" if there are
            none. Whether the base model has them is checked where it is known.
        default_from: Another parameter and a factor: the default is so many times its value.
        at_most: Another parameter, to whose value this one's is cut, and which is its default.
    """

    name: str
    kind: type[int] | type[float] | type[str] | type[bool]
    default: Scalar
    description: str
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    choices: tuple[Scalar, ...] = ()
    items: tuple[str, ...] = ()
    other_items: str = ""
    default_from: tuple[str, int] | None = None
    at_most: str = ""

    def check(self, value: object) -> str | None:
        """Says what is wrong with a value.

        Args:
            value: The value as parsed; None only stands for a default of None.

        Returns:
            The problem, to be read after the parameter's name ("is 0, but must be >= 1"), or None.
        """
        if value is None and self.default is None:
            return None
        if not self._has_kind(value):
            rule = _KIND_NAMES[self.kind]
            if self.kind in (int, float) and isinstance(value, str):
                rule += advice(value, whole=self.kind is int)
            return f"is {_as_written(value)}, but must be {rule}"
        if isinstance(value, float) and not math.isfinite(value):
            return f"is {value}, but must be finite"
        if self.items:
            return self._check_items(str(value))
        if self.choices and value not in self.choices:
            return (
                f"is {_as_written(value)}, but must be one of {', '.join(map(str, self.choices))}"
            )
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._check_range(value)
        return None

    def settle(self, value: Scalar, others: Mapping[str, Scalar]) -> Scalar:
        """Returns the value that a trial uses: the default for None, in the parameter's type.

        Args:
            value: The value that was given; None for the default.
            others: The technique's parameters by name, of those this one follows the settled value.
        """
        if value is None:
            value = self.default
        if value is None and self.default_from is not None:
            other, factor = self.default_from
            return factor * _number(others[other])
        if self.at_most:
            most = _number(others[self.at_most])
            return most if value is None else min(_number(value), most)
        return float(value) if self.kind is float and isinstance(value, int) else value

    def _has_kind(self, value: object) -> bool:
        if isinstance(value, bool):  # a bool is an int to Python, not to a person
            return self.kind is bool
        if self.kind is float:
            return isinstance(value, (int, float))
        return isinstance(value, self.kind)

    def _check_range(self, value: float) -> str | None:
        if self.minimum is not None:
            below = value <= self.minimum if self.exclusive_minimum else value < self.minimum
            if below:
                rule = ">" if self.exclusive_minimum else ">="
                return f"is {value}, but must be {rule} {self.minimum:g}"
        if self.maximum is not None:
            above = value >= self.maximum if self.exclusive_maximum else value > self.maximum
            if above:
                rule = "<" if self.exclusive_maximum else "<="
                return f"is {value}, but must be {rule} {self.maximum:g}"
        return None

    def _check_items(self, value: str) -> str | None:
        if value in self.choices:
            return None
        names = split(value)
        unknown = [name for name in names if not self._is_item(name)]
        if unknown or not names:
            alternatives = "".join(f', or "{choice}"' for choice in self.choices)
            if self.other_items:
                alternatives += ", or names of the base model's own"
            return (
                f'is "{value}", but must be a comma-separated list of '
                f"{', '.join(self.items)}{alternatives}"
            )
        if len(set(names)) < len(names):
            return f'is "{value}", but must name each layer once'
        return None

    def _is_item(self, name: str) -> bool:
        if name in self.items:
            return True
        return bool(self.other_items) and re.fullmatch(self.other_items, name) is not None


def by_name(*parameters: Parameter) -> dict[str, Parameter]:
    """Returns parameters by their names, in their order."""
    return {parameter.name: parameter for parameter in parameters}


def split(names: str) -> tuple[str, ...]:
    """Returns the names of a comma-separated list, without surrounding blanks."""
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _number(value: Scalar) -> int | float:
    assert isinstance(value, int | float)  # the parameter's kind, which `check` has checked
    return value


def _as_written(value: object) -> str:
    """Returns a value as a search space file has it: null, true, "8"."""
    return json.dumps(value, ensure_ascii=False, default=str)
