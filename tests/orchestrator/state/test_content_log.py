"""What a sweep's numbers depend on is put on record once, and read by every trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.search.content import Base, Content, Versions
from orchestrator.search.proposals import Proposal
from orchestrator.state.content_log import ContentChangedError, ContentLog, Recorded
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.store.errors import DamagedError

VERSIONS = Versions(prompt=1, split=2, scoring=2, training=1)
CONTENT = Content(VERSIONS, "1234", Base.of("a" * 64, "b" * 64))
OTHER = Content(VERSIONS, "9876", Base.of("c" * 64, "b" * 64))


def files(folder: Path, *, begun: bool = True) -> SweepFiles:
    found = SweepFiles(Store(folder / "store"), "toy-0")
    if begun:
        ProposalLog(found).write(Proposal(0, None, 0, {"technique": "pretrained"}))
    return found


def test_what_is_on_record_stays(tmp_path: Path) -> None:
    log = ContentLog(files(tmp_path))
    assert log.content() is None
    log.begin(CONTENT)
    log.begin(OTHER)
    assert log.content() == CONTENT
    assert log.read() == Recorded(VERSIONS, "1234", CONTENT.base)


def test_before_the_first_proposal_it_binds_nobody(tmp_path: Path) -> None:
    log = ContentLog(files(tmp_path, begun=False))
    log.begin(CONTENT)
    log.begin(Content(VERSIONS, "9876"))
    assert log.content() == Content(VERSIONS, "9876", None)


def test_the_first_trial_says_what_was_not_known(tmp_path: Path) -> None:
    log = ContentLog(files(tmp_path))
    log.begin(Content(VERSIONS))
    log.check_report({"dataset_fingerprint": "1234", "base_fingerprint": "5678"})
    assert log.content() == Content(VERSIONS, "1234", Base("5678"))
    log.check_report({"dataset_fingerprint": "1234", "base_fingerprint": "5678"})
    with pytest.raises(ContentChangedError, match=r"base model changed .* 5678, now 8765"):
        log.check_report({"dataset_fingerprint": "1234", "base_fingerprint": "8765"})


def test_a_trial_that_has_read_other_rows_is_not_recorded(tmp_path: Path) -> None:
    log = ContentLog(files(tmp_path))
    log.begin(CONTENT)
    log.check_report({})  # a learner that does not say
    assert CONTENT.base is not None
    log.check_report({"base_fingerprint": CONTENT.base.fingerprint})
    with pytest.raises(ContentChangedError, match=r"rows of the data set .* 1234, now 4321"):
        log.check_report({"dataset_fingerprint": "4321"})


@pytest.mark.parametrize("part", ["versions", "rows", "base"])
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"fingerprint": null}', b'{"x": 1}'])
def test_a_record_that_is_none_is_named(tmp_path: Path, part: str, content: bytes) -> None:
    found = files(tmp_path)
    found.store.put_if_absent(f"{found.content_key}/{part}.json", content)
    with pytest.raises(DamagedError, match=rf"{part}.json is not a record of what"):
        ContentLog(found).read()
