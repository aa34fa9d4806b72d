"""What a mean over rows of shared schemas is worth."""

from __future__ import annotations

import pyarrow as pa
import pytest

from orchestrator.results.clusters import clustered_mean, clusters_by_example
from orchestrator.store.clusters import cluster_names

PREDICTIONS = pa.table(
    {
        "example_id": ["a", "b", "c", "d"],
        "schema_group": pa.array(["x", None, None, "x"], pa.string()),
        "sql_context": pa.array(["", "CREATE TABLE t (a INT)", "create table T(a INT);", None]),
    }
)


def test_rows_that_do_not_say_it_are_of_their_schema() -> None:
    names = cluster_names(PREDICTIONS)
    assert names[0] == names[3] == "x"
    assert names[1] == names[2] != "x"
    assert clusters_by_example(PREDICTIONS) == dict(zip("abcd", names, strict=True))


def test_a_mean_has_as_many_samples_as_schemas() -> None:
    found = clustered_mean([1.0, 0.0, 0.0, 1.0], cluster_names(PREDICTIONS))
    assert (found.mean, found.rows, found.samples) == (0.5, 4, 2)
    assert found.standard_error == pytest.approx(0.5)
    low, high = found.interval or (0, 0)
    assert high - 0.5 == pytest.approx(0.5 - low) == pytest.approx(0.5 * 12.7062, abs=1e-4)


def test_one_row_has_no_interval() -> None:
    found = clustered_mean([1.0], ["x"])
    assert (found.standard_error, found.interval) == (None, None)
