"""A run is named by what its numbers depend on."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from orchestrator.search.content import Base, Content, Versions, content_id, present_versions
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.splits import SPLIT_VERSION

CONTENT = Content(Versions(1, 2, 2, 1), "1234", Base.of("a" * 64, "b" * 64))
RUNGS = (100, 300, 900)


def configuration(**changes: Any) -> TrialConfiguration:
    given: dict[str, Any] = {
        "technique": "lora",
        "parameters": {"rank": 4, "alpha": 8, "learning_rate": 0.01, "target_modules": "q,v"},
        "data_size": 100,
        "budget_examples": 900,
        "seed": 0,
        "data_seed": 0,
    }
    return TrialConfiguration(**given | changes)


def named(**changes: Any) -> str | None:
    return content_id(configuration(**changes), RUNGS, CONTENT)


def test_it_does_not_change_from_version_to_version() -> None:
    assert named() == "n-5bysb4zswubues37"


def test_where_content_lies_is_not_in_it() -> None:
    assert named(base_model="/models/t5", dataset="/rows.csv", dataset_revision="main") == named()
    assert content_id(configuration(), RUNGS, dataclasses.replace(CONTENT)) == named()


def test_the_spelling_of_a_number_and_the_order_of_parameters_are_not_in_it() -> None:
    parameters = dict(reversed(list(configuration().parameters.items())))
    alpha = parameters["alpha"]
    assert isinstance(alpha, int | float)
    assert named(parameters=parameters | {"alpha": float(alpha)}) == named()
    assert named(parameters=parameters | {"alpha": alpha + 1}) != named()


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"data_seed": 1},
        {"data_size": 200},
        {"budget_examples": 901},
        {"tested": False},
        {"test_rows": 5},
        {"validation_rows": 5},
        {"scored_rungs": "last"},
        {"protocol": "both"},
        {"split_by": "row"},
        {"source_tokens": 100},
        {"technique": "qlora"},
    ],
)
def test_what_numbers_depend_on_is_in_it(changes: dict[str, Any]) -> None:
    assert named(**changes) != named()


@pytest.mark.parametrize(
    "content",
    [
        dataclasses.replace(CONTENT, rows="9876"),
        dataclasses.replace(CONTENT, base=Base.of("c" * 64, "b" * 64)),
        dataclasses.replace(CONTENT, base=Base.of("a" * 64, "c" * 64)),
        *(
            dataclasses.replace(
                CONTENT, versions=dataclasses.replace(CONTENT.versions, **{field.name: 9})
            )
            for field in dataclasses.fields(Versions)
        ),
    ],
)
def test_so_are_rows_base_and_versions(content: Content) -> None:
    assert content_id(configuration(), RUNGS, content) != named()


def test_so_are_the_rungs() -> None:
    assert content_id(configuration(), (900,), CONTENT) != named()


def test_there_is_none_while_rows_or_base_are_unknown() -> None:
    assert content_id(configuration(), RUNGS, dataclasses.replace(CONTENT, rows=None)) is None
    assert content_id(configuration(), RUNGS, dataclasses.replace(CONTENT, base=None)) is None


def test_a_base_that_a_trial_has_named_is_the_same() -> None:
    assert CONTENT.base is not None
    seen = dataclasses.replace(CONTENT, base=Base(CONTENT.base.fingerprint))
    assert content_id(configuration(), RUNGS, seen) == named()


def test_the_built_in_corpus_keeps_its_split() -> None:
    assert present_versions("embedded").split is None
    assert present_versions("/rows.csv").split == SPLIT_VERSION
