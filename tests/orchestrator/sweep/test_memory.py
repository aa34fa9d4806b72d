"""What `--plan` says of memory by formula, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import UserError
from orchestrator.ray_tune.placement import Slots
from orchestrator.search_space import load
from orchestrator.sweep import memory
from orchestrator.sweep.memory import Need, check_memory, describe, needs

SPACE = Path(__file__).resolve().parents[3] / "search_spaces" / "rank.yaml"
CPU = Slots("cpu", 2, 1, {"CPU": 1.0})
GPU = Slots("cuda", 1, 1, {"CPU": 1.0, "GPU": 1.0})
GIB = 2**30
FITS = Need(
    {"technique": "lora", "rank": 64},
    is_point=False,
    micro_batch=16,
    together=1,
    process=GIB // 2,
    weights=3 * GIB,
    moments=GIB,
    training=4 * GIB,
    evaluation=2 * GIB,
    reserve=0.5,
    total=21 * GIB // 2,
    most=12 * GIB,
    there=13 * GIB,
    fits=None,
    surely=False,
)
TOO_LARGE = replace(FITS, there=8 * GIB, fits=4, surely=True)


def test_a_plan_says_what_the_largest_trial_takes_and_of_what_it_is_made() -> None:
    check_memory([FITS], CPU)
    ((name, words),) = describe([FITS], CPU)
    assert name == "memory"
    assert words == (
        "about 10.5 GiB (up to 12.0 GiB where the longest rows meet) for lora rank=64, by formula:"
        " process 512 MiB, weights 3.0 GiB, AdamW's moments 1.0 GiB, gradients and activations of"
        " 16 rows 4.0 GiB, held by the allocator 2.0 GiB, or in an evaluation 2.0 GiB; this machine"
        " has 13,958,643,712 bytes (13.0 GiB) for each of 2 processes at a time"
    )
    assert not list(describe([], CPU))


@pytest.mark.parametrize(
    ("need", "place", "remedy"),
    [
        (TOO_LARGE, GPU, "micro_batch_size 4 fits; set it in space.technique.lora (it is 16)."),
        (replace(TOO_LARGE, is_point=True), GPU, "set it in its point (it is 16)."),
        (
            replace(TOO_LARGE, fits=0),
            CPU,
            "no micro_batch_size fits; take a smaller base model or fewer trials at a time"
            " (limits.max_concurrent).",
        ),
        (replace(TOO_LARGE, fits=0, micro_batch=0), GPU, ": take a smaller base model."),
    ],
)
def test_what_cannot_fit_is_refused_with_what_would(need: Need, place: Slots, remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        check_memory([FITS, need], place)
    said = str(caught.value)
    assert said.startswith("A trial of lora rank=64 takes about 11,274,289,152 bytes (10.5 GiB)")
    assert "8,589,934,592 bytes (8.0 GiB)" in said
    assert said.endswith(remedy)


def test_a_pack_is_named_and_its_remedy_is_a_smaller_one() -> None:
    place = replace(GPU, pack=8)
    ((_, words),) = describe([replace(FITS, together=8)], place)
    assert " for a pack of 8 trials of lora rank=64, by formula" in words
    assert "gradients and activations of 16 rows of each of 8 trials 4.0 GiB" in words
    with pytest.raises(UserError, match=r"^A pack of 8 trials of lora rank=64 takes") as caught:
        check_memory([replace(TOO_LARGE, fits=0)], place)
    assert str(caught.value).endswith("smaller base model or a smaller pack (resources.pack).")


def test_what_the_longest_rows_alone_exceed_is_said_and_not_refused() -> None:
    need = replace(TOO_LARGE, surely=False)
    check_memory([need], GPU)
    ((_, words),) = describe([need], GPU)
    assert "which is too little for its longest batches: micro_batch_size 4 fits" in words


def test_all_techniques_are_asked_about_at_once_and_the_tightest_is_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def answer(module: str, given: Any, *options: str) -> dict[str, Any]:
        asked.append((module, given, options))
        figures = {name: getattr(FITS, name) for name in Need.__annotations__ if name != "name"}
        untuned, lora = (figures | {"unknown": None, "total": total} for total in (GIB, 9 * GIB))
        return {"trials": [untuned, lora]}

    monkeypatch.setattr(memory, "answer_of", answer)
    found = needs(load(SPACE, (), None, "embedded"), CPU)
    assert [need.configuration["technique"] for need in found] == ["lora", "pretrained"]
    ((module, given, options),) = asked
    assert module == "trainables.trial_memory"
    assert [each["technique"] for each in given] == ["pretrained", "lora"]
    assert options == ("cpu", "2", "1.0", "1")


def test_a_worker_has_its_share_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def answer(module: str, given: Any, *options: str) -> dict[str, Any]:
        asked.extend(given)
        return {"failure": "killed"}

    monkeypatch.setattr(memory, "answer_of", answer)
    assert needs(load(SPACE, (), None, "embedded"), replace(GPU, workers=4)) == []
    lora = asked[-1]["parameters"]
    assert lora["batch_size"] == lora["micro_batch_size"]
    sweep = load(SPACE, (), None, "embedded")
    needs(sweep, GPU)
    assert asked[-1]["parameters"]["batch_size"] == 4 * lora["batch_size"]


def test_what_is_not_here_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "is_here", lambda *_: False)
    assert needs(load(SPACE, (), None, "full"), GPU) == []
