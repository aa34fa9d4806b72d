"""The same question has the same name, and another has another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.search.identity import configuration_id, earlier_sweep_id, sweep_id, trial_id
from orchestrator.search_space import Sweep, load
from trainables.contract.configuration import Scalar

TEXT = """\
name: rank
question: Does a bigger adapter buy better SQL?
objective: {metric: rouge_l, mode: max}
space:
  technique:
    lora: {rank: {choice: [4, 8]}, learning_rate: {loguniform: [1e-4, 1e-2]}}
    prefix: {virtual_tokens: 20}
  data_size: 1000
trials: 32
budget: {examples: 20000}
stopping: {first_rung: 0.1, reduction_factor: 3}
"""

TURNED = """\
stopping: {reduction_factor: 3.0, first_rung: 1e-1}
budget: {examples: 2e4}
trials: 8
space:
  data_size: 1000
  technique:
    prefix: {virtual_tokens: 20}
    lora: {learning_rate: {loguniform: [0.0001, 0.01]}, rank: {choice: [4, 8]}}
objective: {metric: rouge_l}
question: Another wording?
resources: {accelerators: 0.5}
limits: {max_concurrent: 3}
name: rank
"""


def identify(path: Path, text: str, *overrides: str, **options: Any) -> str:
    path.write_text(text, encoding="utf-8")
    return sweep_id(load(path, overrides, **options))


def _loaded(path: Path, *overrides: str) -> Sweep:
    path.write_text(TEXT, encoding="utf-8")
    return load(path, overrides)


def test_the_name_is_that_of_the_contents(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    assert identify(path, TEXT) == identify(path, TURNED)
    assert re.fullmatch(r"rank-[0-9a-f]{8}", identify(path, TEXT))


@pytest.mark.parametrize(
    "override",
    ["trials=99", "limits.max_concurrent=1", "resources.cpus=2", "question=Why?"],
)
def test_what_changes_no_number_changes_no_name(override: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    assert identify(path, TEXT) == identify(path, TEXT, override)


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "space.data_size=999",
        "space.technique.lora.rank.choice=[8, 4]",
        "space.technique.prefix=null",
        "points=[{technique: lora, data_size: 10}]",
        "baseline=true",
        "replicates=2",
        "objective={metric: bleu}",
        "budget.examples=19999",
        "stopping=null",
        "stopping.first_rung=0.2",
        "stopping.by=objective",
        "evaluation.validation_rows=99",
        "evaluation.test_rows=99",
        "evaluation.protocol=notebook",
        "base_model=/models/t5",
        "dataset=rows.csv",
        "search.method=random",
        "lengths.source=128",
    ],
)
def test_what_changes_a_number_changes_the_name(override: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    assert identify(path, TEXT) != identify(path, TEXT, override)


def test_profiles_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    assert identify(path, TEXT, profile="full") != identify(path, TEXT, profile="embedded")


def test_a_further_sweep_of_the_same_question_is_numbered(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    first = identify(path, TEXT)
    assert [sweep_id(load(path), ordinal) for ordinal in (1, 2, 3)] == [
        first,
        f"{first}-2",
        f"{first}-3",
    ]


def test_identities_do_not_change_between_versions(tmp_path: Path) -> None:
    """A sweep that was begun with an earlier version is continued, not begun again."""
    path = tmp_path / "x.yaml"
    assert identify(path, TEXT, "stopping.by=objective") == "rank-ac2e0435"
    assert identify(path, TEXT, "stopping=null") == "rank-ac3fd98b"
    # Another sweep since the loss decides; the earlier one is found.
    assert identify(path, TEXT) == "rank-4675e75f"
    assert earlier_sweep_id(load(path)) == "rank-ac2e0435"
    assert trial_id("rank-0fe16ffa", 0) == "t-swugxeh3kq"


@pytest.mark.parametrize("by", ["eval_loss", "objective"])
def test_a_sweep_that_compared_at_a_rung_which_is_left_out_now_is_another(
    tmp_path: Path, by: str
) -> None:
    path = tmp_path / "x.yaml"
    changes = ("stopping.first_rung=0.11", f"stopping.by={by}")
    assert _loaded(path, *changes).rungs(20000) == (2200, 6600, 20000)
    assert identify(path, TEXT, *changes) != earlier_sweep_id(load(path, changes))
    assert earlier_sweep_id(load(path, changes)) == "rank-989cad52"


@given(st.text(st.sampled_from("abc-1"), min_size=1), st.integers(0, 10_000))
def test_a_trial_id_is_never_read_as_a_number(sweep: str, number: int) -> None:
    identifier = trial_id(sweep, number)
    assert re.fullmatch(r"t-[a-z2-7]{10}", identifier)
    assert identifier == trial_id(sweep, number)


def test_trials_of_a_sweep_are_told_apart() -> None:
    identifiers = {trial_id(sweep, n) for sweep in ("a-1", "a-11") for n in range(2000)}
    assert len(identifiers) == 4000


def test_a_default_that_is_written_out_makes_the_same_configuration() -> None:
    given: dict[str, Scalar] = {"technique": "lora", "data_size": 100}
    written: dict[str, Scalar] = {"alpha": 16, "rank": 8, "data_size": 100, "technique": "lora"}
    assert configuration_id(given) == configuration_id(written)
    assert configuration_id(given) != configuration_id(given | {"rank": 4})
    assert configuration_id(given) != configuration_id(given | {"data_size": 200})
    assert configuration_id(given) != configuration_id(given | {"epochs": 2.0})
    assert re.fullmatch(r"c-[a-z2-7]{10}", configuration_id({"technique": "pretrained"}))
