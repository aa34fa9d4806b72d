from __future__ import annotations

from pathlib import Path

from orchestrator.store import PREDICTIONS, REPORTS, TRIALS, Store
from orchestrator.store.schema import TABLES
from tests.orchestrator.store.samples import SWEEP, prediction, report, trial

TRIAL = "t-aaaaaaaaaa"


def test_a_report_that_is_there_already_is_handed_back(tmp_path: Path) -> None:
    first = Store(tmp_path).publish_report(report(rouge_l=0.25, attempt=1))
    second = Store(tmp_path).publish_report(report(rouge_l=0.75, attempt=2))
    assert second == first
    assert (second["rouge_l"], second["attempt"]) == (0.25, 1)
    assert list(first) == REPORTS.schema.names


def test_reports_come_back_by_rung(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for rung in (2, 0, 1):
        store.publish_report(report(rung=rung))
    store.publish_report(report("t-bbbbbbbbbb"))
    assert [row["rung"] for row in store.reports(SWEEP, TRIAL)] == [0, 1, 2]
    found = store.report(SWEEP, TRIAL, 200)
    assert found is not None
    assert found["rung"] == 1
    assert store.report(SWEEP, TRIAL, 250) is None
    assert store.reports(SWEEP, "t-cccccccccc") == []


def test_the_latest_report_is_whole_and_those_before_it_are_read_in_part(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for rung in range(3):
        store.publish_report(report(rung=rung, rouge_l=rung / 4))
    whole = store.reports(SWEEP, TRIAL)
    *earlier, latest = store.reports(SWEEP, TRIAL, earlier=("rouge_l",))
    assert latest == whole[-1]
    few = {"sweep_id", "trial_id", "trial_number", "schema_version", "rung", "step", "rouge_l"}
    for known, row in zip(whole, earlier, strict=False):
        assert row == {name: known[name] for name in few}
    assert len(earlier) == 2


def test_a_report_without_a_time_is_stamped(tmp_path: Path) -> None:
    row = {name: value for name, value in report().items() if name != "reported_at"}
    assert Store(tmp_path).publish_report(row)["reported_at"] is not None


def test_the_evaluation_on_test_rows_adds_no_report(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for split in ("validation", "test"):
        rows = [prediction(number) for number in range(3)]
        assert store.publish_predictions(SWEEP, TRIAL, 0, split, "standard", 20, 200, rows)
        assert not store.publish_predictions(SWEEP, TRIAL, 0, split, "standard", 20, 200, [])
    assert store.predictions(SWEEP, TRIAL, "test").num_rows == 3
    assert store.predictions(SWEEP, TRIAL, "validation")["split"].to_pylist() == ["validation"] * 3
    assert store.predictions(SWEEP, TRIAL, "train").schema == PREDICTIONS.schema
    assert store.reports(SWEEP, TRIAL) == []


def test_the_final_row_of_a_trial_is_the_first_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.trial(SWEEP, TRIAL) is None
    assert store.trials(SWEEP) == []
    first = store.publish_trial(trial(outcome="stopped"))
    assert store.publish_trial(trial(outcome="failed", error="a zombie")) == first
    assert store.trial(SWEEP, TRIAL) == first
    assert list(first) == TRIALS.schema.names
    store.publish_trial(trial("t-0000000000", trial_number=-1))
    assert [row["trial_number"] for row in store.trials(SWEEP)] == [-1, 0]


def test_nothing_but_parquet_lies_under_the_tables(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.publish_predictions(SWEEP, TRIAL, 0, "test", "standard", 1, 1, [prediction(0)])
    store.publish_report(report())
    store.publish_trial(trial())
    files = {
        path.relative_to(tmp_path).as_posix()
        for name in TABLES
        for path in (tmp_path / name).rglob("*")
        if path.is_file()
    }
    assert files == {
        f"trials/sweep={SWEEP}/{TRIAL}.parquet",
        f"reports/sweep={SWEEP}/trial={TRIAL}/0000000000-0000000100.parquet",
        f"predictions/sweep={SWEEP}/trial={TRIAL}/test-standard-0000000001.parquet",
    }
