"""Documents to pretrain the embedded base model on, and the spans they lose.

The objective is denoising (span corruption, Raffel et al. 2020, section 3.1.4; with whole parts
lost as in UL2, Tay et al. 2022): the encoder sees a document whose spans are replaced by sentinels,
the decoder restores them. A document holds questions or a statement, never a question together with
its SQL: to answer the one with the other is what fine-tuning teaches.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trainables.embedded import corpus
from trainables.embedded.statements import KINDS

SEED = 1_000_003
"""Seeds the documents; differs from `corpus.SEED`, and rows of the corpus are left out besides."""

_KINDS = ("question", "statement", "paraphrase", "paraphrase")
"""Equally likely. A paraphrase is short and little of it can be guessed: it teaches to copy."""
_PART_START = 1 / 4
"""Probability that a span starts at a token of the part."""
_REST_START = 1 / 22
"""The same for the rest of the document."""
_LONGEST_SPAN = 5


@dataclass(frozen=True)
class Document:
    """A text in three pieces, of which one may be lost whole.

    Attributes:
        before: What precedes the part.
        part: The part that may be lost whole.
        after: What follows it.
        holds_statement: Whether the part is SQL.
    """

    before: str
    part: str
    after: str
    holds_statement: bool = False

    @property
    def text(self) -> str:
        """The whole document."""
        return " ".join(piece for piece in (self.before, self.part, self.after) if piece)


def documents(seed: int) -> Iterator[Document]:
    """Yields documents without end, the same ones for a seed, none from a row of the corpus.

    A document is a question before its schema, a statement after its schema, or one question put in
    two ways.
    """
    rng = random.Random(seed)
    taken = {
        (row["sql_prompt"], row["sql_context"])
        for row in (*corpus.rows("train"), *corpus.rows("test"))
    }
    for task, phrasing in corpus.tasks(seed, (kind for kind in KINDS if kind.pretrained)):
        question = task.question(phrasing)
        if (question, task.context) in taken:
            continue
        kind = rng.choice(_KINDS)
        if kind == "question":
            yield Document("Question:", question, f"Context: {task.context}")
        elif kind == "statement":
            yield Document(f"Context: {task.context}", task.sql, "", holds_statement=True)
        else:
            again = task.question(phrasing + rng.randint(1, 2))
            yield Document(f"Question: {question} Question:", again, "")


def corrupt(
    before: Sequence[int],
    part: Sequence[int],
    after: Sequence[int],
    sentinels: Sequence[int],
    rng: random.Random,
) -> tuple[list[int], list[int]]:
    """Replaces spans of a document by sentinels.

    Half of the documents lose their part whole; the others lose spans of one to five tokens, about
    two fifths of the part's tokens and an eighth of the rest.

    Args:
        before: Tokens before the part.
        part: Tokens of the part.
        after: Tokens after the part.
        sentinels: The sentinel tokens, in order.
        rng: Where the choices come from.

    Returns:
        The source and the target, both without an end token. The target is each sentinel of the
        source followed by the tokens that it stands for.
    """
    whole = [*before, sentinels[0], *after], [sentinels[0], *part]
    if rng.random() < 0.5:
        return whole
    source: list[int] = []
    target: list[int] = []
    used = 0
    for tokens, start in ((before, _REST_START), (part, _PART_START), (after, _REST_START)):
        place = 0
        while place < len(tokens):
            if used < len(sentinels) and rng.random() < start:
                end = place + rng.randint(1, _LONGEST_SPAN)
                source.append(sentinels[used])
                target += [sentinels[used], *tokens[place:end]]
                used += 1
                place = end
            # One token at least lies between two spans.
            source += tokens[place : place + 1]
            place += 1
    return (source, target) if used else whole
