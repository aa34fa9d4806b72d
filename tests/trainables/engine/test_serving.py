"""Whoever owns a trial in an engine gets what he would have had of it by himself."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.engine.test_engine import BUDGET, DIFFERENT, configured
from tests.trainables.loop_base import write_loop_base
from trainables.contract.packs import GoneError, Serving
from trainables.contract.reports import EvaluationInterruptedError, Reached
from trainables.engine import serving
from trainables.engine.serving import EngineThread
from trainables.finetune import Finetuning

CPU = torch.device("cpu")
SECONDS = 60.0
"""In which whatever is asked for comes; none of it takes five."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_loop_base(tmp_path_factory.mktemp("base"))


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Gate:
    """Holds the engine up before its next step while it is shut."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self._is_open.set()

    def beat(self) -> None:
        self._is_open.wait(SECONDS)

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()

    def __enter__(self) -> None:
        self._is_open.clear()

    def __exit__(self, *error: object) -> None:
        self._is_open.set()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def engine(clock: Clock, gate: Gate) -> Iterator[EngineThread]:
    with closing(EngineThread("cpu", len(DIFFERENT), gate, clock)) as made:
        kept: Serving = made  # it is one
        assert kept.works
        yield made
    assert not made.works


def numbers(reached: Reached) -> Mapping[str, Any]:
    names = ("eval_loss", "train_loss", "rouge_l", "step", "examples_seen", "epoch")
    return {name: reached.metrics[name] for name in names}


@pytest.fixture(scope="module")
def alone(base: str) -> list[Reached]:
    found = []
    for seed, each in enumerate(DIFFERENT):
        with closing(Finetuning(configured(base, seed, *each), CPU)) as trial:
            found.append(trial.reach(BUDGET, scores=True))
    return found


def test_everybody_reaches_his_rung_with_the_numbers_that_he_has_alone(
    base: str, alone: list[Reached], engine: EngineThread, gate: Gate
) -> None:
    joined = [
        engine.join(str(seed), configured(base, seed, *each)) for seed, each in enumerate(DIFFERENT)
    ]
    assert [each.result(SECONDS) for each in joined] == [-1] * len(DIFFERENT)
    with gate:  # else the first may be there before the others have set out
        reached = [engine.reach(str(seed), BUDGET, scores=True) for seed in range(len(DIFFERENT))]
    for found, expected in zip(reached, alone, strict=True):
        here = found.result(SECONDS)
        assert numbers(here) == pytest.approx(numbers(expected), rel=1e-4)
        assert here.evaluation is not None
        assert 1.0 < here.training.pack_size <= len(DIFFERENT)
        assert here.metrics["pack_size"] == here.training.pack_size
    tested = [engine.test(str(seed), "standard") for seed in range(len(DIFFERENT))]
    for test in tested:
        assert test.result(SECONDS).predictions
    assert engine.pulse("0").company == len(DIFFERENT)  # type: ignore[union-attr]


def test_a_trial_leaves_and_goes_on_from_its_checkpoint_in_another_engine(
    base: str, alone: list[Reached], engine: EngineThread, tmp_path: Path
) -> None:
    own = configured(base, 0, *DIFFERENT[0])
    engine.join("one", own).result(SECONDS)
    engine.reach("one", BUDGET // 2, scores=False).result(SECONDS)
    engine.save("one", tmp_path).result(SECONDS)
    engine.leave("one").result(SECONDS)
    assert engine.pulse("one") is None
    with closing(EngineThread("cpu")) as other:
        assert other.join("one", own, tmp_path).result(SECONDS) == BUDGET // 2
        assert other.pulse("one").examples_seen == BUDGET // 2  # type: ignore[union-attr]
        found = other.reach("one", BUDGET, scores=True).result(SECONDS)
    expected = dict(numbers(alone[0])) | {"train_loss": found.metrics["train_loss"]}
    assert numbers(found) == pytest.approx(expected, rel=1e-4)


def test_trials_that_are_stopped_at_a_rung_leave_nothing_in_the_engine(
    base: str, engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[weakref.ref[torch.Tensor]] = []

    def noted(*arguments: Any, **named: Any) -> Finetuning:
        trial = Finetuning(*arguments, **named)
        trained.extend(map(weakref.ref, trial.adapted.trainable().values()))
        return trial

    monkeypatch.setattr(serving, "Finetuning", noted)
    engine.join("goes on", configured(base, 0, *DIFFERENT[1])).result(SECONDS)
    of_it = len(trained)
    way = engine.reach("goes on", 1_000_000, scores=False)
    for number in range(12):
        own = configured(base, number, *DIFFERENT[number % len(DIFFERENT)])
        engine.join("stopped", own).result(SECONDS)
        engine.reach("stopped", BUDGET // 2, scores=False).result(SECONDS)
        engine.leave("stopped").result(SECONDS)
        assert not any(each() is not None for each in trained[of_it:])
    assert all(each() is not None for each in trained[:of_it])
    engine.leave("goes on").result(SECONDS)
    assert isinstance(way.exception(SECONDS), GoneError)


def test_there_is_no_more_company_than_anybody_wants(base: str, engine: EngineThread) -> None:
    engine.join("one", configured(base, 0), most=2).result(SECONDS)
    engine.join("other", configured(base, 1)).result(SECONDS)
    third = engine.join("third", configured(base, 2))
    alone = engine.join("alone", configured(base, 3), most=1)
    engine.leave("other").result(SECONDS)
    third.result(SECONDS)
    assert not alone.done()
    assert engine.pulse("alone").company == 0  # type: ignore[union-attr]
    for key in ("one", "third"):
        engine.leave(key).result(SECONDS)
    alone.result(SECONDS)


def test_a_trial_whose_owner_is_silent_leaves(
    base: str, engine: EngineThread, clock: Clock
) -> None:
    engine.join("one", configured(base, 0)).result(SECONDS)
    engine.join("other", configured(base, 1)).result(SECONDS)
    way = engine.reach("one", 1_000_000, scores=False)
    clock.now += serving.SILENT_SECONDS
    assert engine.pulse("other") is not None
    clock.now += 1.0
    with pytest.raises(GoneError):
        way.result(SECONDS)
    assert engine.pulse("one") is None
    assert engine.pulse("other") is not None
    with pytest.raises(GoneError):
        engine.reach("one", BUDGET, scores=False).result(SECONDS)


def test_who_comes_again_takes_the_place_that_he_had(base: str, engine: EngineThread) -> None:
    engine.join("one", configured(base, 0)).result(SECONDS)
    way = engine.reach("one", 1_000_000, scores=False)
    assert engine.join("one", configured(base, 0)).result(SECONDS) == -1
    with pytest.raises(GoneError):
        way.result(SECONDS)
    assert engine.pulse("one").company == 1  # type: ignore[union-attr]


def test_who_comes_again_while_his_first_visit_comes_to_nothing_is_let_in(
    base: str, engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[Future[int]] = []

    def started(*given: Any, **options: Any) -> Finetuning:
        if not again:
            again.append(engine.join("one", configured(base, 0)))
            raise ValueError("no such layer")
        return Finetuning(*given, **options)

    monkeypatch.setattr(serving, "Finetuning", started)
    with pytest.raises(ValueError, match="no such layer"):
        engine.join("one", configured(base, 0)).result(SECONDS)
    assert again[0].result(SECONDS) == -1
    assert engine.pulse("one") is not None


def test_who_comes_again_is_not_let_go_by_what_was_asked_on_his_first_visit(
    base: str, engine: EngineThread, gate: Gate
) -> None:
    for key in ("one", "other"):
        engine.join(key, configured(base, 0)).result(SECONDS)
    with gate:  # as in a long step, for whose end nobody waits
        engine.reach("other", BUDGET, scores=True)
        left, again = engine.leave("one"), engine.join("one", configured(base, 0))
    assert again.result(SECONDS) == -1
    with pytest.raises(GoneError):
        left.result(SECONDS)
    assert engine.reach("one", BUDGET, scores=False).result(SECONDS).training.loss is not None


def test_a_trial_ends_where_it_is_when_it_is_told_to(base: str, engine: EngineThread) -> None:
    for key in ("one", "other"):
        engine.join(key, configured(base, 0)).result(SECONDS)
    way = engine.reach("one", 1_000_000, scores=False)
    engine.pulse("one", ends=True)
    reached = way.result(SECONDS)
    assert reached.training.interrupted
    assert not reached.metrics
    engine.reach("other", 8, scores=False).result(SECONDS)
    engine.end_all()
    with pytest.raises(EvaluationInterruptedError):
        engine.test("other", "standard").result(SECONDS)


def test_an_error_is_that_of_the_one_trial(base: str, engine: EngineThread) -> None:
    with pytest.raises(Exception, match="no_such_module"):
        engine.join("ill", configured(base, 0, {"target_modules": "no_such_module"})).result(
            SECONDS
        )
    assert engine.pulse("ill") is None
    engine.join("well", configured(base, 0)).result(SECONDS)
    assert engine.reach("well", 8, scores=False).result(SECONDS).examples_seen == 8


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_the_engine_itself_ends_it_and_nobody_waits_for_ever(
    base: str, engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.join("one", configured(base, 0)).result(SECONDS)

    def broken(self: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("trainables.engine.engine.Engine.step", broken)
    with pytest.raises(GoneError):
        engine.reach("one", BUDGET, scores=False).result(SECONDS)
    assert not engine.works
    assert engine.pulse("one") is None
    with pytest.raises(GoneError):
        engine.reach("one", BUDGET, scores=False).result(SECONDS)
