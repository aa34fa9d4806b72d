"""Several writers, late writers, and readers beside them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from orchestrator.store import (
    NotPublishedError,
    PublicationUnknownError,
    Store,
    reader,
)
from tests.orchestrator.store import processes, samples
from tests.orchestrator.store.processes import KEYS
from tests.orchestrator.store.samples import SWEEP


def test_eight_processes_on_the_same_keys_agree_on_one_winner_each(tmp_path: Path) -> None:
    keys = 30
    started = [
        processes.start(processes.publish_all, tmp_path, writer, keys) for writer in range(8)
    ]
    outcomes: list[tuple[list[int], dict[int, int]]] = [link.recv() for _, link in started]
    for process, link in started:
        process.join()
        link.close()
    assert sorted(key for won, _ in outcomes for key in won) == list(range(keys))
    assert all(seen == outcomes[0][1] for _, seen in outcomes)
    for writer, (won, _) in enumerate(outcomes):
        for key in won:
            assert (tmp_path / f"state/{key}").read_bytes() == f"{writer}".encode() * 1000
    assert reader.reports(tmp_path)["attempt"].to_pylist() == [
        outcomes[0][1][rung] for rung in range(keys)
    ]
    assert not list((tmp_path / "staging").iterdir())


@pytest.mark.parametrize(
    ("trials", "seconds"),
    [(12, 0.0), pytest.param(12, 60.0, marks=[pytest.mark.long, pytest.mark.timeout(900)])],
)
def test_readers_never_fail_while_writers_write(
    tmp_path: Path, trials: int, seconds: float
) -> None:
    readers: list[tuple[Any, Any, Any]] = []
    for tool in ("duckdb", "polars", "pyarrow"):
        told, stop = processes.context().Pipe(duplex=False)
        process, receiver = processes.start(processes.read_until_told, tmp_path, tool, told)
        readers.append((process, stop, receiver))
    writers = [
        processes.start(processes.write_trials, tmp_path, number, trials, seconds)
        for number in range(4)
    ]
    written = sum(receiver.recv() for _, receiver in writers)
    for _, stop, _ in readers:
        stop.send("stop")
    sizes = []
    for process, _, receiver in readers:
        rounds, final = receiver.recv()
        process.join()
        assert isinstance(rounds, int), rounds
        sizes.append(final)
    assert sizes[0] == sizes[1] == sizes[2]
    assert sizes[0] == {"trials": written, "reports": 3 * written, "predictions": 60 * written}


class StoreAgainstDict(RuleBasedStateMachine):
    """Any order of publishing, repeating, failing and restarting equals a dict's `setdefault`."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.stores = [Store(self.root), Store(self.root)]
        self.reports: dict[tuple[str, int], float] = {}
        self.trials: dict[str, str] = {}
        self.files: dict[str, bytes] = {}

    @rule(
        store=st.integers(0, 1),
        trial=st.sampled_from(["t-a", "t-1e5"]),
        rung=st.integers(0, 2),
        value=st.floats(allow_nan=False),
    )
    def report(self, store: int, trial: str, rung: int, value: float) -> None:
        stored = self.stores[store].publish_report(samples.report(trial, rung, rouge_l=value))
        assert stored["rouge_l"] == self.reports.setdefault((trial, rung), value)

    @rule(
        store=st.integers(0, 1),
        trial=st.sampled_from(["t-a", "t-1e5"]),
        outcome=st.sampled_from(["completed", "stopped", "failed"]),
    )
    def finish(self, store: int, trial: str, outcome: str) -> None:
        stored = self.stores[store].publish_trial(samples.trial(trial, outcome=outcome))
        assert stored["outcome"] == self.trials.setdefault(trial, outcome)

    @rule(
        store=st.integers(0, 1),
        key=st.sampled_from(["state/a", "state/b/c", "state/b/d"]),
        data=st.binary(max_size=10),
    )
    def put(self, store: int, key: str, data: bytes) -> None:
        assert self.stores[store].put_if_absent(key, data) == (key not in self.files)
        self.files.setdefault(key, data)

    @rule(
        key=st.sampled_from(["state/a", "state/b/c", "state/b/d"]),
        data=st.binary(max_size=10),
        call=st.sampled_from(["open", "write", "fsync", "link"]),
        number=st.integers(1, 6),
    )
    def put_on_a_full_disk(self, key: str, data: bytes, call: str, number: int) -> None:
        try:
            Store(self.root, samples.failing(call, number)).put_if_absent(key, data)
        except NotPublishedError:
            return  # as if nothing had happened
        except PublicationUnknownError:
            pass  # visible: the next writer is told that it is there
        self.files.setdefault(key, data)

    @rule(store=st.integers(0, 1))
    def restart(self, store: int) -> None:
        self.stores[store] = Store(self.root)

    @invariant()
    def the_store_equals_the_dict(self) -> None:
        if not hasattr(self, "root"):
            return
        reports = reader.reports(self.root).to_pylist()
        assert {(row["trial_id"], row["rung"]): row["rouge_l"] for row in reports} == self.reports
        assert len(reports) == len(self.reports)
        trials = reader.trials(self.root).to_pylist()
        assert {row["trial_id"]: row["outcome"] for row in trials} == self.trials
        files = (self.root / "state").rglob("*")
        assert {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in files
            if path.is_file()
        } == self.files
        assert not any((self.root / "staging").iterdir())
        for name in KEYS:
            assert SWEEP in reader.sweeps(self.root) or not (self.root / name).exists()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestStoreAgainstDict = StoreAgainstDict.TestCase
TestStoreAgainstDict.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
