"""What the search proposes lies in the space, and what lies there can be told to the study."""

from __future__ import annotations

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial, create_trial

from orchestrator.search.optuna_space import grid, size, suggest, to_optuna
from orchestrator.search_space.membership import contains
from orchestrator.search_space.space import Space
from tests.orchestrator.spaces import spaces
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import complete

optuna.logging.set_verbosity(optuna.logging.WARNING)

SPACE = Space.model_validate(
    {
        "technique": {
            "prefix": {"virtual_tokens": {"randint": [10, 51]}},
            "lora": {
                "learning_rate": {"loguniform": [1e-4, 1e-2]},
                "rank": {"choice": [4, 8]},
                "dropout": {"quniform": [0.0, 0.3, 0.1]},
                "alpha": 16,
            },
        },
        "data_size": {"choice": [500, 2000]},
    }
)


def ask(space: Space, seed: int) -> tuple[dict[str, Scalar], optuna.Trial]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    return suggest(trial, space), trial


@settings(max_examples=60, deadline=None)
@given(spaces(), st.integers(0, 2**31))
def test_a_suggestion_lies_in_the_space_and_is_valid(space: Space, seed: int) -> None:
    configuration, _ = ask(space, seed)
    technique = str(configuration["technique"])
    branch = space.technique[technique]
    assert contains(space.data_size, configuration["data_size"])
    assert set(configuration) == {"technique", "data_size", *branch}
    for name, distribution in branch.items():
        assert contains(distribution, configuration[name])
    complete(technique, {name: configuration[name] for name in branch})


@settings(max_examples=60, deadline=None)
@given(spaces(), st.integers(0, 2**31))
def test_a_suggestion_is_what_optuna_drew(space: Space, seed: int) -> None:
    configuration, trial = ask(space, seed)
    found = to_optuna(space, configuration)
    assert found is not None
    parameters, distributions = found
    assert parameters == pytest.approx(trial.params)
    assert distributions == trial.distributions
    create_trial(params=parameters, distributions=distributions, value=0.0)


@settings(max_examples=60, deadline=None)
@given(spaces(finite=True))
def test_a_grid_has_every_configuration_once(space: Space) -> None:
    configurations = grid(space)
    assert len(configurations) == size(space)
    assert len({tuple(sorted(c.items(), key=str)) for c in configurations}) == len(configurations)
    for configuration in configurations[:20]:
        found = to_optuna(space, configuration)
        assert found is not None
        assert suggest(FixedTrial(found[0]), space) == configuration


def test_parameters_are_named_within_their_technique() -> None:
    assert to_optuna(SPACE, {"technique": "prefix", "data_size": 500, "virtual_tokens": 50}) == (
        {"technique": "prefix", "data_size": 500, "prefix/virtual_tokens": 50},
        {
            "technique": optuna.distributions.CategoricalDistribution(["lora", "prefix"]),
            "data_size": optuna.distributions.CategoricalDistribution([500, 2000]),
            "prefix/virtual_tokens": optuna.distributions.IntDistribution(10, 50),
        },
    )


def test_bounds_are_ray_tunes() -> None:
    drawn = SPACE.technique["prefix"]["virtual_tokens"]
    assert [contains(drawn, value) for value in (9, 10, 50, 51)] == [False, True, True, False]
    dropout = SPACE.technique["lora"]["dropout"]
    assert [contains(dropout, v) for v in (0.0, 0.3, 0.15, 0.4)] == [True, True, False, False]


def test_steps_are_free_of_binary_rounding() -> None:
    space = SPACE.model_copy(
        update={"technique": {"lora": {"dropout": SPACE.technique["lora"]["dropout"]}}}
    )
    assert [configuration["dropout"] for configuration in grid(space)[:4]] == [0.0, 0.1, 0.2, 0.3]


INSIDE: dict[str, Scalar] = {
    "technique": "lora",
    "data_size": 500,
    "rank": 8,
    "learning_rate": 1e-3,
    "dropout": 0.1,
    "alpha": 16,
}


@pytest.mark.parametrize(
    "change",
    [
        {"rank": 5},
        {"data_size": 501},
        {"learning_rate": 0.1},
        {"dropout": 0.15},
        {"alpha": 8},
        {"weight_decay": 0.5},
        {"epochs": 2.0},
    ],
)
def test_what_cannot_be_proposed_is_not_told(change: dict[str, Scalar]) -> None:
    assert to_optuna(SPACE, INSIDE) is not None
    assert to_optuna(SPACE, INSIDE | change) is None


def test_a_technique_outside_is_not_told() -> None:
    assert to_optuna(SPACE, {"technique": "pretrained"}) is None


def test_a_point_that_relies_on_defaults_is_told_with_them() -> None:
    lora: dict[str, Scalar] = {
        "technique": "lora",
        "data_size": 500,
        "learning_rate": 1e-3,
        "dropout": 0.1,
    }
    found = to_optuna(SPACE, lora | {"weight_decay": 0.0})
    assert found is not None
    assert found[0]["lora/rank"] == 8


def test_a_continuous_space_has_neither_size_nor_grid() -> None:
    assert size(SPACE) is None
    with pytest.raises(ValueError, match="has no grid"):
        grid(SPACE)


def test_the_order_of_keys_does_not_change_what_is_proposed() -> None:
    dumped = SPACE.model_dump(mode="json")
    turned = {
        "data_size": dumped["data_size"],
        "technique": {
            technique: dict(reversed(branch.items()))
            for technique, branch in reversed(dumped["technique"].items())
        },
    }
    for seed in range(20):
        assert ask(Space.model_validate(turned), seed)[0] == ask(SPACE, seed)[0]
