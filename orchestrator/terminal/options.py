"""Values of command-line options, refused in plain words: typer would quote pydantic."""

from __future__ import annotations

import errno
import importlib.metadata
import math
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from trainables.contract.addresses import scheme_of

MOST_HOURS = 876_600

Named = TypeVar("Named", bound=StrEnum)


def whole(minimum: int) -> Callable[[Any], int]:
    """Returns a parser of whole numbers from `minimum` on, for `typer.Option`."""

    def parse(text: Any) -> int:
        try:
            value = int(str(text))
        except ValueError:
            raise typer.BadParameter(f"{_short(text)} is not a whole number.") from None
        if value < minimum:
            raise typer.BadParameter(f"{value} is less than {minimum}.")
        return value

    return parse


def not_empty(text: Any) -> str:
    """Parses a text that means something: an empty one is a variable that a shell does not know."""
    if not str(text).strip():
        raise typer.BadParameter("it is empty; give one, or leave the option out.")
    return str(text)


def path(text: Any) -> Path:
    """Parses a path; `~` is the home folder also where no shell made it so (`--root=~/x`)."""
    if (scheme := scheme_of(str(text))) is not None:
        raise typer.BadParameter(
            f"{_short(text)} is an address ({scheme}://), but must be a path: a folder of this"
            " machine, or of a file system that is mounted on it."
        )
    if not str(text).strip():
        raise typer.BadParameter("it is empty, but must be a path.")
    given = Path(str(text))
    try:
        found = given.expanduser()
        found.lstat()
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise typer.BadParameter(f"{_short(text)} is no path: {error.strerror}.") from None
    except RuntimeError:
        raise typer.BadParameter(
            f"{str(given)!r} begins with the home folder of a user that is not there."
        ) from None
    return found


def _short(text: Any) -> str:
    shown = str(text)
    return repr(shown if len(shown) <= 60 else f"{shown[:57]}...")


def hours(text: Any) -> float:
    """Parses a number of hours: more than none, and with an end."""
    value = _above_zero(text, "a number of hours above 0, such as 0.5")
    if value > MOST_HOURS:
        raise typer.BadParameter(
            f"{text!r} is more than {MOST_HOURS:,} hours, a hundred years; without the option there"
            " is no limit."
        )
    return value


def amount(text: Any) -> float:
    """Parses an amount of money: more than none, and with an end."""
    return _above_zero(text, "an amount above 0, such as 12.50")


def _above_zero(text: Any, what: str) -> float:
    try:
        value = float(str(text))
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise typer.BadParameter(f"{text!r} is not {what}.")
    return value


def one_of(names: type[Named]) -> Callable[[Any], Named]:
    """Returns a parser of the names, for `typer.Option`."""

    def parse(text: Any) -> Named:
        try:
            return names(str(text))
        except ValueError:
            raise typer.BadParameter(f"{_short(text)} is not one of {', '.join(names)}.") from None

    return parse


def choices(names: type[StrEnum]) -> str:
    """Returns how `--help` shows the names."""
    return f"[{'|'.join(names)}]"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version())
        raise typer.Exit


def version() -> str:
    """Returns name and version of the package, e.g. "finetune-sweep 0.1.0"."""
    try:
        return f"finetune-sweep {importlib.metadata.version('finetune-sweep')}"
    except importlib.metadata.PackageNotFoundError:
        return "finetune-sweep of a checkout that is not installed"


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Print the version and end."
    ),
]
"""A parameter of every command."""
