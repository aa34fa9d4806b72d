"""One question to the hub, and what a user is told when it has no answer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from tests.trainables.answering_hub import answer, go_online, refusal
from trainables.base_models.availability import check_model
from trainables.data.availability import check_dataset
from trainables.runtime import hub
from trainables.runtime.hub import Unavailable


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go_online(monkeypatch, tmp_path)


@pytest.mark.usefixtures("online")
def test_a_hub_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "HUB_SECONDS", 0.05)
    never = threading.Event()
    monkeypatch.setattr(HfApi, "model_info", lambda *a, **k: never.wait())
    with pytest.raises(Unavailable, match=r"cannot be reached \(no answer in 0.05 s\): cache it"):
        check_model("google/flan-t5-large")
    never.set()


@pytest.mark.usefixtures("online")
def test_two_questions_to_the_hub_take_less_than_ten_seconds() -> None:
    assert 2 * hub.HUB_SECONDS < 10 - 1


@pytest.mark.usefixtures("online")
@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (ConnectionError("[Errno -2] Name or service not known"), "Name or service not known"),
        (refusal(RepositoryNotFoundError), "is neither a local path nor on the Hugging Face hub"),
        (refusal(RevisionNotFoundError), 'has no revision "abc"'),
    ],
)
def test_what_the_hub_says_is_told(
    reply: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, reply)
    for check in (check_model, check_dataset):
        with pytest.raises(Unavailable) as raised:
            check("somebody/something", "abc")
        assert message in str(raised.value)
        assert "--profile embedded" in str(raised.value)
