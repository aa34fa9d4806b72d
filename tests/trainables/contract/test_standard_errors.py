"""Errors of means over rows that share schemas."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.contract.standard_errors import clustered_standard_error, independent_samples

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=30)


@given(SCORES)
def test_rows_of_their_own_schemas_have_the_plain_error(values: list[float]) -> None:
    plain = statistics.stdev(values) / math.sqrt(len(values))
    assert clustered_standard_error(values, range(len(values))) == pytest.approx(plain, abs=1e-9)
    # Of a single schema the rows are the sample.
    assert clustered_standard_error(values, ["one"] * len(values)) == pytest.approx(plain, abs=1e-9)


@given(SCORES, st.integers(2, 5))
def test_rows_that_repeat_within_a_schema_add_nothing(values: list[float], times: int) -> None:
    repeated = [value for value in values for _ in range(times)]
    schemas = [schema for schema in range(len(values)) for _ in range(times)]
    alone = clustered_standard_error(values, range(len(values)))
    assert clustered_standard_error(repeated, schemas) == pytest.approx(alone, abs=1e-9)


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=10))
def test_schemas_of_equal_size_have_the_error_of_their_means(schemas: list[list[float]]) -> None:
    means = [statistics.fmean(values) for values in schemas]
    rows = [value for values in schemas for value in values]
    names = [name for name, values in enumerate(schemas) for _ in values]
    expected = statistics.stdev(means) / math.sqrt(len(means))
    assert clustered_standard_error(rows, names) == pytest.approx(expected, abs=1e-9)


def test_schemas_of_unequal_size_by_hand() -> None:
    # Mean 0.5, gaps 0.5, 0.5 | -0.5 | -0.5: sums 1, -0.5, -0.5; 3 / 2 * 1.5 / 16.
    error = clustered_standard_error([1.0, 1.0, 0.0, 0.0], ["a", "a", "b", "c"])
    assert error == pytest.approx(math.sqrt(1.5 * 1.5 / 16))


def test_one_row_has_no_error_and_each_row_needs_its_schema() -> None:
    assert clustered_standard_error([1.0], ["a"]) is None
    assert clustered_standard_error([], []) is None
    with pytest.raises(ValueError, match="There are 1 clusters for 2 values"):
        clustered_standard_error([1.0, 0.0], ["a"])


def test_samples_are_schemas_or_the_rows_of_a_single_one() -> None:
    assert independent_samples(["a", "b", "a"]) == 2
    assert independent_samples(["a", "a", "a"]) == 3
