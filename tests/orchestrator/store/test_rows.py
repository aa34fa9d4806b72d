from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.store import PREDICTIONS, REPORTS, SCHEMA_VERSION, TRIALS, rows
from orchestrator.store.schema import SCORE_COLUMNS, STEP, STEPS, TABLES
from tests.orchestrator.store.samples import report, trial
from trainables.contract.scores import SCORES

_VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): st.text(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.bool_(): st.booleans(),
    pa.timestamp("us"): st.datetimes().map(lambda moment: moment.replace(fold=0)),
}
_VALUES[STEPS] = st.lists(
    st.tuples(*(_VALUES[field.type] for field in STEP)).map(
        lambda values: dict(zip([field.name for field in STEP], values, strict=True))
    ),
    max_size=3,
)
_NAMES: dict[str, st.SearchStrategy[str | None]] = {
    "sweep_id": st.just("rank-0a1b2c3d"),
    "trial_id": st.just("t-aaaaaaaaaa"),
    "checkpoint": st.sampled_from(
        [None, "checkpoints/sweep=rank-0a1b2c3d/t-aaaaaaaaaa/0000000100"]
    ),
}
"""What becomes a path has one form only."""


@given(st.data())
def test_every_report_comes_back_as_it_was(data: st.DataObject) -> None:
    row = {
        field.name: data.draw(
            _NAMES.get(field.name, _VALUES[field.type])
            if field.name in REPORTS.required or field.name in _NAMES
            else st.none() | _VALUES[field.type]
        )
        for field in REPORTS.schema
    } | {"schema_version": SCHEMA_VERSION}
    file = rows.encode(REPORTS, rows.to_arrow(REPORTS, [row]))
    (back,) = rows.decode(REPORTS, pa.BufferReader(file), "file").to_pylist()
    # repr: NaN equals itself, and an integer differs from a fraction.
    assert {name: repr(value) for name, value in back.items()} == {
        name: repr(value) for name, value in row.items()
    }


def test_an_absent_value_is_null_and_a_nan_is_nan() -> None:
    content = rows.to_arrow(REPORTS, [report(train_loss=math.nan, bleu=None)])
    (row,) = content.to_pylist()
    assert math.isnan(row["train_loss"])
    assert row["bleu"] is None
    assert row["gleu"] is None
    assert content["gleu"].null_count == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_an_objective_is_finite_or_null(value: float | None) -> None:
    (row,) = rows.to_arrow(TRIALS, [trial(objective=value)]).to_pylist()
    assert row["objective"] is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rouge": 0.5}, "no column 'rouge'; the nearest column is 'rouge_l'"),
        ({"step": None}, "has no 'step'"),
        ({"step": 1.5}, "'step' .* holds int64, but the value is 1.5"),
        ({"step": True}, "holds int64"),
        ({"bleu": "0.5"}, "holds double, but the value is '0.5'"),
        ({"device_kind": 3}, "holds string"),
        ({"meteor_synonyms": 0.5}, "holds bool"),
        ({"reported_at": "yesterday"}, "holds timestamp"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rows.to_arrow(REPORTS, [report(**values)])


def test_an_outcome_that_is_not_final_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'running' is not final; .* completed, stopped"):
        rows.to_arrow(TRIALS, [trial(outcome="running")])


def test_values_of_numpy_and_other_zones_are_taken() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    (row,) = rows.to_arrow(
        REPORTS,
        [
            report(
                step=np.int64(7),
                bleu=np.float32(0.5),
                reported_at=datetime.datetime(2026, 1, 1, 2, tzinfo=zone),
            )
        ],
    ).to_pylist()
    assert (row["step"], row["bleu"]) == (7, 0.5)
    assert row["reported_at"] == datetime.datetime(2026, 1, 1)


def test_half_a_character_does_not_lose_the_file() -> None:
    (row,) = rows.to_arrow(REPORTS, [report(device_name="GPU \ud83d")]).to_pylist()
    assert row["device_name"] == "GPU ?"


def test_a_file_says_which_table_and_version_it_is() -> None:
    file = rows.encode(REPORTS, rows.to_arrow(REPORTS, [report()]))
    metadata = pq.read_metadata(pa.BufferReader(file)).metadata
    assert metadata[b"finetune_sweep.table"] == b"reports"
    assert metadata[b"finetune_sweep.schema_version"] == str(SCHEMA_VERSION).encode()


def test_the_tables_have_every_score_of_the_trainables() -> None:
    assert SCORE_COLUMNS == SCORES
    for name in SCORES:
        assert all(name in table.schema.names for table in TABLES.values())
        assert {f"{name}_se", f"test_{name}", f"test_{name}_se"} <= set(TRIALS.schema.names)
        assert f"{name}_se" in REPORTS.schema.names
        assert f"{name}_se" not in PREDICTIONS.schema.names


def test_a_final_row_can_be_written_from_the_last_report_and_the_verdict() -> None:
    of_the_proposal = {
        *("sweep_name", "question", "configuration_id", "replicate", "profile", "technique"),
        *("rank", "alpha", "dropout", "target_modules", "virtual_tokens", "batch_size"),
        *("data_size", "epochs", "seed", "dataset", "config_json", "phase", "stratum"),
        *("content_id", "adopted_from"),
    }
    of_the_verdict = {
        *("outcome", "last_rung", "error", "attempts", "steps", "wall_seconds", "started_at"),
        *("objective_metric", "objective_mode", "objective", "ended_at", "environment_json"),
        "test_rows",
    }
    given = of_the_proposal | of_the_verdict | set(REPORTS.schema.names)
    left = set(TRIALS.schema.names) - given
    assert {name for name in left if not name.startswith("test_")} == set()
