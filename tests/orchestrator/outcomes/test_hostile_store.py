"""A store is data: whatever its rows and files say, nothing outside of it is touched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.simulation import Clock, Simulation, Unsynced, synthetic
from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.outcomes.kept_models import KeptModels
from orchestrator.outcomes.standing import standing
from orchestrator.predict.stored_model import choose
from orchestrator.results.errors import ResultsError
from orchestrator.search_space import Sweep
from orchestrator.state import records
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.lock import hold
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.state.sweep_files import found
from orchestrator.store import Store, StoreError, keys
from orchestrator.store.errors import DamagedError
from tests.orchestrator import sweeps


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweeps.toy(tmp_path_factory.mktemp("space"), trials=5)


@pytest.fixture(scope="module")
def pristine(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished store in which every trial has a checkpoint."""
    root = tmp_path_factory.mktemp("pristine")
    stored = latest(sweep, Store(root, Unsynced()))
    Simulation(stored, synthetic, slots=1, clock=Clock()).run()
    for file in _tables(root):
        _change(file, {"checkpoint": None})
    for row in stored.store.trials(stored.id):
        reports = stored.store.reports(stored.id, row["trial_id"])
        checkpoints = TrialCheckpoints(stored.files, row["trial_id"])
        key = checkpoints.publish(
            reports[-1]["rung_examples"], lambda folder: (folder / "weights").touch()
        )
        file = stored.root / keys.trial_key(stored.id, row["trial_id"])
        _change(file, {"checkpoint": key})
    return root


@pytest.fixture
def stored(sweep: Sweep, pristine: Path, tmp_path: Path) -> StoredSweep:
    root = tmp_path / "store"
    shutil.copytree(pristine, root)
    return latest(sweep, Store(root, Unsynced()))


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    return folder


def _tables(root: Path) -> list[Path]:
    return sorted(
        path for name in ("trials", "reports") for path in root.glob(f"{name}/**/*.parq*")
    )


def _change(file: Path, values: dict[str, Any]) -> None:
    table = pq.read_table(file, partitioning=None)
    (row,) = table.to_pylist()
    pq.write_table(pa.Table.from_pylist([row | values], schema=table.schema), file)


def _go_on(stored: StoredSweep) -> None:
    """Does what a start of the sweep does with what is stored, and what `predict` does."""
    state = standing(stored, Conclusions(stored, "{}"))
    models = KeptModels(stored)
    for row in state.rows.values():
        models.ended(row)
    for number in state.proposals:
        AttemptLog(stored.files).of(number)
    for row in state.rows.values():
        choose(stored.root, None, row["trial_id"])


def _refusal(stored: StoredSweep) -> str:
    """Returns why the sweep does not go on; nothing if it does."""
    try:
        _go_on(stored)
    except (StoreError, ResultsError) as error:
        return str(error)
    return ""


def test_an_honest_store_goes_on(stored: StoredSweep) -> None:
    _go_on(stored)


_TIMES = ("ended_at", "reported_at")

_ROWS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "an absolute trial": lambda victim: {"trial_id": str(victim), "checkpoint": None},
    "a trial above": lambda victim: {"trial_id": "../../../documents", "checkpoint": None},
    "dots": lambda victim: {"trial_id": "..", "checkpoint": None},
    "nothing": lambda victim: {"trial_id": "", "checkpoint": None},
    "another trial": lambda victim: {"trial_id": "t-aaaaaaaaaa", "checkpoint": None},
    "another number": lambda victim: {"trial_number": 3000, "checkpoint": None},
    "an absolute sweep": lambda victim: {"sweep_id": str(victim)},
    "another sweep": lambda victim: {"sweep_id": "toy-00000000"},
    "an absolute checkpoint": lambda victim: {"checkpoint": str(victim)},
    "a checkpoint above": lambda victim: {"checkpoint": "checkpoints/../../documents"},
    "another trial's checkpoint": lambda victim: {
        "checkpoint": "checkpoints/sweep=a/t-b/0000000900"
    },
    "an outcome": lambda victim: {"outcome": "../documents"},
    "a time before all": lambda victim: dict.fromkeys(_TIMES, -62_135_596_800_000_001),
    "a time after all": lambda victim: dict.fromkeys(_TIMES, 2**63 - 1),
}


@pytest.mark.parametrize("table", ["trials", "reports"])
@pytest.mark.parametrize("values", _ROWS.values(), ids=_ROWS.keys())
def test_a_row_that_names_what_is_not_its_own_is_refused_by_name(
    stored: StoredSweep, victim: Path, table: str, values: Callable[[Path], dict[str, Any]]
) -> None:
    file = next(path for path in _tables(stored.root) if table in path.parts)
    columns = pq.read_schema(file).names
    changed = {name: value for name, value in values(victim).items() if name in columns}
    if not changed:
        pytest.skip("reports have no such column")
    _change(file, changed)
    with pytest.raises(DamagedError, match=str(file) if "trial_number" not in changed else "t-"):
        _go_on(stored)
    assert (victim / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("of_all", [True, False], ids=["the trial's folder", "the checkpoint"])
def test_a_link_out_of_the_store_is_neither_followed_nor_emptied(
    stored: StoredSweep, victim: Path, of_all: bool
) -> None:
    folder = next((stored.root / "checkpoints").glob("*/*/*"))
    place = folder.parent if of_all else folder
    inside = victim / folder.name if of_all else victim
    inside.mkdir(exist_ok=True)
    for name in ("training_state.safetensors", "weights"):
        (inside / name).touch()
    (victim / "0000000001").mkdir()  # as of an earlier rung
    shutil.rmtree(place)
    place.symlink_to(victim)
    kept = sorted(victim.rglob("*"))
    with pytest.raises(DamagedError, match="leads out of the store"):
        _go_on(stored)
    TrialCheckpoints(stored.files, folder.parent.name).drop_before(10**9)
    assert sorted(victim.rglob("*")) == kept


def test_a_linked_file_in_a_checkpoint_is_not_read(stored: StoredSweep, victim: Path) -> None:
    folder = next((stored.root / "checkpoints").glob("*/*/*"))
    (folder / "adapter_config.json").symlink_to(victim / "thesis.txt")
    with pytest.raises(DamagedError, match=r"adapter_config\.json leads out of the store"):
        choose(stored.root, None, folder.parent.name)


@pytest.mark.parametrize(
    "content", [b"", b'{"trial_nu', b"[]", b"7", b"{}", b"\xff\xfe", b"[" * 10**5]
)
@pytest.mark.parametrize("kind", ["proposals", "start", "failure"])
def test_a_damaged_record_is_one_line_with_its_remedy(
    stored: StoredSweep, kind: str, content: bytes
) -> None:
    folder = stored.root / "state" / f"sweep={stored.id}"
    AttemptLog(stored.files).fail(2, "failed", "no", "no")
    pattern = "proposals/000002.json" if kind == "proposals" else f"attempts/000002/*{kind}.json"
    file = min(folder.glob(pattern))
    file.write_bytes(content)
    with pytest.raises(
        DamagedError, match=f"{file} is not .* of this sweep: .*; .*[a-z]"
    ) as caught:
        _go_on(stored)
    assert "\n" not in str(caught.value)
    if kind != "proposals":
        file.unlink()
        _go_on(stored)


def test_a_proposal_that_was_not_reported_can_be_removed(sweep: Sweep, tmp_path: Path) -> None:
    stored = latest(sweep, Store(tmp_path / "store", Unsynced()))
    Simulation(stored, synthetic, slots=1, clock=Clock()).advance()
    (file,) = (stored.root / "state").glob("*/proposals/000000.json")
    whole = file.read_bytes()
    file.write_bytes(whole[:40])
    with pytest.raises(DamagedError, match="has reported, so put it back from a copy"):
        _go_on(stored)
    for report in (stored.root / "reports").rglob("*.parquet"):
        report.unlink()
    with pytest.raises(DamagedError, match="remove it: its trial has not reported"):
        _go_on(stored)


def test_a_proposal_of_something_else_is_foreign(stored: StoredSweep) -> None:
    folder = stored.root / "state" / f"sweep={stored.id}" / "proposals"
    record = json.loads((folder / "000002.json").read_text())
    for changed in (
        {"configuration": {"technique": "no such"}},
        {"configuration": "lora"},
        {"trial_number": 3},
        {"trial_number": -1},
        {"replicate": "0"},
    ):
        (folder / "000002.json").write_text(json.dumps(record | changed))
        with pytest.raises(DamagedError, match="000002"):
            _go_on(stored)
    (folder / "000002.json").write_text(json.dumps(record))
    (folder / "notes.json").write_text("{}")
    with pytest.raises(DamagedError, match=r"notes\.json is not a proposal .*; move it away"):
        _go_on(stored)


def test_a_store_that_was_copied_in_part_says_what_is_missing(stored: StoredSweep) -> None:
    folder = next((stored.root / "reports").glob("*/*"))
    next(folder.iterdir()).unlink()
    with pytest.raises(DamagedError, match=f"not all of its .* reports under {folder}; copy the"):
        _go_on(stored)


def test_a_foreign_table_and_an_empty_one_are_named(stored: StoredSweep) -> None:
    file = next(path for path in _tables(stored.root) if "trials" in path.parts)
    whole = pq.read_table(file, partitioning=None)
    for content in (pa.table({"a": [1]}), whole.slice(0, 0), pa.concat_tables([whole, whole])):
        pq.write_table(content, file)
        with pytest.raises(StoreError, match=str(file)):
            stored.store.trials(stored.id)


_STATE = ("driver.lock", "driver.log", "device-seconds.new", "device-seconds.json", "stop", "ray")


@pytest.mark.parametrize(
    "name", [*_STATE, "", "attempts", "proposals", "attempts/000001/progress", "proposals/9.json"]
)
@pytest.mark.parametrize("to_folder", [True, False], ids=["a folder", "a file"])
def test_a_link_among_the_sweeps_files_has_nothing_written_over(
    stored: StoredSweep, victim: Path, name: str, to_folder: bool
) -> None:
    place = stored.root / "state" / f"sweep={stored.id}" / name
    if place.is_dir():
        place.rename(victim / "moved")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(victim if to_folder else victim / "thesis.txt")
    kept = sorted(victim.rglob("*"))
    with pytest.raises(DamagedError, match=f"{place} is a link"), hold(stored.files):
        DeviceSeconds(stored.files).write(1.0)
    if place.is_dir() or name:
        with pytest.raises(DamagedError, match=f"{place} is a link"):
            found(stored.root, stored.id)
    assert sorted(victim.rglob("*")) == kept
    assert (victim / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("name", [*_STATE, "attempts/000001/progress", "proposals/000002.json"])
def test_a_pipe_among_the_sweeps_files_holds_nothing_up(stored: StoredSweep, name: str) -> None:
    place = stored.root / "state" / f"sweep={stored.id}" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    with pytest.raises(DamagedError, match=f"{place} is a pipe"), hold(stored.files):
        pass
    if place.suffix == ".json" and place.parent.name == "proposals":
        with pytest.raises(DamagedError, match=f"{place} is a pipe"):
            _go_on(stored)


def test_a_record_without_end_is_not_read(
    stored: StoredSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_LARGEST", 1000)
    place = stored.root / "state" / f"sweep={stored.id}" / "proposals" / "000002.json"
    place.write_bytes(place.read_bytes() + b" " * 1000)
    with pytest.raises(DamagedError, match=r"000002\.json is not a proposal"):
        _go_on(stored)


def test_no_checkpoint_is_put_elsewhere(stored: StoredSweep, victim: Path) -> None:
    folder = stored.root / "checkpoints"
    folder.rename(victim / "moved")
    folder.symlink_to(victim)
    kept = sorted(victim.rglob("*"))
    checkpoints = TrialCheckpoints(stored.files, stored.trial_id(1))
    with pytest.raises(DamagedError, match="checkpoints is a link"):
        checkpoints.publish(7, Path.touch)
    with pytest.raises(DamagedError, match="checkpoints is a link"), hold(stored.files):
        pass
    assert sorted(victim.rglob("*")) == kept


def test_what_lies_beside_a_checkpoint_is_left_alone(stored: StoredSweep) -> None:
    folder = next((stored.root / "checkpoints").glob("*/*/*"))
    beside = [folder.with_suffix(".bak"), folder.parent / "notes", folder.parent / "12"]
    for path in beside:
        path.mkdir()
    _go_on(stored)
    checkpoints = TrialCheckpoints(stored.files, folder.parent.name)
    assert checkpoints.stored() == {int(folder.name)}
    assert all(path.is_dir() for path in beside)


_ANYTHING = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["..", "/etc", "../../documents", "~", "\x00", "t-aaaaaaaaaa", "1e5", "{}"]),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_row_says_nothing_outside_is_touched(
    sweep: Sweep, pristine: Path, tmp_path: Path, data: st.DataObject
) -> None:
    root, victim = tmp_path / "store", tmp_path / "documents"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(pristine, root)
    victim.mkdir(exist_ok=True)
    (victim / "thesis.txt").touch()
    file = data.draw(st.sampled_from(_tables(root)))
    schema = pq.read_schema(file)
    column = data.draw(st.sampled_from(schema.names))
    value = data.draw(st.just(str(victim)) | _ANYTHING)
    try:
        _change(file, {column: value})
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return  # no value of the column's type
    assert "\n" not in _refusal(latest(sweep, Store(root, Unsynced())))
    assert (victim / "thesis.txt").exists()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_state_file_holds_it_is_refused_or_harmless(
    sweep: Sweep, pristine: Path, tmp_path: Path, data: st.DataObject
) -> None:
    root = tmp_path / "store"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(pristine, root)
    files = sorted(path for path in (root / "state").rglob("*.json"))
    file = data.draw(st.sampled_from(files))
    content = file.read_bytes()
    start, length = data.draw(st.tuples(st.integers(0, len(content)), st.integers(0, 30)))
    put = data.draw(st.binary(max_size=8) | st.sampled_from([b"null", b'"', b"}", b"1e999", b"-1"]))
    file.write_bytes(content[:start] + put + content[start + length :])
    assert "\n" not in _refusal(latest(sweep, Store(root, Unsynced())))
