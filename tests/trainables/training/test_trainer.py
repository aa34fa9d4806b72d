"""A step for which there is too little memory is taken in smaller passes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import torch

from tests.trainables.loop_base import configuration, write_loop_base
from trainables.families.seq2seq import Seq2Seq
from trainables.finetune import Finetuning
from trainables.passes.frozen_t5 import FrozenT5

ROWS = 8


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_loop_base(tmp_path_factory.mktemp("base"), dropout=0.0)


def trial(base: str, technique: str) -> Finetuning:
    given: dict[str, Any] = {"batch_size": ROWS}
    return Finetuning(configuration(base, technique, data_size=3 * ROWS, **given), "cpu")


def room_for(rows: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Has passes of more rows fail after their forward; returns the sizes of all that are tried."""
    tried: list[int] = []
    family, own = Seq2Seq.loss, FrozenT5.losses

    def limited(loss: Callable[..., Any], count: int, *given: Any) -> Any:
        tried.append(count)
        found = loss(*given)
        if count > rows:
            sums = found if isinstance(found, torch.Tensor) else found.values.sum()
            torch.autograd.backward(sums)  # of an earlier pass, for which there was room
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return found

    monkeypatch.setattr(
        Seq2Seq, "loss", lambda *given: limited(family, len(given[2].input_ids), *given)
    )
    monkeypatch.setattr(FrozenT5, "losses", lambda *given: limited(own, len(given[1]), *given))
    return tried


@pytest.mark.parametrize("technique", ["full", "lora", "prefix"])
def test_passes_have_half_as_many_rows_where_memory_does_not_suffice(
    base: str,
    technique: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("trainables.training.trainer.OVERHEAD_TOKENS", {})
    with closing(trial(base, technique)) as one:
        expected = one.advance(3 * ROWS)
    tried = room_for(1, monkeypatch)
    with closing(trial(base, technique)) as other:
        found = other.advance(3 * ROWS)
    assert found.loss == pytest.approx(expected.loss, rel=1e-5)
    assert [size for size in tried if size > 1] == [8, 4, 2]
    assert tried.count(1) == 3 * ROWS
    said = [record.getMessage() for record in caplog.records if "Memory" in record.getMessage()]
    assert said == [
        f"Memory does not suffice for passes of {rows} rows: from step 1 on they have {rows // 2}."
        for rows in (8, 4, 2)
    ]


@pytest.mark.parametrize("technique", ["full", "lora"])
def test_what_is_too_much_for_one_row_is_a_lack_of_memory(
    base: str, technique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_for(0, monkeypatch)
    with closing(trial(base, technique)) as one, pytest.raises(torch.OutOfMemoryError):
        one.advance(ROWS)
