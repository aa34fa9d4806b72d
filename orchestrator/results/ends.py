"""How trials ended, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from orchestrator.store.rows import Row
from trainables.contract.scores import SCORES
from trainables.techniques.registry import is_untuned


def trained(rows: Sequence[Row]) -> list[Row]:
    """Returns the final rows of trials that train: all but those of the untuned model."""
    return [row for row in rows if not is_untuned(row)]


def came_to_nothing(row: Row) -> bool:
    """Returns whether a trial gave no result: it neither completed nor was stopped early."""
    return row["outcome"] not in ("completed", "stopped")


def ends_in_words(outcomes: Iterable[str]) -> str:
    """Returns how many ended how, the most frequent first, e.g. "3 failed, 1 stopped"."""
    return ", ".join(f"{count} {each}" for each, count in Counter(outcomes).most_common())


def ends_by_technique(rows: Sequence[Row], without: Collection[str] = ()) -> list[str]:
    """Returns how the trials of each technique ended, e.g. "lora: 3 failed, 1 stopped".

    Args:
        rows: Final rows.
        without: Techniques that are left out.
    """
    outcomes: dict[str, list[str]] = {}
    for row in rows:
        if row["technique"] not in without:
            outcomes.setdefault(row["technique"], []).append(row["outcome"])
    return [f"{technique}: {ends_in_words(own)}" for technique, own in outcomes.items()]


@dataclass(frozen=True)
class Failure:
    """Trials that gave no result in the same way.

    Attributes:
        outcome: How they ended.
        error: The last line of what they died of.
        trials: Their ids.
    """

    outcome: str
    error: str
    trials: tuple[str, ...]


def failures(rows: Sequence[Row]) -> list[Failure]:
    """Returns the trials that gave no result, those alike together, the most frequent first.

    Args:
        rows: Final rows.
    """
    alike: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if came_to_nothing(row):
            alike.setdefault((row["outcome"], last_line(row["error"])), []).append(row["trial_id"])
    found = [Failure(*end, tuple(trials)) for end, trials in alike.items()]
    return sorted(found, key=lambda each: -len(each.trials))


def unmeasured(rows: Sequence[Row], metric: str) -> list[str]:
    """Returns sentences on trials that have no value of a metric; none for no trials.

    Args:
        rows: Their final rows.
        metric: A score or a loss.
    """
    early = sum(row["outcome"] == "stopped" for row in rows) if metric in SCORES else 0
    said = []
    if early:
        said.append(
            f"{early} of these trials were stopped by their loss, before they wrote any SQL that"
            f" {metric} could be measured of, and are left out."
        )
    if other := len(rows) - early:
        said.append(f"{other} of these trials were not measured by {metric} and are left out.")
    return said


def last_line(error: str | None) -> str:
    """Returns the last line of a trial's error: what happened, without where."""
    return (error or "").strip().rsplit("\n", 1)[-1] or "none was recorded"
