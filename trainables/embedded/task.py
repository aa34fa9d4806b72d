"""One drawn task: a subject area, a context of tables with rows, a question and its statement."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from trainables.embedded.domains import DOMAINS, Column, Domain
from trainables.embedded.statements import Kind

_ROWS = 3
"""Rows that a context puts into each table: enough for groups of two and for an order."""

# In SQL, and as a person says it.
_AGGREGATES = (
    ("AVG", ("average", "mean")),
    ("SUM", ("total", "summed")),
    ("MAX", ("maximum", "biggest")),
    ("MIN", ("minimum", "smallest")),
)
_COMPARISONS = (
    (">", ("above", "greater than", "more than")),
    ("<", ("below", "less than", "under")),
)
_DIRECTIONS = (("DESC", ("highest", "top")), ("ASC", ("lowest", "bottom")))


@dataclass(frozen=True)
class Task:
    """A task before its question is phrased.

    Attributes:
        domain: The subject area.
        kind: The kind of statement.
        slots: What the templates of `kind` are filled with.
        context: CREATE TABLE and INSERT statements.
        sql: The statement.
    """

    domain: Domain
    kind: Kind
    slots: dict[str, str]
    context: str
    sql: str

    def question(self, phrasing: int) -> str:
        """Returns the question in one of the kind's phrasings, counted round."""
        return self.kind.questions[phrasing % len(self.kind.questions)].format_map(self.slots)


def draw(kinds: Sequence[Kind], rng: random.Random) -> Task:
    """Draws a task of one of the kinds, equally likely; the state of `rng` alone decides which."""
    domain = rng.choice(DOMAINS)
    kind = rng.choice(kinds)
    text, other_text = rng.sample(domain.texts, 2)
    number, other_number = rng.sample(domain.numbers, 2)
    # The third column, which the statement does not need, makes the right column a choice.
    columns = [text, number, rng.choice((other_text, other_number))]
    rng.shuffle(columns)
    *keys, new = rng.sample(domain.key.values, _ROWS + 1)
    values = {column.name: _values(rng, column) for column in columns}
    if kind.shared_value:
        values[text.name][1] = values[text.name][0]
    context = _table(domain.table, [domain.key, *columns], [keys, *values.values()])
    chosen = rng.randrange(_ROWS)
    child_column = rng.choice((domain.child_text, domain.child_number))
    if kind.counts_partners:
        child_column = domain.child_number
    if kind.tables == 2:
        # The chosen row has a partner, so that a join which asks for it finds something.
        links = [rng.choice(keys) for _ in range(_ROWS)]
        links[0] = keys[chosen]
        link = Column(domain.link, domain.key.values)
        partners = [links, _values(rng, child_column)]
        context += " " + _table(domain.child, [link, child_column], partners)
    slots = {
        "table": domain.table,
        "key": domain.key.name,
        "row": str(keys[chosen]),
        "new": str(new),
        "text": text.name,
        "value": str(values[text.name][chosen]),
        "number": number.name,
        "child": domain.child,
        "link": domain.link,
        "child_column": child_column.name,
    }
    slots |= _free_choices(rng, text, number, values[number.name])
    return Task(domain, kind, slots, context, kind.sql.format_map(slots))


def _free_choices(
    rng: random.Random, text: Column, number: Column, numbers: Sequence[str | int]
) -> dict[str, str]:
    """Draws what no row decides: operators, in SQL and in words, and new values.

    Args:
        rng: Where the choices come from.
        text: The column of words that the statement may set.
        number: The column of numbers that the statement may compare or set.
        numbers: The values of `number` in the context.
    """
    op, than = rng.choice(_COMPARISONS)
    # Not the extreme value, so that at least one row passes the comparison.
    ordered = sorted(numbers)
    bound = rng.choice(ordered[:-1] if op == ">" else ordered[1:])
    aggregate, aggregated = rng.choice(_AGGREGATES)
    direction, extreme = rng.choice(_DIRECTIONS)
    return {
        "word": str(rng.choice(text.values)),
        "m": str(rng.choice(number.values)),
        "op": op,
        "than": rng.choice(than),
        "n": str(bound),
        "aggregate": aggregate,
        "aggregated": rng.choice(aggregated),
        "direction": direction,
        "extreme": rng.choice(extreme),
        "k": str(rng.randint(1, _ROWS - 1)),
    }


def _values(rng: random.Random, column: Column) -> list[str | int]:
    """Draws a column: words may repeat, as groups need; numbers differ, so orders have no ties."""
    if column.numeric:
        return list(rng.sample(column.values, _ROWS))
    return [rng.choice(column.values) for _ in range(_ROWS)]


def _table(name: str, columns: Sequence[Column], values: Sequence[Sequence[str | int]]) -> str:
    """Writes the two statements that make a table and fill it.

    Args:
        name: Name of the table.
        columns: Its columns.
        values: The values of each column, in the order of `columns`.
    """
    declared = ", ".join(
        f"{column.name} {'INT' if column.numeric else 'TEXT'}" for column in columns
    )
    inserted = ", ".join(
        "(" + ", ".join(str(v) if isinstance(v, int) else f"'{v}'" for v in row) + ")"
        for row in zip(*values, strict=True)
    )
    return f"CREATE TABLE {name} ({declared}); INSERT INTO {name} VALUES {inserted};"
