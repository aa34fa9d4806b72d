"""Exact match never says more than execution: a pair that matches does the same."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trainables.sql.edited_statements import CONTEXT, STATEMENTS, edited
from trainables.embedded.corpus import rows as corpus
from trainables.evaluation.text_scores import score
from trainables.sql.execution import SqlExecutor

Row = tuple[str, str]
"""Context and reference."""

OWN = [(CONTEXT, statement) for statement in STATEMENTS]


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


@pytest.fixture(scope="session")
def wikisql(shared: Path) -> list[Row]:
    """Real statements, each on a table with rows that its conditions select, and others."""
    import pyarrow.parquet as pq

    rows = pq.read_table(shared / "data" / "wikisql-validation.parquet").slice(0, 1_000).to_pylist()
    return [(row["sql_context"] + _content(**row), row["sql"]) for row in rows]


def _content(sql: str, sql_context: str, **_: str) -> str:
    table = re.findall(r"CREATE TABLE (\w+)", sql_context)[0]
    columns = re.findall(r"(\w+) (?:VARCHAR|INTEGER|REAL|TEXT)", sql_context)
    wanted = dict(re.findall(r"(\w+) [=<>] ('(?:[^']|'')*'|[\d.]+)", sql))
    first = [wanted.get(column, f"'{column} 1'") for column in columns]
    others = [[value.swapcase() for value in first], [f"'{n}'" for n in range(len(columns))]]
    rows = ", ".join(f"({', '.join(values)})" for values in [first, first, *others])
    return f" INSERT INTO {table} VALUES {rows};"


def contradictions(
    executor: SqlExecutor, rows: list[Row], count: int, seed: int, *, with_context: bool
) -> tuple[int, list[Row]]:
    """Returns how many edited statements match, and those that match and do something else."""
    generator = random.Random(seed)
    drawn = [generator.choice(rows) for _ in range(count)]
    contexts, references = [context for context, _ in drawn], [sql for _, sql in drawn]
    predictions = [edited(reference, generator) for reference in references]
    scores = score(
        predictions,
        references,
        contexts=contexts if with_context else None,
        synonyms=False,
    )
    matching = [n for n in range(count) if scores[n]["exact_match"] == 1.0]
    outcomes = executor.execute(
        [contexts[n] for n in matching],
        [references[n] for n in matching],
        [predictions[n] for n in matching],
    )
    wrong = [
        (references[n], predictions[n])
        for n, outcome in zip(matching, outcomes, strict=True)
        if outcome["execution_accuracy"] == 0.0
    ]
    return len(matching), wrong


def test_each_statement_does_what_it_does_itself(executor: SqlExecutor) -> None:
    contexts, statements = zip(*OWN, strict=True)
    for statement, outcome in zip(
        statements, executor.execute(contexts, statements, statements), strict=True
    ):
        assert outcome["execution_accuracy"] in (1.0, None), statement


@pytest.mark.parametrize("with_context", [False, True])
def test_no_edit_matches_and_does_something_else(executor: SqlExecutor, with_context: bool) -> None:
    matching, wrong = contradictions(executor, OWN, 1_500, 0, with_context=with_context)
    assert matching > 200
    assert not wrong


@pytest.mark.parametrize("quoted", ['SELECT "name" FROM emp', 'SELECT id FROM emp ORDER BY "name"'])
def test_quotes_that_a_setting_reads_say_nothing_against_a_match(
    executor: SqlExecutor, quoted: str
) -> None:
    # In MySQL "name" is a string, or a name with ANSI_QUOTES.
    context = (
        "CREATE TABLE `emp` (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(9)) ENGINE=InnoDB;"
        "INSERT INTO `emp` (name) VALUES ('b'), ('a')"
    )
    plain = quoted.replace('"', "")
    [row] = score([quoted], [plain], contexts=[context], synonyms=False)
    [outcome] = executor.execute([context], [plain], [quoted])
    assert (row["exact_match"], outcome["execution_accuracy"]) == (1.0, None)


def test_no_edit_of_the_embedded_corpus_does(executor: SqlExecutor) -> None:
    rows = [(row["sql_context"], row["sql"]) for row in corpus("test")[:300]]
    matching, wrong = contradictions(executor, rows, 1_000, 1, with_context=True)
    assert matching > 150
    assert not wrong


def test_no_edit_of_a_real_statement_does(executor: SqlExecutor, wikisql: list[Row]) -> None:
    matching, wrong = contradictions(executor, wikisql, 1_000, 2, with_context=False)
    assert matching > 150
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("with_context", [False, True])
def test_no_edit_of_many_does(
    executor: SqlExecutor, wikisql: list[Row], with_context: bool
) -> None:
    for rows, seed in ((OWN, 3), (wikisql, 4)):
        matching, wrong = contradictions(executor, rows, 1_500, seed, with_context=with_context)
        assert matching > 200
        assert not wrong
