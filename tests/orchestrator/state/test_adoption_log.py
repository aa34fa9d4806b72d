"""What a sweep has taken over is one list, made before its first trial."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.search.adoption import AdoptedRun, Adoption, Source, StoppingRule
from orchestrator.search.proposals import Proposal
from orchestrator.state.adoption_log import NOTHING, AdoptionLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.errors import DamagedError
from tests.orchestrator import sweeps

PROPOSAL = Proposal(12, 11, 0, {"technique": "lora", "data_size": 100, "rank": 4})
SOURCE = Source("toy-0a1b2c3d", "t-aaaaaaaaaa")
ADOPTION = Adoption((AdoptedRun(PROPOSAL, SOURCE, 90, False),), {"n-abc": SOURCE})
RULE = StoppingRule("eval_loss", 3.0, True)


@pytest.fixture
def files(tmp_path: Path) -> SweepFiles:
    return SweepFiles(Store(tmp_path / "store"), "toy-00000000")


def test_the_first_list_stays(files: SweepFiles) -> None:
    log = AdoptionLog(files)
    assert (log.read(), log.rule()) == (NOTHING, None)
    assert log.begin(NOTHING, RULE) == NOTHING
    assert log.begin(ADOPTION, RULE) == ADOPTION  # no trial was proposed by the list before
    ProposalLog(files).write(PROPOSAL)
    assert log.begin(NOTHING, StoppingRule("rouge_l", None, False)) == ADOPTION
    assert (log.read(), log.rule()) == (ADOPTION, RULE)


def test_runs_beyond_the_number_of_trials_belong_to_the_sweep(
    files: SweepFiles, tmp_path: Path
) -> None:
    log, sweep = AdoptionLog(files), sweeps.toy(tmp_path, replicates=2)
    assert len(log.numbering(sweep)) == sweep.runs == 17
    log.begin(ADOPTION, RULE)
    numbering = log.numbering(sweep)
    assert len(numbering) == len(list(numbering)) == 19
    assert list(numbering)[-2:] == [(23, 11, 0), (24, 11, 1)]
    longer = sweeps.toy(tmp_path, replicates=2, trials=12)
    assert len(log.numbering(longer)) == longer.runs
    assert [each for each in log.numbering(longer) if each[1] == 11] == list(numbering)[-2:]


@pytest.mark.parametrize(
    "change",
    [
        {"runs": [{}]},
        {"runs": None},
        {"confirming": []},
        {"confirming": {"n-abc": {"sweep_id": "../..", "trial_id": "t-a"}}},
    ],
)
def test_a_record_that_is_none_is_named(files: SweepFiles, change: dict[str, Any]) -> None:
    AdoptionLog(files).begin(ADOPTION, RULE)
    path = files.path(files.adopted_key)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DamagedError, match=r"adopted.json is not the record of what was adopted"):
        AdoptionLog(files).read()


def test_a_rule_that_is_none_is_named(files: SweepFiles) -> None:
    AdoptionLog(files).begin(ADOPTION, RULE)
    files.path(files.adopted_key).write_text('{"stopping": {"by": 1, "factor": 2}}')
    with pytest.raises(DamagedError, match=r"adopted.json is not"):
        AdoptionLog(files).rule()
