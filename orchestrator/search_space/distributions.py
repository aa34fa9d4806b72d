"""The distributions that a search space may ask for, under Ray Tune's names and with its semantics.

As in Ray Tune an integer range excludes its upper bound, and `quniform` includes it and yields
multiples of its step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.search_space.grouped import of_a_whole_number
from orchestrator.search_space.parameter_values import is_same, judge
from orchestrator.search_space.problems import MOST_PROBLEMS, show, unknown
from trainables.contract.configuration import Scalar
from trainables.techniques.parameter import Parameter

MOST_STEPS = 100_000
"""Values of a `quniform`: a finer one is a `uniform`, and its multiples are lost to rounding."""

_MOST_SHOWN = 6
"""Values of a list that are repeated in a message."""

_CONFIG = ConfigDict(frozen=True, extra="forbid", strict=False)


class Choice(BaseModel):
    """One of the listed values, each as likely; no order is assumed between them."""

    model_config = _CONFIG
    choice: Annotated[tuple[Scalar, ...], Field(min_length=1, strict=True)]

    def __str__(self) -> str:
        """The values, as a person reads them."""
        return "one of " + ", ".join(map(plain, self.choice))


class Uniform(BaseModel):
    """A number between low and high."""

    model_config = _CONFIG
    uniform: tuple[float, float]

    def __str__(self) -> str:
        """The range, as a person reads it."""
        return "{:g} to {:g}".format(*self.uniform)


class LogUniform(BaseModel):
    """A number between low and high, both above 0, each order of magnitude as likely."""

    model_config = _CONFIG
    loguniform: tuple[float, float]

    def __str__(self) -> str:
        """The range, as a person reads it."""
        return "{:g} to {:g}, log scale".format(*self.loguniform)


class QUniform(BaseModel):
    """A multiple of the step from low to high, both included: [low, high, step]."""

    model_config = _CONFIG
    quniform: tuple[float, float, float]

    def __str__(self) -> str:
        """The range, as a person reads it."""
        return "{:g} to {:g} in steps of {:g}".format(*self.quniform)

    def nearest(self, value: float) -> float:
        """Returns the multiple of the step that is nearest, free of binary rounding (0.3)."""
        step = self.quniform[2]
        return float(Decimal(str(step)) * round(value / step))


class RandInt(BaseModel):
    """A whole number from low to high - 1."""

    model_config = _CONFIG
    randint: tuple[int, int]

    def __str__(self) -> str:
        """The range, as a person reads it."""
        return f"{self.randint[0]} to {self.randint[1] - 1}"


class LogRandInt(BaseModel):
    """A whole number from low, at least 1, to high - 1, each order of magnitude as likely."""

    model_config = _CONFIG
    lograndint: tuple[int, int]

    def __str__(self) -> str:
        """The range, as a person reads it."""
        return f"{self.lograndint[0]} to {self.lograndint[1] - 1}, log scale"


Distribution = Choice | Uniform | LogUniform | QUniform | RandInt | LogRandInt

DISTRIBUTIONS: dict[str, type[Distribution]] = {
    "choice": Choice,
    "uniform": Uniform,
    "loguniform": LogUniform,
    "quniform": QUniform,
    "randint": RandInt,
    "lograndint": LogRandInt,
}

Fault = tuple[tuple[str | int, ...], str]
"""Where, from the place that is being parsed, and what is wrong there."""

Report = Callable[[Fault], None]


def plain(value: Distribution | Scalar) -> str:
    """Returns a distribution or a constant as a person reads it: 2 and not 2.0, true, "q,v"."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str) and "," not in value:
        return value
    return str(value) if isinstance(value, Distribution) else show(value)


def finite_values(distribution: Distribution | Scalar) -> list[Scalar] | None:
    """Returns all values, in order; None if there are infinitely many.

    A constant has one.
    """
    match distribution:
        case Choice():
            return list(distribution.choice)
        case QUniform():
            low, high, step = distribution.quniform
            steps = range(round(low / step), round(high / step) + 1)
            return [distribution.nearest(index * step) for index in steps]
        case RandInt(randint=bounds) | LogRandInt(lograndint=bounds):
            return list(range(*bounds))
        case Uniform() | LogUniform():
            return None
        case _:
            return [distribution]


def count_values(distribution: Distribution | Scalar) -> int | None:
    """Returns how many values there are, without listing them; None if infinitely many."""
    match distribution:
        case QUniform():
            low, high, step = distribution.quniform
            return round(high / step) - round(low / step) + 1
        case RandInt(randint=(low, high)) | LogRandInt(lograndint=(low, high)):
            return high - low
        case _:
            values = finite_values(distribution)
            return None if values is None else len(values)


def extremes(distribution: Distribution | Scalar) -> tuple[float, float] | None:
    """Returns the smallest and the largest number it can yield; None if it yields no numbers."""
    match distribution:
        case Uniform(uniform=(low, high)) | LogUniform(loguniform=(low, high)):
            return low, high
        case QUniform(quniform=(low, high, _)):
            return low, high
        case RandInt(randint=(first, last)) | LogRandInt(lograndint=(first, last)):
            return first, last - 1
    values = distribution.choice if isinstance(distribution, Choice) else (distribution,)
    numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return (min(numbers), max(numbers)) if numbers else None


def parse(value: Any, parameter: Parameter) -> tuple[Distribution | Scalar, list[Fault]]:
    """Turns what a file says about a parameter into a distribution or a constant.

    Args:
        value: A scalar, or a group with one distribution's name as its key; a distribution that was
            parsed before is taken as it is.
        parameter: Kind and range that every value must have.

    Returns:
        The distribution or constant, numbers in the parameter's kind, and everything that is wrong;
        if that is not empty, the first part means nothing.
    """
    if isinstance(value, Distribution):
        return value, []
    if isinstance(value, list | tuple):
        return None, [((), f"is {show(value)}; {_instead_of(value, parameter)}")]
    if not isinstance(value, dict):
        constant, problem = judge(value, parameter)
        return constant, [((), problem)] if problem else []
    if len(value) != 1:
        rule = f"must have exactly one distribution of {', '.join(DISTRIBUTIONS)}"
        return None, [((), f"is {show(value)}, but {rule}")]
    name, arguments = next(iter(value.items()))
    if name not in DISTRIBUTIONS:
        return None, [((name,), unknown("distribution", name, list(DISTRIBUTIONS)))]
    if name == "choice":
        return _choice(arguments, parameter)
    faults: list[Fault] = [
        ((name,), message) for message in _range_faults(name, arguments, parameter)
    ]
    if faults:
        return None, faults
    distribution = DISTRIBUTIONS[name].model_validate({name: tuple(arguments)})
    if isinstance(distribution, QUniform):
        low, high, step = distribution.quniform
        bounds = distribution.nearest(low), distribution.nearest(high)
        distribution = QUniform(quniform=(*bounds, step))
    return distribution, []


def as_text(value: Any, parameter: Parameter) -> str:
    """Returns how a list of names is written as one value, e.g. `: "q,v"`; "" for all others."""
    if not parameter.items or not isinstance(value, list | tuple):
        return ""
    names = [each for each in value if isinstance(each, str) and each.strip()]
    if len(names) < len(value) or not names:
        names = list(parameter.items[:2])
    return f": {show(','.join(names))}"


def _instead_of(value: Sequence[Any], parameter: Parameter) -> str:
    """Returns what is to be written for a list that stands where a distribution may."""
    if text := as_text(value, parameter):
        return (
            f"names that are trained together are one text{text}; for one of several of these"
            f" write {{choice: [{text.removeprefix(': ')}, ...]}}"
        )
    listed = ", ".join(map(show, value[:_MOST_SHOWN]))
    if (
        not value
        or len(value) > _MOST_SHOWN
        or any(isinstance(each, dict | list) for each in value)
    ):
        listed = "..."
    return f"for one of several values write {{choice: [{listed}]}}"


def _choice(values: Any, parameter: Parameter) -> tuple[Distribution | Scalar, list[Fault]]:
    if not isinstance(values, list | tuple) or not values:
        rule = "must be a list of at least one value, such as {choice: [4, 8]}"
        return None, [(("choice",), f"is {show(values)}, but {rule}")]
    converted: list[Scalar] = []
    faults: list[Fault] = []
    for index, value in enumerate(values):
        if len(faults) >= MOST_PROBLEMS:
            break
        if isinstance(value, dict | list):
            rule = f"must be a single value{as_text(value, parameter)}"
            faults.append((("choice", index), f"is {show(value)}, but {rule}"))
            continue
        constant, problem = judge(value, parameter)
        if problem:
            faults.append((("choice", index), problem))
        elif any(is_same(constant, other, parameter) for other in converted):
            message = f"is {show(constant)}, which the list has already; remove one"
            faults.append((("choice", index), message))
        else:
            converted.append(constant)
    return (None, faults) if faults else (Choice(choice=tuple(converted)), [])


def _range_faults(name: str, arguments: Any, parameter: Parameter) -> Iterator[str]:
    """Yields what is wrong with a range of numbers; the first fault of a kind hides later ones."""
    fields = "low, high, step" if name == "quniform" else "low, high"
    count = fields.count(",") + 1
    if not isinstance(arguments, list | tuple) or len(arguments) != count:
        yield f"is {show(arguments)}, but must be [{fields}]"
        return
    whole = name in ("randint", "lograndint")
    for argument in arguments:
        if isinstance(argument, bool) or not isinstance(argument, int | float):
            yield f"has {show(argument)}, but must be numbers: [{fields}]"
            return
        if whole and (fault := of_a_whole_number(argument)) is not None:
            yield f"has a number that {fault}"
            return
        if whole and not float(argument).is_integer():
            yield f"has {show(argument)}, but must be whole numbers: [{fields}]"
            return
    if parameter.kind not in (int, float):
        yield f"is a range, but {parameter.name} is no number; use {{choice: [...]}}"
        return
    if parameter.kind is int and not whole:
        yield f"yields fractions, but {parameter.name} is a whole number; use randint or lograndint"
        return
    low, high = arguments[0], arguments[1]
    if low >= high:
        yield f"is [{low}, {high}], but low must be below high"
        return
    if name.startswith("log") and low <= 0:
        yield f"is [{low}, {high}], but on a log scale low must be above 0"
        return
    last = high - 1 if whole else high
    outside = [
        f"{end} {problem}" + (" (high itself is excluded)" if whole and end == "high" else "")
        for end, value in (("low", low), ("high", last))
        if (problem := judge(value, parameter)[1])
    ]
    yield from outside
    if name == "quniform" and not outside:
        yield from _step_faults(low, high, arguments[2], parameter)


def _step_faults(low: float, high: float, step: float, parameter: Parameter) -> Iterator[str]:
    """Yields what is wrong with a step between bounds that the parameter can have."""
    if step <= 0:
        yield f"has the step {show(step)}, but it must be above 0"
        return
    if step > high - low and not math.isclose(step, high - low):
        yield f"has the step {show(step)}, but it must be at most high - low, {high - low:g}"
        return
    if (high - low) / step > MOST_STEPS:
        yield (
            f"has the step {show(step)}, which makes more than {MOST_STEPS:,} values; raise it to "
            f"at least {(high - low) / MOST_STEPS:.1g}, or use {{uniform: [low, high]}}"
        )
        return
    faults = [
        f"has {end} {value}, which is no multiple of the step {step}"
        for end, value in (("low", low), ("high", high))
        if not math.isclose(value / step, round(value / step), rel_tol=1e-12, abs_tol=1e-9)
    ]
    yield from faults
    if faults:
        return
    # The multiples that are drawn may differ from the bounds in the last digits: they may lie
    # outside what the parameter can be, or be no multiples to Optuna, which drops the last one.
    grid = QUniform(quniform=(low, high, step))
    drawn = {"low": grid.nearest(low), "high": grid.nearest(high)}
    for end, value in drawn.items():
        if problem := judge(value, parameter)[1]:
            yield f"{end} is drawn as {value:g}, which {problem}"
    first, last = (Decimal(str(value)) for value in drawn.values())
    if (last - first) % Decimal(str(step)):
        yield (
            f"has the step {step}, whose multiples have more digits than a number can hold; round "
            "it, or list the values with {choice: [...]}"
        )
