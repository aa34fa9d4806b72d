"""Single values of a technique's parameters: taken in the parameter's kind, and judged."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.search_space.grouped import of_a_whole_number
from trainables.contract.configuration import Scalar
from trainables.techniques.parameter import Parameter, split

NEAREST_TO_ZERO = 1e-12
"""What is nearer to 0 is 0 by mistake: float32, in which weights are trained, has 24 bits."""

_EXACT = 2**53
"""Whole numbers beyond it are not exact as floats."""


def convert(value: Scalar, kind: type) -> Scalar:
    """Returns a number in the parameter's kind if that changes nothing: 1 as 1.0, 2e4 as 20000."""
    if kind is float and isinstance(value, float):
        return float(value)  # a plain one, however it was written
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) <= _EXACT else value
    if kind is int and isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return value


def judge(value: Scalar, parameter: Parameter) -> tuple[Scalar, str | None]:
    """Takes one value that a file gives a parameter.

    Returns:
        The value in the parameter's kind, and what is wrong with it, to be read after the
        parameter's name; None if nothing is.
    """
    if parameter.kind is int and (fault := of_a_whole_number(value)) is not None:
        return value, fault
    converted = convert(value, parameter.kind)
    if parameter.items and isinstance(value, str) and not parameter.check(value):
        return ",".join(_in_order(split(value), parameter)), None
    if parameter.kind not in (int, float) or isinstance(converted, bool):
        return converted, parameter.check(converted)
    if isinstance(converted, int | float) and abs(converted) > _EXACT:
        bound = parameter.maximum if converted > 0 else parameter.minimum
        if bound is not None:  # whichever the kind: the size is what is wrong
            return converted, f"is {converted:g}, but must be {_rule(parameter, converted > 0)}"
    if isinstance(converted, float) and 0 < abs(converted) < NEAREST_TO_ZERO:
        or_zero = "" if parameter.check(0.0) else "0 or "
        rule = f"must be {or_zero}at least {NEAREST_TO_ZERO:g}: nothing nearer to 0 has an effect"
        return converted, f"is {converted:g}, but {rule}"
    return converted, parameter.check(converted)


def _in_order(names: Sequence[str], parameter: Parameter) -> list[str]:
    """Returns a list of names in its one spelling: "v, q" is "q,v", and makes the same trial.

    Portable names stand in the registry's order, a model's own behind them by the alphabet.
    """
    places = {name: place for place, name in enumerate(parameter.items or ())}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def is_same(one: Scalar, other: Scalar, parameter: Parameter) -> bool:
    """Returns whether two values make the same trial: of a list of names in whichever order."""
    if parameter.items and isinstance(one, str) and isinstance(other, str):
        return set(split(one)) == set(split(other))
    return one == other


def _rule(parameter: Parameter, above: bool) -> str:
    """Returns the bound that a number is beyond, as `Parameter.check` says it."""
    if above:
        return f"{'<' if parameter.exclusive_maximum else '<='} {parameter.maximum:g}"
    return f"{'>' if parameter.exclusive_minimum else '>='} {parameter.minimum:g}"
