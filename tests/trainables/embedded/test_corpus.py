"""The built-in corpus: its size and mix, and that every row of it holds together."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter

import pytest

from trainables.embedded import corpus
from trainables.embedded.domains import DOMAINS
from trainables.embedded.statements import KINDS

TRAIN = corpus.rows("train")
TEST = corpus.rows("test")
EVERYTHING = (*TRAIN, *TEST)


def digest() -> str:
    return hashlib.sha256(json.dumps(EVERYTHING).encode()).hexdigest()


def test_rows_are_the_same_in_another_process() -> None:
    program = "from tests.trainables.embedded.test_corpus import digest; print(digest())"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == digest()


def test_rows_are_the_ones_that_shipped() -> None:
    # Scores in a store compare only while the rows stay: a change here is a new corpus.
    assert digest()[:16] == "9b16a32906f4e0e9"


def test_no_row_is_longer_than_is_said() -> None:
    for row in EVERYTHING:
        asked = f"Question: {row['sql_prompt']} Context: {row['sql_context']}"
        assert len(asked) <= corpus.LONGEST_PROMPT
        assert len(row["sql"]) <= corpus.LONGEST_STATEMENT


def test_splits_have_their_sizes_and_share_no_question() -> None:
    assert (len(TRAIN), len(TEST)) == (corpus.TRAIN_ROWS, corpus.TEST_ROWS)
    asked = {(row["sql_prompt"], row["sql_context"]) for row in EVERYTHING}
    assert len(asked) == len(EVERYTHING)
    assert len({row["id"] for row in EVERYTHING}) == len(EVERYTHING)


def test_rows_are_callers_own() -> None:
    corpus.rows("test")[0]["sql"] = "changed"
    assert corpus.rows("test")[0] == TEST[0]


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'validation'.*'train' or 'test'"):
        corpus.rows("validation")  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [TRAIN, TEST], ids=["train", "test"])
def test_there_are_many_domains_and_kinds_of_statement(rows: list[dict[str, str]]) -> None:
    assert len({row["domain"] for row in rows}) == len(DOMAINS) >= 30
    assert len(KINDS) >= 8
    complexities = Counter(row["sql_complexity"] for row in rows)
    for expected in ("basic SQL", "aggregation", "single join", "subqueries"):
        assert complexities[expected] > len(rows) / 20
    assert {"window functions", "set operations"} <= set(complexities)
    assert {row["sql_task_type"] for row in rows} == {
        "data retrieval",
        "analytics and reporting",
        "data manipulation",
        "data definition",
    }
    for word in ("JOIN", "GROUP BY", "(SELECT", "INSERT", "UPDATE", "DELETE", "CREATE VIEW"):
        assert any(word in row["sql"] for row in rows)


def test_every_kind_has_several_phrasings_that_differ() -> None:
    for kind in KINDS:
        assert len(set(kind.questions)) == len(kind.questions) >= 3
        # Phrasings are drawn by a number modulo their count.
        assert corpus.PHRASINGS % len(kind.questions) == 0


def test_every_statement_runs_and_does_something() -> None:
    empty = selects = 0
    for row in EVERYTHING:
        connection = sqlite3.connect(":memory:")
        connection.executescript(row["sql_context"])
        before = connection.total_changes
        result = connection.execute(row["sql"]).fetchall()
        if row["sql_task_type"] == "data manipulation":
            assert connection.total_changes > before, row
        elif row["sql_task_type"] == "data definition":
            assert connection.execute("SELECT * FROM selected").fetchall(), row
        else:
            selects += 1
            empty += not result
        connection.close()
    # Some rightly find nothing: no row without a partner, no group above the bound.
    assert empty < selects / 25


def test_names_are_distinct_within_a_domain() -> None:
    for domain in DOMAINS:
        columns = (domain.key, *domain.texts, *domain.numbers)
        names = [column.name for column in (*columns, domain.child_text, domain.child_number)]
        names += [domain.link, domain.table, domain.child]
        assert len(set(names)) == len(names), domain.name
