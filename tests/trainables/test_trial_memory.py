"""What a trial takes of memory, by formula."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.loop_base import configuration, write_loop_base
from trainables import trial_memory
from trainables.runtime.seeding import isolated
from trainables.training.adapted_model import prepare

CPU = torch.device("cpu")
ROOM = 2**40


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_loop_base(tmp_path_factory.mktemp("base"))


def _memory(
    base: str, technique: str, room: int = ROOM, pack: int = 1, **given: Any
) -> trial_memory.TrialMemory:
    budget = 0 if technique == "pretrained" else 40
    trial = configuration(base, technique, budget_examples=budget, **given)
    found = trial_memory.memory(trial, CPU, 1000, room, pack)
    assert found.unknown is None
    return found


@pytest.mark.parametrize("technique", ["full", "lora", "prefix", "pretrained"])
def test_weights_and_moments_are_those_of_the_trial(base: str, technique: str) -> None:
    budget = 0 if technique == "pretrained" else 40
    with isolated(CPU):
        model = prepare(configuration(base, technique, budget_examples=budget), CPU)
    found = _memory(base, technique)
    copies = 2 if technique == "full" else 1
    assert found.weights == 4 * model.total_parameters * copies
    assert found.moments == 2 * 4 * model.trainable_parameters
    assert (found.training > 0) == (technique != "pretrained")
    assert found.evaluation > 0
    assert found.fits is None
    passes = max(found.training, found.evaluation)
    assert found.least == 1000 + found.weights + found.moments + passes
    assert found.least < found.total <= found.most


def test_more_rows_in_a_pass_take_more_and_checkpointing_takes_less(base: str) -> None:
    whole = _memory(base, "full").training
    assert _memory(base, "full", micro_batch_size=2).training < whole
    assert _memory(base, "full", gradient_checkpointing=True).training < whole


def test_a_four_bit_base_takes_less(base: str) -> None:
    assert _memory(base, "qlora").weights < _memory(base, "lora").weights


@pytest.mark.parametrize("technique", ["lora", "prefix", "full", "pretrained"])
def test_a_pack_has_one_base_and_what_each_trial_trains(base: str, technique: str) -> None:
    one, three = _memory(base, technique), _memory(base, technique, pack=3)
    trained = one.moments // 2
    assert three.moments == 3 * one.moments
    assert three.weights == one.weights + 2 * trained
    shares = technique in ("lora", "prefix")
    assert three.together == (3 if shares else 1)
    assert (three.training > one.training) == shares
    assert three.evaluation == one.evaluation  # its batches hold as many rows, whosever they are


def test_of_a_pack_whose_passes_are_too_large_the_rows_of_one_trial_must_fit(base: str) -> None:
    pack = _memory(base, "lora", pack=4)
    assert not _memory(base, "lora", pack=4, room=pack.least - 1).surely
    assert _memory(base, "lora", pack=4, room=pack.least - pack.training).surely


def test_the_largest_micro_batch_that_fits_is_found(base: str) -> None:
    whole, half = _memory(base, "full"), _memory(base, "full", micro_batch_size=4)
    assert half.total < whole.total
    found = _memory(base, "full", room=whole.total - 1)
    assert found.fits in (1, 2, 4)
    nothing = _memory(base, "full", room=1)
    assert nothing.fits == 0
    assert nothing.surely


def test_a_model_that_cannot_be_counted_is_not_known(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> int:
        raise RuntimeError("needs a value\nand more")

    monkeypatch.setattr(trial_memory._Fake, "evaluation", fails)
    found = trial_memory.memory(configuration(base), CPU, 0, ROOM)
    assert found.unknown == "needs a value"


def _answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trials: Sequence[Any]
) -> dict[str, Any]:
    monkeypatch.setattr("logging.disable", lambda level: None)  # for the rest of the process
    monkeypatch.setattr("sys.argv", ["trial_memory", "cpu", "2", "1", "1"])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(trials)))
    trial_memory.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return answer


def test_several_trials_are_answered_at_once(
    base: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = [configuration(base, name).to_dict() for name in ("full", "lora")]
    full, lora = _answer(monkeypatch, capsys, trials)["trials"]
    assert full["total"] > lora["total"] > lora["process"] > 0


def test_what_a_trial_would_fail_of_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = [configuration(str(tmp_path / "absent")).to_dict()]
    assert "absent" in _answer(monkeypatch, capsys, trials)["error"]
