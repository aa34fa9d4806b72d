from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.contract.splits import BY_ROW, BY_SCHEMA
from trainables.data.errors import DatasetError
from trainables.data.schema_groups import group_of
from trainables.data.spelling import collapse_white_space
from trainables.data.splits import Splits, divide, load_splits
from trainables.data.tables import Example
from trainables.embedded import corpus


def example(number: int, context: str = "", sql: str = "") -> Example:
    return Example(f"e{number}", f"question {number}", context, sql or f"SELECT {number}")


def key(row: Example) -> tuple[str, str]:
    return (
        collapse_white_space(row.sql_prompt).casefold(),
        collapse_white_space(row.sql_context).casefold(),
    )


TABLE = st.lists(st.integers(0, 60), min_size=30, max_size=80).map(
    lambda numbers: [example(n, sql=f"SELECT {i}") for i, n in enumerate(numbers)]
)


@given(
    train=TABLE,
    test=st.none() | TABLE,
    validation=st.none() | TABLE,
    seed=st.integers(0, 1000),
)
def test_no_question_is_in_two_splits(
    train: list[Example], test: list[Example] | None, validation: list[Example] | None, seed: int
) -> None:
    tables = {"train": train}
    if test is not None:
        tables["test"] = test
    if validation is not None:
        tables["validation"] = validation
    try:
        splits = divide(tables, "rows", seed, 3, 5, BY_ROW)
    except DatasetError:  # too few questions are left: said, not worked around
        return
    parts = [{key(e) for e in part} for part in (splits.train, splits.validation, splits.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert len(splits.validation) == 3
    assert len(splits.test) == 5


def test_case_and_white_space_make_no_other_question() -> None:
    train = [Example(f"t{i}", f"QUESTION  {i}", " ", "SELECT 1") for i in range(20)]
    splits = divide(
        {"train": train, "test": [example(i) for i in range(10)]}, "rows", 0, 2, None, BY_ROW
    )
    assert {e.example_id for e in splits.train + splits.validation} == {
        f"t{i}" for i in range(10, 20)
    }


def test_smaller_sizes_are_nested_and_follow_the_seed() -> None:
    tables = {"train": [example(i) for i in range(50)]}
    splits = divide(tables, "rows", 1, 5, 5, BY_ROW)
    assert splits.training_rows(10) == splits.training_rows(30)[:10]
    assert divide(tables, "rows", 1, 5, 5, BY_ROW) == splits
    assert divide(tables, "rows", 2, 5, 5, BY_ROW).train != splits.train


def test_test_rows_are_the_first_of_the_test_table() -> None:
    test = [example(i) for i in range(100, 120)]
    splits = divide(
        {"train": [example(i) for i in range(20)], "test": test}, "rows", 0, 2, 5, BY_ROW
    )
    assert list(splits.test) == test[:5]


def test_one_table_gives_a_tenth_to_the_test() -> None:
    splits = divide({"train": [example(i) for i in range(50)]}, "rows", 0, 5, None, BY_ROW)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (40, 5, 5)


@pytest.mark.parametrize(
    ("validation_rows", "test_rows", "message"),
    [
        (10, 51, "51 test rows are asked for, but .* has 50"),
        (46, 5, "46 validation rows are asked for, but .* has 45"),
        (45, 5, "leaves no training rows"),
    ],
)
def test_too_few_rows_are_explained(validation_rows: int, test_rows: int, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        divide(
            {"train": [example(i) for i in range(50)]},
            "rows",
            0,
            validation_rows,
            test_rows,
            BY_ROW,
        )


def test_a_data_size_beyond_the_rows_names_both_numbers() -> None:
    splits = Splits(tuple(example(i) for i in range(1200)), (), (), "")
    with pytest.raises(DatasetError, match="data_size is 5,000, but there are 1,200"):
        splits.training_rows(5000)


def test_the_fingerprint_is_of_the_rows_alone() -> None:
    tables = {"train": [example(i) for i in range(30)]}
    fingerprint = divide(tables, "rows", 0, 2, 2, BY_ROW).fingerprint
    assert fingerprint == divide(tables, "other name", 9, 5, 5, BY_ROW).fingerprint
    tables["train"][3] = example(3, sql="SELECT 'changed'")
    assert fingerprint != divide(tables, "rows", 0, 2, 2, BY_ROW).fingerprint


def test_a_table_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    fingerprints = set()
    for count in (20, 21):
        rows = [{"sql_prompt": f"q{i}", "sql_context": "", "sql": "SELECT 1"} for i in range(count)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        fingerprints.add(load_splits(str(path), None, 0, 2, 2, BY_ROW).fingerprint)
    assert len(fingerprints) == 2


def test_the_built_in_corpus_is_divided() -> None:
    splits = load_splits("embedded", None, 0, 100, None, BY_SCHEMA)
    assert len(splits.validation) == 100
    assert len(splits.train) > 5000
    assert splits.train[0].domain
    assert splits.fingerprint == corpus.FINGERPRINT


def test_wikisql_as_one_table_and_as_a_folder(shared: Path) -> None:
    whole = load_splits(str(shared / "data" / "wikisql-train.parquet"), None, 0, 100, 500, BY_ROW)
    assert len(whole.train) > 42_000
    assert len(whole.test) == 500
    folder = load_splits(str(shared / "data"), None, 0, 100, 500, BY_ROW)
    assert len(folder.validation) == 100
    assert folder.fingerprint != whole.fingerprint


def test_the_built_in_corpus_keeps_its_split_whatever_is_asked_for() -> None:
    kept = load_splits("embedded", None, 3, 100, 200, BY_ROW)
    assert load_splits("embedded", None, 3, 100, 200, BY_SCHEMA) == kept
    assert load_splits("embedded", None, 3, 100, 200, "domain") == kept
    for one, other in combinations((kept.train, kept.validation, kept.test), 2):
        assert not set(map(group_of, one)) & set(map(group_of, other))
