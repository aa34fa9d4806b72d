"""Rows that are split by schema: none on two sides, and what is appended moves none."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.contract.splits import BY_SCHEMA
from trainables.data.errors import DatasetError
from trainables.data.schema_groups import group_of
from trainables.data.sides import FEWEST_GROUPS, SIDE_SHARE, check_groups, side_of
from trainables.data.splits import Splits, divide
from trainables.data.tables import Example

WRITINGS = (
    "CREATE TABLE t{0} (a INT)",
    "create  table T{0}(a int);\n",
    "CREATE TABLE t{0} (a INT);",
)


def row(schema: int, number: int, writing: int = 0, group: str | None = None) -> Example:
    return Example(
        f"{schema}-{number}",
        f"question {number}",
        WRITINGS[writing].format(schema),
        f"SELECT {number}",
        group=group,
    )


def table(sizes: Sequence[int]) -> list[Example]:
    return [
        row(schema, number, number % len(WRITINGS))
        for schema, size in enumerate(sizes)
        for number in range(size)
    ]


# Of equal weight, so that no schema has most of the rows.
SIZES = st.lists(st.integers(1, 6), min_size=FEWEST_GROUPS, max_size=80)
SEEDS = st.integers(0, 1000)


def split(rows: list[Example], seed: int, **own: list[Example]) -> Splits | None:
    try:
        return divide({"train": rows, **own}, "rows", seed, 2, 2, BY_SCHEMA)
    except DatasetError:  # too few rows fell to a side: said, not worked around
        return None


def sides(splits: Splits) -> dict[str, str]:
    return {
        group_of(example): name
        for name in ("train", "validation", "test")
        for example in getattr(splits, name)
    }


@given(SIZES, SEEDS)
def test_no_schema_stands_on_two_sides(sizes: list[int], seed: int) -> None:
    splits = split(table(sizes), seed)
    if splits is None:
        return
    parts = [set(map(group_of, part)) for part in (splits.train, splits.validation, splits.test)]
    for one, other in combinations(parts, 2):
        assert not one & other
    assert (len(splits.validation), len(splits.test)) == (2, 2)


@given(SIZES, SEEDS, st.lists(st.tuples(st.integers(0, 120), st.integers(6, 9)), max_size=40))
def test_rows_that_are_appended_move_none(
    sizes: list[int], seed: int, appended: list[tuple[int, int]]
) -> None:
    before = split(table(sizes), seed)
    longer = [*table(sizes), *(row(schema, number) for schema, number in dict.fromkeys(appended))]
    after = split(longer, seed)
    if before is None or after is None:
        return
    now = sides(after)
    for group, side in sides(before).items():
        assert now.get(group, side) == side
    # No row of the test, or of validation, came into training.
    trained = set(map(group_of, after.train))
    assert not trained & {group_of(example) for example in before.test + before.validation}
    assert set(before.train) <= set(after.train)


@given(SIZES, SEEDS)
def test_the_order_of_the_table_does_not_matter(sizes: list[int], seed: int) -> None:
    rows = table(sizes)
    mixed = random.Random(seed).sample(rows, len(rows))
    one, other = split(rows, seed), split(mixed, seed)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert (one.train, one.validation, one.test) == (other.train, other.validation, other.test)


@given(SIZES, SEEDS, st.integers(0, 100), st.integers(0, 100))
def test_smaller_sizes_are_nested(sizes: list[int], seed: int, one: int, other: int) -> None:
    splits = split(table(sizes), seed)
    if splits is None:
        return
    small, large = sorted(min(size, len(splits.train)) for size in (one, other))
    assert splits.training_rows(small) == splits.training_rows(large)[:small]


@given(SIZES, SEEDS)
def test_validation_is_carved_by_schema_beside_a_test_of_its_own(
    sizes: list[int], seed: int
) -> None:
    rows = table(sizes)
    test = [row(0, 0), row(0, 50), row(999, 0)]  # the first is a training row as well
    splits = split(rows, seed, test=test)
    if splits is None:
        return
    assert list(splits.test) == test[:2]
    assert not set(map(group_of, splits.train)) & set(map(group_of, splits.validation))
    assert row(0, 0) not in splits.train + splits.validation
    # Its schemas stay in training: what the test is, is not ours to say.
    kept = [side_of(group_of(row(schema, 0)), seed) != "validation" for schema in range(len(sizes))]
    assert len(set(map(group_of, splits.train))) >= sum(kept) - 1


def test_a_data_set_with_all_splits_is_taken_as_it_is() -> None:
    rows = [row(1, number) for number in range(30)]  # a single schema is no matter here
    splits = divide(
        {"train": rows[:10], "validation": rows[10:20], "test": rows[20:]},
        "rows", 0, 5, 5, BY_SCHEMA,
    )  # fmt: skip
    assert set(splits.train) == set(rows[:10])
    assert set(splits.validation) <= set(rows[10:20])


def test_rows_with_one_value_of_a_column_stay_together() -> None:
    rows = [row(n, n, group=f"db{n % 50}") for n in range(500)]
    splits = divide({"train": rows}, "rows", 0, 20, 20, "db_id")
    values = [{e.group for e in part} for part in (splits.train, splits.validation, splits.test)]
    for one, other in combinations(values, 2):
        assert not one & other


def test_a_question_in_two_databases_is_tested_in_one_place_only() -> None:
    # The same question about the same schema under two values: not on two sides either.
    rows = [row(n % 40, n // 2, group=f"db{n % 50}") for n in range(2000)]
    splits = divide({"train": rows}, "rows", 0, 20, 20, "db_id")
    asked = [{(e.sql_prompt, e.sql_context) for e in p} for p in (splits.train, splits.validation)]
    assert not asked[0] & asked[1]


@pytest.mark.parametrize(
    ("sizes", "phrase"),
    [
        ([5] * 19, "has 19 schemas, .* takes at least 20; .*`--set split_by=row`.*COLUMN"),
        ([1] * 30 + [31], "Of the 61 rows .* 31 have one of its 31 schemas, .*split_by=row"),
    ],
)
def test_rows_that_cannot_be_split_are_refused_with_what_to_do(
    sizes: list[int], phrase: str
) -> None:
    with pytest.raises(DatasetError, match=phrase):
        divide({"train": table(sizes)}, "rows", 0, 1, 1, BY_SCHEMA)
    divide({"train": table(sizes)}, "rows", 0, 1, 1, "row")


def test_as_few_as_can_be_split_are_not_refused() -> None:
    check_groups([str(n) for n in range(20)], "rows", BY_SCHEMA)
    check_groups(["a"] * 30 + [str(n) for n in range(30)], "rows", BY_SCHEMA)


def test_too_few_rows_on_a_side_are_said_with_both_remedies() -> None:
    with pytest.raises(DatasetError) as error:
        divide({"train": table([2] * 50)}, "rows", 0, 90, 2, BY_SCHEMA)
    said = str(error.value)
    assert "90 validation rows are asked for, but the data set 'rows' has" in said
    assert "in the fifth of its schemas that is kept for them; set evaluation.validation" in said
    assert "--set split_by=row" in said


def test_a_fifth_of_the_schemas_is_on_each_side() -> None:
    found = [side_of(str(n), 0) for n in range(10_000)]
    for side in ("validation", "test"):
        assert found.count(side) / len(found) == pytest.approx(SIDE_SHARE, abs=0.02)
    assert found != [side_of(str(n), 1) for n in range(10_000)]
