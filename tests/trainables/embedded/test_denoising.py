"""What pretraining sees: never an answer to a question, and only text that can be restored."""

from __future__ import annotations

import random
import re
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from trainables.embedded import corpus, denoising

DOCUMENTS = list(islice(denoising.documents(denoising.SEED), 4_000))
SENTINELS = list(range(900, 924))
_BEGINS_A_STATEMENT = re.compile(r"\b(SELECT|UPDATE|DELETE FROM|CREATE VIEW)\b")


def test_no_document_holds_a_question_with_its_statement() -> None:
    for document in DOCUMENTS:
        if "Question:" not in document.text:
            continue
        assert not _BEGINS_A_STATEMENT.search(document.text), document
        # INSERT stands in contexts too, there without a list of columns.
        assert not re.search(r"INSERT INTO \w+ \(", document.text), document


def test_kinds_held_back_from_pretraining_are_in_no_document() -> None:
    held_back = re.compile(r"HAVING (AVG|SUM|MIN|MAX)|(?<!NOT) IN \(SELECT|[<>] \d+ GROUP BY")
    rows = corpus.rows("test")
    assert sum(bool(held_back.search(row["sql"])) for row in rows) > len(rows) / 10
    assert not any(held_back.search(document.part) for document in DOCUMENTS)


def test_every_sort_of_document_occurs() -> None:
    with_question = sum("Question:" in document.text for document in DOCUMENTS)
    with_statement = sum(bool(_BEGINS_A_STATEMENT.search(document.part)) for document in DOCUMENTS)
    twice = sum(document.text.count("Question:") == 2 for document in DOCUMENTS)
    assert min(with_question - twice, with_statement, twice) > len(DOCUMENTS) / 6


def test_no_document_is_a_row_of_the_corpus() -> None:
    rows = {
        f"Question: {row['sql_prompt']} Context: {row['sql_context']}"
        for split in (corpus.rows("train"), corpus.rows("test"))
        for row in split
    }
    assert not rows & {document.text for document in DOCUMENTS}


def test_documents_repeat_for_a_seed_and_differ_between_seeds() -> None:
    assert list(islice(denoising.documents(denoising.SEED), 50)) == DOCUMENTS[:50]
    assert list(islice(denoising.documents(denoising.SEED + 1), 50)) != DOCUMENTS[:50]


pieces = st.lists(st.integers(30, 800), max_size=80)


@given(before=pieces, part=pieces, after=pieces, seed=st.integers(0, 10_000))
def test_source_and_target_together_are_the_document(
    before: list[int], part: list[int], after: list[int], seed: int
) -> None:
    source, target = denoising.corrupt(before, part, after, SENTINELS, random.Random(seed))
    spans: dict[int, list[int]] = {}
    for token in target:
        if token in SENTINELS:
            spans[token] = []
        else:
            spans[list(spans)[-1]].append(token)
    used = [token for token in source if token in SENTINELS]
    assert used == list(spans) == SENTINELS[: len(used)]
    assert used
    restored = [token for place in source for token in spans.get(place, [place])]
    assert restored == [*before, *part, *after]
