"""A sweep goes on only with rows that are split as they were when it began."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.search.proposals import Proposal
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.split_record import OtherSplitError, check_split, record_split
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.store.errors import DamagedError
from tests.orchestrator import sweeps
from trainables.contract.splits import SPLIT_VERSION


def stored(folder: Path, dataset: str = "rows.parquet") -> StoredSweep:
    return latest(sweeps.toy(folder, dataset=dataset), Store(folder / "store"))


def begin(sweep: StoredSweep) -> None:
    proposal = Proposal(0, None, 0, {"technique": "pretrained"})
    ProposalLog(sweep.files).write(proposal)


def test_a_sweep_goes_on_under_the_version_that_it_began_with(tmp_path: Path) -> None:
    sweep = stored(tmp_path)
    check_split(sweep)
    record_split(sweep)
    begin(sweep)
    check_split(sweep)
    record_split(sweep)
    said = json.loads((sweep.root / sweep.files.split_key).read_text())
    assert said == {"split_version": SPLIT_VERSION, "split_by": "schema"}


def test_a_sweep_that_began_before_there_was_a_record_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    sweep = stored(tmp_path)
    begin(sweep)
    with pytest.raises(OtherSplitError, match="begun when rows were split row by row") as error:
        check_split(sweep)
    assert "Start another sweep with --new" in str(error.value)
    assert sweep.id in str(error.value)


def test_another_version_is_refused(tmp_path: Path) -> None:
    sweep = stored(tmp_path)
    begin(sweep)
    sweep.store.put_if_absent(sweep.files.split_key, b'{"split_version": 3}')
    with pytest.raises(OtherSplitError, match=r"split otherwise \(split version 3; now 2"):
        check_split(sweep)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"split_version": "2"}'])
def test_a_record_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    sweep = stored(tmp_path)
    begin(sweep)
    sweep.store.put_if_absent(sweep.files.split_key, content)
    with pytest.raises(DamagedError, match=r"split.json is not the record of the split"):
        check_split(sweep)


def test_the_built_in_corpus_has_kept_its_split(tmp_path: Path) -> None:
    sweep = stored(tmp_path, "embedded")
    begin(sweep)
    check_split(sweep)


def test_what_rows_are_split_by_makes_another_sweep(tmp_path: Path) -> None:
    by_row = latest(sweeps.toy(tmp_path, split_by="row"), Store(tmp_path / "store"))
    named = latest(sweeps.toy(tmp_path, split_by="schema"), Store(tmp_path / "store"))
    plain = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    assert by_row.id != plain.id == named.id
