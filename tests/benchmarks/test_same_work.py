from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.phases import PHASES
from benchmarks.same_work import hugging_face
from benchmarks.same_work.__main__ import gate, table
from benchmarks.same_work.gate import judge
from benchmarks.same_work.trial import Ended, Size, configurations, ours, packed
from benchmarks.setting import Setting
from trainables.base_models.loading import load_base_model
from trainables.base_models.tokenizer import load_tokenizer
from trainables.contract.splits import BY_SCHEMA
from trainables.data.splits import load_splits

EMBEDDED = Setting("embedded", "embedded", "")
CPU = torch.device("cpu")


def test_the_gate_passes_what_the_spread_over_seeds_explains() -> None:
    verdict = judge([[0.50, 0.54, 0.52]], [[0.51, 0.53, 0.55]])
    assert verdict.equal is True
    assert verdict.difference == pytest.approx(-0.01)


def test_the_gate_stops_what_the_spread_does_not_explain() -> None:
    verdict = judge([[0.50, 0.54, 0.52]], [[0.61, 0.63, 0.65]])
    assert verdict.equal is False
    assert verdict.difference == pytest.approx(-0.11)


def test_neither_configurations_nor_seeds_that_lie_apart_are_noise() -> None:
    ours = [[0.20, 0.31, 0.25], [0.90, 0.98, 0.94]]
    verdict = judge(ours, [[loss + 0.05 for loss in seeds] for seeds in ours])
    assert verdict.equal is False


def test_configurations_that_err_together_are_one_sample_a_seed() -> None:
    one = judge([[0.50, 0.54, 0.52]], [[0.50, 0.52, 0.55]])
    twice = judge([[0.50, 0.54, 0.52]] * 2, [[0.50, 0.52, 0.55]] * 2)
    assert twice == one


def test_a_small_difference_counts_as_none_however_steady() -> None:
    verdict = judge([[0.50, 0.60, 0.70]], [[0.51, 0.61, 0.71]])
    assert verdict.equal is True
    assert verdict.tolerance == pytest.approx(0.02 * 0.61)


def test_a_wide_spread_or_a_single_seed_decides_nothing() -> None:
    assert judge([[0.1, 0.9, 0.5]], [[0.9, 0.2, 0.5]]).equal is None
    assert judge([[0.5]], [[0.5]]).equal is None


def test_a_loss_that_is_not_finite_does_not_pass() -> None:
    assert judge([[0.5, float("nan")]], [[0.5, 0.5]]).equal is False


@given(
    st.lists(st.floats(0.4, 0.6), min_size=3, max_size=5),
    st.lists(st.floats(0.4, 0.6), min_size=3, max_size=5),
)
def test_the_gate_is_symmetric(first: list[float], second: list[float]) -> None:
    size = min(len(first), len(second))
    there, back = judge([first[:size]], [second[:size]]), judge([second[:size]], [first[:size]])
    assert there.difference == pytest.approx(-back.difference)
    assert there.tolerance == pytest.approx(back.tolerance, abs=0.02 * 0.2)


def test_sizes_that_would_make_the_ways_differ_are_refused() -> None:
    assert Size(48, 1, 8).rungs == (16, 32, 48)
    with pytest.raises(ValueError, match="rows is 50"):
        Size(50, 3, 8)
    with pytest.raises(ValueError, match="rows \\* epochs"):
        Size(16, 1, 8)


def test_ratios_are_of_medians_and_the_gate_names_each_way() -> None:
    def turn(seconds: float, loss: float) -> list[Ended]:
        split = dict.fromkeys(PHASES, 0.0) | {"train": seconds}
        return [Ended(split, seconds / 2, loss, 0.5, 0.25)] * 2

    found = {
        "study": [turn(10.0, 0.50), turn(12.0, 0.52), turn(50.0, 0.51)],
        "ours": [turn(2.0, 0.51), turn(3.0, 0.50), turn(1.0, 0.52)],
    }
    assert (
        "| study | 12.00 | 10.00 | 50.00 | 6.00 | 6.00 | 6.00 | 0.510 | 0.500 | 0.250 |"
        in table(found)
    )
    lines, passed = gate(found)
    assert passed
    assert lines[0].startswith("Final loss, ours - study:")


@pytest.mark.slow
def test_all_ways_start_from_the_same_weights_and_measure_the_same_loss() -> None:
    """Without a step that moves anything, all ways end with the loss of the untuned model."""
    size = Size(48, 1, 2)
    trials = configurations(EMBEDDED, size, 1e-12, seed=3)
    configuration = trials[0]
    ends = [
        way(configuration, size.rungs, CPU)
        for way in (hugging_face.study, hugging_face.tuned, ours)
    ] + packed(trials, size.rungs, CPU)
    splits = load_splits("embedded", None, 0, 2, 1, BY_SCHEMA)
    model = load_base_model("embedded", device=CPU, dtype=torch.float32)
    untuned = hugging_face.validation_loss(
        model, load_tokenizer("embedded"), splits.validation, configuration
    )
    for end in ends:
        assert end.loss == pytest.approx(untuned, rel=1e-5)
        assert end.seconds["train"] > 0
        assert end.seconds["generate"] > 0
