"""A trial's numbers do not depend on who shares its engine."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from bitsandbytes.functional import has_avx512bf16
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peft import PeftModel
from transformers import AutoModelForSeq2SeqLM

from tests.trainables.families.bases import write_base
from tests.trainables.loop_base import configuration, write_loop_base
from trainables.base_models.loading import four_bit
from trainables.contract.configuration import Scalar, TrialConfiguration
from trainables.contract.reports import (
    Evaluation,
    EvaluationInterruptedError,
    Metrics,
    Training,
)
from trainables.engine.engine import Engine
from trainables.finetune import Finetuning
from trainables.passes.company import Company
from trainables.passes.frozen_t5 import FrozenT5
from trainables.passes.parts import LowRank, Parts

CPU = torch.device("cpu")
BUDGET = 48


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A T5 with dropout of its own."""
    return write_loop_base(tmp_path_factory.mktemp("base"))


def configured(
    base: str,
    seed: int,
    given: Mapping[str, Scalar] = MappingProxyType({}),
    technique: str = "lora",
) -> TrialConfiguration:
    trains = technique != "pretrained"
    usual: dict[str, Scalar] = {}
    if technique in ("lora", "qlora"):
        usual = {"rank": 2, "dropout": 0.1, "batch_size": 4}
    return configuration(
        base,
        technique,
        budget_examples=BUDGET if trains else 0,
        data_size=24 if trains else 0,
        seed=seed,
        **(usual | dict(given)),
    )


DIFFERENT: list[tuple[Mapping[str, Scalar], str]] = [
    ({"rank": 1, "learning_rate": 3e-2}, "lora"),
    ({"rank": 5, "target_modules": "all-linear", "batch_size": 3}, "lora"),
    ({"rank": 2, "dropout": 0.5, "batch_size": 8, "micro_batch_size": 2}, "lora"),
    ({"rank": 3, "target_modules": "feed-forward", "gradient_checkpointing": True}, "lora"),
    ({"virtual_tokens": 3, "batch_size": 4}, "prefix"),
    (
        {"virtual_tokens": 7, "batch_size": 4, "projection": True, "learning_rate": 1e-3},
        "prefix",
    ),
]


def weights(one: Finetuning) -> dict[str, torch.Tensor]:
    return {name: each.detach().clone() for name, each in one.adapted.trainable().items()}


def assert_same(
    one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor], atol: float = 1e-5
) -> None:
    assert one.keys() == other.keys()
    for name, weight in one.items():
        torch.testing.assert_close(weight, other[name], rtol=1e-3, atol=atol)


@pytest.fixture(scope="module")
def alone(base: str) -> list[tuple[float, dict[str, torch.Tensor], dict[str, Any]]]:
    """Of each configuration: its loss, weights and measures where it is trained by itself."""
    found = []
    for seed, each in enumerate(DIFFERENT):
        with closing(Finetuning(configured(base, seed, *each), CPU)) as one:
            loss = one.advance(BUDGET).loss
            assert loss is not None
            found.append((loss, weights(one), one.evaluate("validation").metrics))
    return found


def step(engine: Engine) -> dict[str, Training]:
    """Takes a step, in which nobody fails."""
    found = dict(engine.step())
    return {key: arrived for key, arrived in found.items() if isinstance(arrived, Training)}


def run(engine: Engine) -> dict[str, Training]:
    """Advances until everybody has arrived."""
    found: dict[str, Training] = {}
    while engine.on_the_way:
        found.update(step(engine))
    return found


def measured(engine: Engine, *keys: str, scores: bool = True) -> dict[str, Metrics]:
    """Returns what an evaluation finds in which nobody fails."""
    found = engine.evaluate(keys, "validation", scores=scores)
    return {key: each.metrics for key, each in found.items() if isinstance(each, Evaluation)}


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def closed() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def set_out(base: str, engine: Engine, closed: ExitStack) -> dict[str, Finetuning]:
    """Sets a trial of each configuration out to its budget."""
    trials = {
        str(seed): closed.enter_context(closing(Finetuning(configured(base, seed, *each), CPU)))
        for seed, each in enumerate(DIFFERENT)
    }
    for key, one in trials.items():
        engine.join(key, one)
        engine.advance(key, BUDGET)
    return trials


def test_all_together_each_has_the_numbers_that_it_has_alone(
    base: str, alone: list[Any], engine: Engine, closed: ExitStack
) -> None:
    trials = set_out(base, engine, closed)
    trained = run(engine)
    evaluated = measured(engine, *trials)
    for key, one in trials.items():
        loss, expected, metrics = alone[int(key)]
        assert trained[key].loss == pytest.approx(loss, rel=1e-4)
        assert_same(weights(one), expected)
        found = evaluated[key]
        assert found["eval_loss"] == pytest.approx(metrics["eval_loss"], rel=1e-4)
        assert found["rouge_l"] == metrics["rouge_l"]
        assert one.advanced_to == one.evaluated_to == BUDGET
        assert one.train_seconds > 0
        assert one.eval_seconds > 0


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False))
def test_they_may_come_and_go_at_any_step_and_go_on_from_checkpoints(
    base: str, alone: list[Any], tmp_path_factory: pytest.TempPathFactory, draw: random.Random
) -> None:
    engine = Engine()
    with ExitStack() as closed:

        def fresh(number: int) -> Finetuning:
            own = configured(base, number, *DIFFERENT[number])
            return closed.enter_context(closing(Finetuning(own, CPU)))

        outside = {number: fresh(number) for number in range(len(DIFFERENT))}
        losses: dict[int, float | None] = {}
        while len(losses) < len(DIFFERENT):
            inside = [n for n in range(len(DIFFERENT)) if n not in outside and n not in losses]
            number = draw.choice([*outside, *inside])
            if number in outside:
                engine.join(str(number), outside.pop(number))
                engine.advance(str(number), BUDGET)
            elif draw.random() < 0.2:
                saved = tmp_path_factory.mktemp("checkpoint")
                engine.leave(str(number)).save(saved)
                outside[number] = fresh(number)
                outside[number].load(saved)
            for key, training in step(engine).items():
                losses[int(key)] = training.loss
        for number, (loss, expected, _) in enumerate(alone):
            assert losses[number] == pytest.approx(loss, rel=1e-4)
            assert_same(weights(engine.leave(str(number))), expected)


def test_a_trial_that_diverges_arrives_and_the_others_go_on(
    base: str, alone: list[Any], engine: Engine, closed: ExitStack
) -> None:
    well, ill = (
        closed.enter_context(closing(Finetuning(configured(base, seed, *DIFFERENT[0]), CPU)))
        for seed in (0, 9)
    )
    next(iter(ill.adapted.trainable().values())).data.fill_(math.nan)
    for key, one in {"well": well, "ill": ill}.items():
        engine.join(key, one)
        engine.advance(key, BUDGET)
    first = step(engine)
    assert list(first) == ["ill"]
    assert first["ill"].diverged
    trained = run(engine)
    assert trained["well"].loss == pytest.approx(alone[0][0], rel=1e-4)


def test_a_trial_that_is_told_to_end_arrives_interrupted(
    base: str, engine: Engine, closed: ExitStack
) -> None:
    told = False
    one = Finetuning(configured(base, 0), CPU, interrupted=lambda: told)
    other = Finetuning(configured(base, 1), CPU)
    for key, each in {"one": one, "other": other}.items():
        engine.join(key, closed.enter_context(closing(each)))
        engine.advance(key, BUDGET)
    assert not engine.step()
    told = True
    (key, training), *rest = step(engine).items()
    assert (key, training.interrupted, rest) == ("one", True, [])
    assert not run(engine)["other"].interrupted
    found = engine.evaluate(["one", "other"], "validation")
    assert isinstance(found["one"], EvaluationInterruptedError)
    assert isinstance(found["other"], Evaluation)
    assert one.evaluated_to == -1
    assert other.evaluated_to == BUDGET


@pytest.mark.parametrize("technique", ["full", "pretrained"])
def test_a_technique_without_passes_of_our_own_takes_its_steps_alone(
    base: str, technique: str, engine: Engine, closed: ExitStack
) -> None:
    def made() -> Finetuning:
        own = configured(base, 0, technique=technique)
        return closed.enter_context(closing(Finetuning(own, CPU)))

    by_itself, here = made(), made()
    goal = 0 if technique == "pretrained" else BUDGET
    expected = by_itself.advance(goal)
    engine.join("here", here)
    engine.join("lora", closed.enter_context(closing(Finetuning(configured(base, 1), CPU))))
    engine.advance("here", goal)
    engine.advance("lora", BUDGET)
    trained = run(engine)
    assert trained["here"].loss == expected.loss
    for name, weight in weights(by_itself).items():
        assert torch.equal(weight, weights(here)[name])
    losses = measured(engine, "here", "lora", scores=False)
    own = by_itself.evaluate("validation", scores=False)
    assert losses["here"]["eval_loss"] == own.metrics["eval_loss"]


@pytest.mark.parametrize("kind", ["t5", "llama"])
def test_trials_beside_a_base_in_four_bits_share_passes_of_their_own(
    base: str, kind: str, engine: Engine, closed: ExitStack, tmp_path: Path
) -> None:
    base = base if kind == "t5" else write_base(tmp_path / kind, kind)

    def made(technique: str, number: int) -> Finetuning:
        own = configured(base, number, DIFFERENT[number][0], technique)
        return closed.enter_context(closing(Finetuning(own, CPU)))

    kinds = {"0": "qlora", "1": "qlora", "2": "lora", "3": "qlora"}
    alone, here = (
        {key: made(technique, int(key)) for key, technique in kinds.items()} for _ in range(2)
    )
    for key, one in here.items():
        engine.join(key, one)
        engine.advance(key, BUDGET)
    trained = run(engine)
    evaluated = measured(engine, *here)
    for key, one in alone.items():
        loss = one.advance(BUDGET).loss
        assert loss is not None
        assert trained[key].loss == pytest.approx(loss, rel=1e-4)
        assert_same(weights(here[key]), weights(one), atol=1e-4)
        found = one.evaluate("validation").metrics
        assert evaluated[key]["eval_loss"] == pytest.approx(found["eval_loss"], rel=1e-4)
        assert evaluated[key]["rouge_l"] == found["rouge_l"]
    assert trained["2"].pack_size == 1.0
    assert all(1.0 < trained[key].pack_size <= 3.0 for key in ("0", "1", "3"))


@pytest.mark.parametrize("technique", ["lora", "qlora", "prefix"])
def test_peft_loads_what_a_trial_has_learnt_in_company(
    technique: str, engine: Engine, closed: ExitStack, tmp_path: Path
) -> None:
    base = write_loop_base(tmp_path / "base", num_heads=8, width=64)
    kind = "prefix" if technique == "prefix" else "lora"
    different = [given for given, of in DIFFERENT if of == kind]
    for number, each in enumerate(different):
        one = Finetuning(configured(base, number, each, technique), CPU)
        engine.join(str(number), closed.enter_context(closing(one)))
        engine.advance(str(number), BUDGET)
    run(engine)
    source, target = (np.array(ids, dtype=np.int32) for ids in ([5, 9, 3, 7, 1], [8, 4, 1]))
    losses = []
    for number in range(len(different)):
        one = engine.leave(str(number))
        one.save(tmp_path / str(number))
        shared = one.adapted.base
        assert shared is not None
        asked = shared.read([source], Company(Parts([(1, one.adapted.adapter)])))
        ours = asked.summed_losses([target])
        quantization = four_bit(torch.float32) if technique == "qlora" else None
        plain = AutoModelForSeq2SeqLM.from_pretrained(base, quantization_config=quantization)
        by_peft = PeftModel.from_pretrained(plain, tmp_path / str(number) / "adapter").eval()
        with torch.no_grad():
            loss = by_peft(
                input_ids=torch.tensor(source[None]), labels=torch.tensor(target[None]).long()
            ).loss * len(target)
        # Left to itself bitsandbytes computes in bfloat16 where a CPU can.
        rel = 0.02 if technique == "qlora" and has_avx512bf16() else 1e-5
        assert float(ours) == pytest.approx(float(loss), rel=rel)
        losses.append(float(loss))
    assert len(set(losses)) == len(losses)


def test_what_is_too_much_for_one_pass_is_done_by_halves_and_nobody_is_blamed(
    base: str, alone: list[Any], engine: Engine, closed: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = set_out(base, engine, closed)
    losses, refused = FrozenT5.losses, 0

    def limited(self: Any, sources: Any, targets: Any, company: Any) -> Any:
        nonlocal refused
        found = losses(self, sources, targets, company)
        if len(company.parts) > 1:
            refused += 1
            torch.autograd.backward(found.values.sum())  # an earlier pass of the step had room
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return found

    monkeypatch.setattr(FrozenT5, "losses", limited)
    trained = run(engine)
    assert refused
    for key in trials:
        assert trained[key].loss == pytest.approx(alone[int(key)][0], rel=1e-4)


def test_a_trial_that_fails_in_a_pass_fails_alone(
    base: str, alone: list[Any], engine: Engine, closed: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = set_out(base, engine, closed)
    engine.step()
    updates: Any = trials["1"].adapted.adapter.updates
    updates[next(iter(updates))] = LowRank(torch.zeros(1, 3), torch.zeros(3, 1), 1.0)
    found: dict[str, Training | Exception] = {}
    while engine.on_the_way:
        found.update(engine.step())
    assert isinstance(found.pop("1"), Exception)
    for key, training in found.items():
        assert isinstance(training, Training)
        assert training.loss == pytest.approx(alone[int(key)][0], rel=1e-4)


def test_a_name_is_taken_once(base: str, engine: Engine, closed: ExitStack) -> None:
    one = closed.enter_context(closing(Finetuning(configured(base, 0), CPU)))
    engine.join("one", one)
    with pytest.raises(ValueError, match='a trial "one" already'):
        engine.join("one", one)
