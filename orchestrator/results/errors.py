"""What a user of `results` can get wrong."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.errors import UserError, nearest


class ResultsError(UserError):
    """A question that the store cannot answer, in one sentence with its remedy."""


def unknown(kind: str, given: str, known: Iterable[str], where: str = "") -> ResultsError:
    """Returns the error for a name that does not exist, with the nearest one that does.

    Args:
        kind: What it should name.
        given: The name.
        known: Those that exist.
        where: What was searched, e.g. "in these sweeps".
    """
    names = _sorted(known)
    near = nearest(given, names)
    hint = f"the nearest is {near!r}" if near else f"there are: {_some(names)}"
    searched = f" {where}" if where else ""
    return ResultsError(f"There is no {kind} {_short(given)!r}{searched}; {hint}.")


def absent(kind: str, given: str, known: Iterable[str], where: str = "") -> ResultsError:
    """Returns the error for a value that no trial has, with those that trials have.

    Args:
        kind: What it should name.
        given: The value.
        known: Those that exist; which of them looks most alike says nothing.
        where: What was searched, e.g. "in these sweeps".
    """
    searched = f" {where}" if where else ""
    return ResultsError(
        f"There is no {kind} {_short(given)!r}{searched}; there are: {_some(_sorted(known))}."
    )


def _short(given: str) -> str:
    return given if len(given) <= 200 else f"{given[:197]}..."


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(set(names), key=lambda name: (len(name), name) if name.isdigit() else (99, name))


def _some(names: list[str], limit: int = 12) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
