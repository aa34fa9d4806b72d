"""Base models that stay in the process: every trial's numbers are those of a fresh process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.loop_base import configuration, write_loop_base
from tests.trainables.tiny_base import write_tiny_base
from trainables.base_models import cache
from trainables.base_models.cache import KeptBases, kept_tokenizer
from trainables.base_models.loading import load_base_model
from trainables.finetune import Finetuning
from trainables.techniques.registry import TECHNIQUES

CPU = torch.device("cpu")
NAMES = list(TECHNIQUES)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_loop_base(tmp_path_factory.mktemp("base"))


def numbers(base: str, technique: str) -> tuple[object, ...]:
    """Trains, evaluates and ends a trial; returns all that it computed, to the last bit."""
    known = TECHNIQUES[technique].parameters
    given = {"gradient_checkpointing": True} if "gradient_checkpointing" in known else {}
    trial = Finetuning(configuration(base, technique, budget_examples=24, **given), CPU)
    training = trial.advance(24)
    evaluation = trial.evaluate("validation")
    weights = [p.detach().clone() for p in trial.adapted.model.parameters()]
    trial.close()
    written = [(row["prediction"], row["bleu"]) for row in evaluation.predictions]
    return training.loss, evaluation.metrics["eval_loss"], written, weights


def same(first: tuple[object, ...], second: tuple[object, ...]) -> bool:
    *numbers, weights = first
    *other_numbers, other_weights = second
    assert isinstance(weights, list)
    assert isinstance(other_weights, list)
    pairs = zip(weights, other_weights, strict=True)
    return numbers == other_numbers and all(torch.equal(a, b) for a, b in pairs)


def test_a_trial_after_any_other_computes_what_it_does_alone(base: str) -> None:
    alone = {}
    for technique in NAMES:
        cache.KEPT._templates.clear()
        alone[technique] = numbers(base, technique)
    cache.KEPT._templates.clear()
    # Each technique follows each, itself included, once.
    order = [t for i, one in enumerate(NAMES) for t in (one, *_beside(one, i + 1))]
    followed = set(itertools.pairwise([*order, NAMES[0]]))
    assert followed == set(itertools.product(NAMES, repeat=2))
    for technique in [*order, NAMES[0]]:
        assert same(numbers(base, technique), alone[technique]), technique


def _beside(one: str, start: int) -> Iterator[str]:
    for other in NAMES[start:]:
        yield from (one, other)


def model(kept: KeptBases, base: str, *, trained: bool = False, quantized: bool = False) -> Any:
    return kept.model(
        base,
        None,
        quantized=quantized,
        trained=trained,
        dtype=torch.float32,
        device=CPU,
    )


def test_a_base_model_is_read_once_and_its_frozen_tensors_are_shared(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def counted(name: str, *args: object, **options: object) -> object:
        reads.append(name)
        return load_base_model(name, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "load_base_model", counted)
    kept = KeptBases()
    first, second, trained = model(kept, base), model(kept, base), model(kept, base, trained=True)
    packed = [model(kept, base, quantized=True) for _ in range(2)]
    assert reads == [base, base]
    assert first is not second
    for one, other in ((first, second), (packed[0], packed[1])):
        pairs = zip(one.parameters(), other.parameters(), strict=True)
        assert all(a is b for a, b in pairs)
    for a, b in zip(first.parameters(), trained.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.data_ptr() != b.data_ptr()
    assert trained.lm_head.weight is trained.shared.weight  # this base ties them


def test_untied_weights_stay_untied(tmp_path: Path) -> None:
    trained = model(KeptBases(), str(write_tiny_base(tmp_path / "base")), trained=True)
    assert trained.lm_head.weight is not trained.shared.weight
    assert trained.encoder.embed_tokens.weight is trained.shared.weight


def test_a_template_that_someone_wrote_to_is_read_again(base: str) -> None:
    kept = KeptBases()
    first = model(kept, base)
    with torch.no_grad():
        first.lm_head.weight.mul_(2.0)
    again = model(kept, base)
    assert torch.equal(again.lm_head.weight * 2.0, first.lm_head.weight)


def test_another_checkpoint_in_the_same_folder_is_seen(tmp_path: Path) -> None:
    kept = KeptBases()
    folder = str(write_tiny_base(tmp_path / "base"))
    first, tokenizer = model(kept, folder), kept_tokenizer(folder, None)
    assert kept_tokenizer(folder, None) is tokenizer
    write_tiny_base(tmp_path / "base", seed=1)
    assert not torch.equal(model(kept, folder).shared.weight, first.shared.weight)
    assert kept_tokenizer(folder, None) is not tokenizer


def test_few_are_kept(base: str, tmp_path: Path) -> None:
    kept = KeptBases()
    for seed in range(4):
        model(kept, str(write_tiny_base(tmp_path / str(seed), seed)))
    assert len(kept._templates) == cache.ON_HOST
    assert [Path(key.name).name for key in kept._templates] == ["2", "3"]


def test_one_is_kept_on_an_accelerator_and_makes_room_for_what_comes(tmp_path: Path) -> None:
    device = torch.device("meta")  # stands for one: tensors that are not in the host's memory
    folders = [str(write_tiny_base(tmp_path / str(seed), seed)) for seed in range(2)]
    kept = KeptBases()

    def take(folder: str, *, trained: bool = False) -> Any:
        return kept.model(
            folder, None, quantized=False, trained=trained, dtype=torch.float32, device=device
        )

    def there() -> list[str]:
        return [key.name for key in kept._templates if key.device == device]

    first = take(folders[0])
    assert take(folders[0]).shared.weight is first.shared.weight
    assert there() == [folders[0]]
    take(folders[1])
    assert there() == [folders[1]]
    trained = take(folders[1], trained=True)  # from a copy in the host's memory
    assert there() == []
    assert {p.device for p in trained.parameters()} == {device}
    assert [key.device for key in kept._templates] == [CPU]
