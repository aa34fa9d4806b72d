"""Passes of our own are taken on a device where they are those of the model's family."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest
import torch

from tests.trainables.loop_base import configuration, write_loop_base
from trainables.passes import grouped
from trainables.passes.frozen_t5 import FrozenT5
from trainables.passes.parts import Adapter
from trainables.training import adapted_model, own_passes
from trainables.training.adapted_model import AdaptedModel, prepare
from trainables.training.own_passes import differs, own_adapter, proven

CPU = torch.device("cpu")
ELSEWHERE = torch.device("meta")  # stands for a device that no test has run on


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_loop_base(tmp_path_factory.mktemp("base"))


def lora(base: str, modules: str, dtype: torch.dtype = torch.float32) -> AdaptedModel:
    with mock.patch.object(adapted_model, "compute_dtype", return_value=dtype):
        return prepare(configuration(base, "lora", target_modules=modules), CPU)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("modules", ["q,v", "all-linear"])
@pytest.mark.parametrize("grouping", [False, True])
def test_they_are_those_of_the_family_to_rounding(
    base: str, modules: str, dtype: torch.dtype, grouping: bool
) -> None:
    adapted = lora(base, modules, dtype)
    assert adapted.base is not None
    with mock.patch.object(grouped, "suits", return_value=grouping):
        assert differs(adapted) == ""
    assert all(weight.grad is None for weight in adapted.trainable().values())


def test_a_model_that_computes_something_else_is_found(base: str) -> None:
    adapted, other = lora(base, "q,v"), lora(base, "q,v")
    copied = FrozenT5(other.model.get_base_model())
    copied._scale *= 1.5
    assert "their loss differs by" in differs(replace(adapted, base=copied))


def test_an_update_that_is_not_learnt_is_found(base: str) -> None:
    adapted = lora(base, "q,v")
    updates = adapted.adapter.updates
    halved = {name: replace(each, scale=each.scale / 2) for name, each in updates.items()}
    assert "and their gradient by 50%" in differs(replace(adapted, adapter=Adapter(halved)))


def test_where_they_fail_or_differ_the_familys_are_taken_and_it_is_said(base: str) -> None:
    adapted = replace(lora(base, "q,v"), device=ELSEWHERE)
    assert adapted.base is not None
    adapted.base.device = ELSEWHERE
    with (
        mock.patch.object(own_passes, "_by_family") as family,
        mock.patch.object(own_passes, "_LOG") as log,
    ):
        family.side_effect = lambda *given: sum(w.sum() for w in adapted.trainable().values())
        found = proven(adapted)
    assert found.base is None
    assert not found.adapter.weights
    (template, kind, how), _ = log.warning.call_args
    said = template % (kind, how)
    assert "On meta passes of our own are not used: they fail with" in said


def test_where_they_agree_they_are_kept(base: str) -> None:
    adapted = lora(base, "q,v")
    with mock.patch.object(own_passes, "differs", return_value="") as asked:
        assert proven(replace(adapted, device=ELSEWHERE)).base is adapted.base
        asked.assert_called_once()
        assert proven(adapted) is adapted  # on a CPU nothing is asked
        asked.assert_called_once()


def test_on_metal_there_are_none(base: str) -> None:
    adapted = lora(base, "q,v")
    model = adapted.model
    inside = model.get_base_model()
    for kind, has in (("mps", False), ("cuda", True), ("cpu", True)):
        found = own_adapter(inside, model, adapted.technique, torch.device(kind))
        assert (found is not None) is has
