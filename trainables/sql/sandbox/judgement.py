"""Whether a prediction did what its reference may do: the rules of execution accuracy.

Standard library only. Used in the child process of `trainables.sql.execution` alone.

A reference often has several right answers, and only SQLite's plan picks one: rows that tie under
ORDER BY, a LIMIT without ORDER BY, ties at a LIMIT in a subquery, the order in GROUP_CONCAT. Where
the two answers differ and have one shape, the reference runs again: with all rows and their ties
(`trainables.sql.sandbox.ties`), once more with ties and rows without an order turned round, and,
where that can bring further answers, shuffled by some seeds. The prediction is right if one of
these runs allows what it did. It is wrong if none does and the shuffles brought no answer only
once, so that hardly any is left to be seen, or if it differs in a column that all answers share;
else that is not known.

RANDOM() has no right answer to compare with. Where the context or the reference asks for it, only
the reference's own text is right, and of another text nothing can be said. A prediction that asks
for it while the reference does not is right if it is so for each of several seeds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, NamedTuple

from trainables.sql.sandbox.comparison import (
    Relation,
    Result,
    State,
    Value,
    same_columns,
    same_results,
    same_shapes,
    same_state,
)
from trainables.sql.sandbox.database import Database, Limits, SqlFailed
from trainables.sql.sandbox.other_order import has_choice_within, has_order_to_shuffle
from trainables.sql.sandbox.ties import has_choice
from trainables.sql.sandbox.tokens import same_text

Unjudged = Literal["nondeterministic", "order", "limit", "moment"]
"""Why nothing can be said: the reference asks for RANDOM(), its ties are not understood or have too
many outcomes, they cannot be found out within the limits, or days stand for their midnights where
another dialect may show either."""

_MIDNIGHT = re.compile(r"\A(\d{4}-\d\d-\d\d)[ T]00:00:00(?:\.0+)?(?:\+00)?\Z")

_SEEDS = range(5)
_FIRST_SHUFFLES = 6
"""If these agree with each other and with the reverse, shuffling changes nothing."""
_SHUFFLES = 60


class Effect(NamedTuple):
    """What a text did.

    Attributes:
        results: Of each statement that returned columns.
        state: What is in the database afterwards; None: nothing asked to change it.
        scratch: Likewise, the temporary tables, views and triggers.
        is_random: Whether RANDOM() or RANDOMBLOB() was asked for.
        instructions: Of SQLite's virtual machine that it took.
    """

    results: list[Result]
    state: State | None
    scratch: State | None
    is_random: bool
    instructions: int


class Row(NamedTuple):
    """The texts of a row, each of which has run once.

    Attributes:
        functions: What they call beyond SQLite's own functions.
        is_translated: Whether context and reference are of another dialect.
        content: What its database begins as, before the context.
    """

    context: str
    reference: str
    prediction: str
    functions: tuple[str, ...] = ()
    is_translated: bool = False
    content: bytes = b""


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
    instructions = database.instructions
    changed = database.changed
    state = database.state() if changed else None
    scratch = database.state(temporary=True) if changed else None
    return Effect(results, state, scratch, database.is_random, instructions)


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
        verdict = _compare(row, expected, found, limits)
        if verdict is False and row.is_translated and _is_same_in_days(expected, found):
            return "moment"
        return verdict
    for seed in _SEEDS:
        try:
            drawn = _again(row, row.prediction, limits, seed=seed)
        except SqlFailed:
            return False
        verdict = _compare(row, expected, drawn, limits)
        if verdict is not True:
            return verdict
    return True


def _is_same_in_days(expected: Effect, found: Effect) -> bool:
    """Tells whether two results differ only where one has a day and the other its midnight.

    A day of a timestamp is shown as either, and what is a format's doing looks like it.
    """
    if expected.state is not None or found.state is not None:
        return False
    ours, theirs = (
        [result._replace(rows=[tuple(map(_day, row)) for row in result.rows]) for result in results]
        for results in (expected.results, found.results)
    )
    return same_results(ours, theirs) is True


def _day(value: Value) -> Value:
    return _MIDNIGHT.sub(r"\1", value) if isinstance(value, str) else value


def _compare(row: Row, expected: Effect, found: Effect, limits: Limits) -> bool | Unjudged:
    if _is_same(row, expected, found, limits):
        return True
    if not same_shapes(expected.results, found.results):
        return False
    try:
        verdicts = [_is_same(row, other, found, limits) for other in _other_runs(row, limits)]
        if True in verdicts:
            return True
        if None in verdicts:
            return "order"
        return has_order_to_shuffle(row.reference) and _compare_shuffled(row, found, limits)
    except SqlFailed:
        return "limit"


def _other_runs(row: Row, limits: Limits) -> Iterator[Effect]:
    """Runs the reference with its ties and turned round, where either can make a difference.

    Raises:
        SqlFailed: That reaches a limit.
    """
    text = row.reference
    if has_choice(text):
        yield from _effects(row, limits)
    if has_choice_within(text):
        yield from _effects(row, limits, _in_reverse)


def _compare_shuffled(row: Row, found: Effect, limits: Limits) -> bool | Unjudged:
    """Compares with what the reference does when its choices are made by chance.

    Raises:
        SqlFailed: That reaches a limit.
    """
    outcomes = [[effect] for effect in _effects(row, limits, _in_reverse)]
    instructions = 0
    for seed in range(_SHUFFLES):
        for effect in _effects(row, limits, partial(Database.reorder, seed=seed)):
            instructions += effect.instructions
            if instructions > limits.instructions:
                raise SqlFailed("the shuffles", "limit")
            verdict = _is_same(row, effect, found, limits)
            if verdict is not False:
                return verdict or "order"
            for outcome in outcomes:
                if _is_same(row, outcome[0], effect, limits):
                    outcome.append(effect)
                    break
            else:
                outcomes.append([effect])
        if seed + 1 == _FIRST_SHUFFLES and len(outcomes) == 1:
            return False
    if all(len(outcome) > 1 for outcome in outcomes):
        return False
    return False if _differs_from_all(outcomes, found) else "order"


def _differs_from_all(outcomes: list[list[Effect]], found: Effect) -> bool:
    """Tells whether a column has other values than it has in all outcomes, where these are one."""
    first = outcomes[0][0].results
    shared = same_columns(first, first)
    for [outcome, *_] in outcomes[1:]:
        shared &= same_columns(first, outcome.results)
    return not shared <= same_columns(first, found.results)


def _effects(
    row: Row, limits: Limits, prepare: Callable[[Database], None] | None = None
) -> Iterator[Effect]:
    """Runs the reference once more, with its ties; yields nothing if it does not run this time.

    Raises:
        SqlFailed: It reaches a limit.
    """
    try:
        yield _again(row, row.reference, limits, with_ties=True, prepare=prepare)
    except SqlFailed as failure:
        if failure.kind == "limit":
            raise


def _in_reverse(database: Database) -> None:
    database.reorder()


def _again(
    row: Row,
    text: str,
    limits: Limits,
    *,
    with_ties: bool = False,
    prepare: Callable[[Database], None] | None = None,
    seed: int | None = None,
) -> Effect:
    """Runs a text in a database of its own.

    Raises:
        SqlFailed: It does not run this time.
    """
    with Database(limits, row.functions, seed=seed, content=row.content) as database:
        if row.context:
            database.run(row.context)
        if prepare is not None:
            prepare(database)
        return run(database, text, with_ties=with_ties)


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
        before = _again(row, "CREATE TEMP TABLE untouched (x)", limits).state
    if before is None or not same_state(before, found.state):
        return False
    # Where rows are asked for, what is temporary is the way to them; else it is what is asked for.
    if not expected.results and not same_state(expected.scratch or [], found.scratch or []):
        return False
    return verdict
