"""What a sweep's numbers depend on now, and whether that is what it was begun with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from orchestrator.errors import UserError
from orchestrator.search.content import Base, Content, Versions, present_versions
from orchestrator.search_space import Sweep
from orchestrator.state.content_log import ContentLog, Recorded
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.sweep.earlier_content import earlier_content
from orchestrator.terminal.commands import command
from trainables.base_models.fingerprint import fingerprint, settings_fingerprint
from trainables.contract.configuration import EMBEDDED
from trainables.data.survey import Survey
from trainables.embedded import corpus

_DIGITS = 12
"""Of a SHA-256, in messages."""


class OtherContentError(UserError):
    """Rows, base model or package are not those that the sweep was begun with."""


def content_of(sweep: Sweep, found: Survey | None) -> Content:
    """Returns what runs of the sweep would depend on now.

    Args:
        sweep: The resolved search space file; its base model and data set can be had.
        found: Its rows, as `orchestrator.sweep.rows.surveyed` returns them.
    """
    rows = None if found is None else found.fingerprint
    weights = fingerprint(sweep.base_model, sweep.base_model_revision)
    settings = settings_fingerprint(sweep.base_model, sweep.base_model_revision)
    return Content(
        present_versions(sweep.dataset),
        corpus.FINGERPRINT if sweep.dataset == EMBEDDED else rows,
        None if weights is None or settings is None else Base.of(weights, settings),
    )


def check_content(stored: StoredSweep, content: Content, words: tuple[str, ...]) -> None:
    """Refuses to continue a sweep on other rows, another base model or by another version.

    A sweep that began before this was put on record is told by what its trials left, and goes on
    where that is enough.

    Args:
        stored: The sweep; one that has not begun passes.
        content: What runs would depend on now.
        words: Of the command that was given, for the one that begins another sweep.

    Raises:
        OtherContentError: Naming what has changed, and both ways on.
        DamagedError: The record is none.
    """
    if not stored.files.has_begun():
        return
    before = ContentLog(stored.files).read()
    unknown = None
    if before.versions is None or before.rows is None or before.base is None:
        before, unknown = earlier_content(stored, before, content)
    changes = list(_changes(stored.sweep, before, content))
    if not changes and unknown is None:
        return
    again = command("orchestrator.sweep", *words, "--new")
    shown = command(
        *("orchestrator.results", "--root", str(stored.address)),
        *("leaderboard", "--sweep", stored.id),
    )
    read = f"What it has so far is shown by:\n  {shown}"
    if not changes:
        raise OtherContentError(
            f"The sweep {stored.id} was begun before it was put on record what its numbers depend"
            f" on, and {unknown}. So it cannot go on: start another sweep:\n  {again}\nor continue"
            f" this one with the version of the package that began it.\n{read}"
        )
    listed = "".join(f"\n  {change}" for change in changes)
    raise OtherContentError(
        f"The sweep {stored.id} was begun with something else, and its trials would not compare"
        f" with new ones. What has changed:{listed}\nPut back what it was begun with, and the same"
        f" command goes on; or start another sweep:\n  {again}\n{read}"
    )


def _changes(sweep: Sweep, before: Recorded, now: Content) -> Iterator[str]:
    """Yields what has changed, each in a line that says from what to what."""
    if before.rows is not None and now.rows is not None and before.rows != now.rows:
        yield f"the rows of {sweep.dataset}: fingerprint {before.rows}, now {now.rows}"
    if before.base is not None and now.base is not None:
        yield from _base_changes(sweep.base_model, before.base, now.base)
    if before.versions is not None:
        yield from _version_changes(before.versions, now.versions)


def _base_changes(name: str, before: Base, now: Base) -> Iterator[str]:
    if before.weights is None or before.settings is None:
        if before.fingerprint != now.fingerprint:
            yield f"the base model {name}: fingerprint {before.fingerprint}, now {now.fingerprint}"
        return
    for what, one, other in (
        ("weights", before.weights, now.weights),
        ("configuration or tokenizer", before.settings, now.settings),
    ):
        if one != other:
            yield (
                f"the {what} of the base model {name}: SHA-256 {one[:_DIGITS]}..., now"
                f" {str(other)[:_DIGITS]}..."
            )


def _version_changes(before: Versions, now: Versions) -> Iterator[str]:
    what = {
        "prompt": "what a model is asked",
        "split": "how rows are divided into training, validation and test",
        "scoring": "how predictions are scored",
        "training": "how trials are trained",
    }
    for field in dataclasses.fields(Versions):
        one, other = getattr(before, field.name), getattr(now, field.name)
        if one != other:
            yield f"{what[field.name]}: {field.name} version {one}, now {other}, of this package"
