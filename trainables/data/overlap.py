"""What rows of the test have in common with rows that are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainables.data.schema_groups import schema_group
from trainables.data.spelling import collapse_white_space
from trainables.data.tables import Example


@dataclass(frozen=True)
class Overlap:
    """How many test rows have something in common with a training row.

    Attributes:
        of: Test rows in all.
        rows: Those whose question about the same schema is in training.
        statements: Those whose statement is in training.
        schemas: Those whose schema is in training.
    """

    of: int
    rows: int
    statements: int
    schemas: int


def overlap(train: Sequence[Example], test: Sequence[Example]) -> Overlap:
    """Counts what test rows have in common with training rows.

    Args:
        train: What may be trained on.
        test: What is tested on.
    """
    questions = {question(row) for row in train}
    statements = {_statement(row) for row in train}
    schemas = {schema_group(context) for context in {row.sql_context for row in train}}
    return Overlap(
        len(test),
        sum(question(row) in questions for row in test),
        sum(_statement(row) in statements for row in test),
        sum(schema_group(row.sql_context) in schemas for row in test),
    )


def question(example: Example) -> tuple[str, str]:
    """Returns a question without what does not make it another one: white space and case."""
    return (
        collapse_white_space(example.sql_prompt).casefold(),
        collapse_white_space(example.sql_context).casefold(),
    )


def _statement(example: Example) -> str:
    # Upper and lower case stay: in a value they make another statement.
    return collapse_white_space(example.sql).strip("; ")
