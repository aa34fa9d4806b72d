from __future__ import annotations

import dataclasses

import pytest
import torch

from benchmarks.phases import PHASES
from benchmarks.setting import Setting
from benchmarks.step.__main__ import Measured, lengths, measure, table, trial

EMBEDDED = Setting("embedded", "embedded", "")


def test_tokens_without_padding_are_what_the_trial_trained_on() -> None:
    configuration = trial(EMBEDDED, "lora", rows=10, epochs=2, held_out=2, batch=4)
    one = measure(configuration, torch.device("cpu"))
    assert one.tokens == 2 * sum(source + target for source, target in lengths(configuration))
    assert 0 < one.training_seconds <= sum(one.seconds.values())
    assert one.seconds["train"] > 0
    assert one.seconds["write"] > 0


def test_a_budget_of_broken_epochs_is_refused() -> None:
    whole = trial(EMBEDDED, "lora", rows=10, epochs=1, held_out=2, batch=4)
    with pytest.raises(ValueError, match="whole epochs"):
        measure(dataclasses.replace(whole, budget_examples=15), torch.device("cpu"))


def test_rates_are_medians_and_utilisation_a_share_of_the_peak() -> None:
    split = dict.fromkeys(PHASES, 0.0)
    turns = [Measured(split, 100, seconds, 10**12) for seconds in (1.0, 2.0, 4.0)]
    row = table({"lora": turns}, {"measured product": 5e12}).splitlines()[2]
    assert row == "| lora | 50 | 10 | 0.5 | 10.0 % |"
