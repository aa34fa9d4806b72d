"""Whether a prediction did what its reference may do: the rules of execution accuracy.

Standard library only. Used in the child process of `trainables.sql.execution` alone.

A reference often has several right answers, and only SQLite's plan picks one: rows that tie under
ORDER BY, a LIMIT without ORDER BY, ties at a LIMIT in a subquery, the order in GROUP_CONCAT. Where
the two answers differ and have one shape, the reference runs again: with all rows and their ties
(`trainables.sql.sandbox.ties`), and once more with ties and rows without an order turned round. The
prediction is right if one of these runs allows what it did. Of choices that are made inside of a
statement only these two, the first and the last, are known; that a third was as right is not seen.

RANDOM() has no right answer to compare with. Where the context or the reference asks for it, only
the reference's own text is right, and of another text nothing can be said. A prediction that asks
for it while the reference does not is right if it is so for each of several seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from trainables.sql.sandbox.comparison import (
    Relation,
    Result,
    State,
    same_results,
    same_shapes,
    same_state,
)
from trainables.sql.sandbox.database import Database, Limits, SqlFailed
from trainables.sql.sandbox.other_order import has_choice_within
from trainables.sql.sandbox.ties import has_choice
from trainables.sql.sandbox.tokens import same_text

Unjudged = Literal["nondeterministic", "order"]
"""Why nothing can be said: the reference asks for RANDOM(), or its ties are not understood."""

_SEEDS = range(5)


class Effect(NamedTuple):
    """What a text did.

    Attributes:
        results: Of each statement that returned columns.
        state: What is in the database afterwards; None: nothing asked to change it.
        scratch: Likewise, the temporary tables, views and triggers.
        is_random: Whether RANDOM() or RANDOMBLOB() was asked for.
    """

    results: list[Result]
    state: State | None
    scratch: State | None
    is_random: bool


class Row(NamedTuple):
    """The texts of a row, each of which has run once.

    Attributes:
        functions: What they call beyond SQLite's own functions.
    """

    context: str
    reference: str
    prediction: str
    functions: tuple[str, ...] = ()


def run(database: Database, text: str, *, with_ties: bool = False) -> Effect:
    """Runs a text and returns what it did.

    Args:
        database: Where it runs.
        text: One statement or several.
        with_ties: See `Database.run`.

    Raises:
        SqlFailed: It does not run.
    """
    database.forget_changes()
    results = database.run(text, with_ties=with_ties)
    changed = database.changed
    state = database.state() if changed else None
    scratch = database.state(temporary=True) if changed else None
    return Effect(results, state, scratch, database.is_random)


def without_definitions(effect: Effect) -> Effect:
    """Returns what a text did to rows alone.

    Two dialects make the same table of different columns in SQLite, with collations of their own.
    """
    state = effect.state
    if state is None:
        return effect
    return effect._replace(
        state=[
            Relation(relation.definition[:3], relation.content)
            for relation in state
            if isinstance(relation.definition, tuple)
        ]
    )


def judge(
    row: Row, expected: Effect, found: Effect, limits: Limits, *, is_random: bool
) -> bool | Unjudged:
    """Tells whether a prediction did what its reference may do, or why that is unknown.

    Args:
        row: The row.
        expected: What the reference did.
        found: What the prediction did.
        limits: For each of the texts when it runs again.
        is_random: Whether the context asks for RANDOM().
    """
    if is_random or expected.is_random:
        return same_text(row.reference, row.prediction) or "nondeterministic"
    if not found.is_random:
        return _compare(row, expected, found, limits)
    for seed in _SEEDS:
        drawn = _again(row, row.prediction, limits, seed=seed)
        verdict = _compare(row, expected, drawn, limits) if drawn else False
        if verdict is not True:
            return verdict
    return True


def _compare(row: Row, expected: Effect, found: Effect, limits: Limits) -> bool | Unjudged:
    if _is_same(row, expected, found, limits):
        return True
    if not same_shapes(expected.results, found.results):
        return False
    verdicts = [_is_same(row, other, found, limits) for other in _other_runs(row, limits)]
    if True in verdicts:
        return True
    return "order" if None in verdicts else False


def _other_runs(row: Row, limits: Limits) -> Iterator[Effect]:
    """Runs the reference with its ties and turned round, where either can make a difference."""
    text = row.reference
    for turned, differs in ((False, has_choice(text)), (True, has_choice_within(text))):
        if differs and (effect := _again(row, text, limits, with_ties=True, turned=turned)):
            yield effect


def _again(
    row: Row,
    text: str,
    limits: Limits,
    *,
    with_ties: bool = False,
    turned: bool = False,
    seed: int | None = None,
) -> Effect | None:
    """Runs a text in a database of its own; None if it does not run this time."""
    with Database(limits, row.functions, seed=seed) as database:
        try:
            if row.context:
                database.run(row.context)
            if turned:
                database.turn_round()
            return run(database, text, with_ties=with_ties)
        except SqlFailed:
            return None


def _is_same(row: Row, expected: Effect, found: Effect, limits: Limits) -> bool | None:
    """Compares what was returned, then what was changed."""
    verdict = same_results(expected.results, found.results)
    if verdict is False or (expected.state is None and found.state is None):
        return verdict
    if found.state is None:
        return False
    before = expected.state
    if before is None:
        # The reference only reads; so the prediction has to leave everything as it was.
        untouched = _again(row, "CREATE TEMP TABLE untouched (x)", limits)
        before = untouched.state if untouched else None
    if before is None or not same_state(before, found.state):
        return False
    # Where rows are asked for, what is temporary is the way to them; else it is what is asked for.
    if not expected.results and not same_state(expected.scratch or [], found.scratch or []):
        return False
    return verdict
