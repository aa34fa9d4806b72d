from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from orchestrator.search.identity import sweep_id
from orchestrator.search_space import Sweep, load
from orchestrator.search_space.problems import SpecError
from orchestrator.search_space.sections import Confirm
from orchestrator.search_space.strata import Stratum, stratum_name
from tests.orchestrator import sweeps
from trainables.contract.configuration import Scalar

_LORA = {
    "rank": {"choice": [4, 8, 64]},
    "target_modules": {"choice": ["q,v", "q,k,v,o"]},
    "learning_rate": {"loguniform": [0.01, 1.0]},
}


def _sweep(folder: Path, ask: Any, technique: dict[str, Any], **space: Any) -> Sweep:
    sizes = {"data_size": {"choice": [100, 200]}}
    return sweeps.toy(folder, ask=ask, space={"technique": technique, **sizes, **space})


def _names(sweep: Sweep) -> list[str]:
    return [stratum.name for stratum in sweep.strata]


def test_each_combination_of_what_is_asked_is_a_stratum_the_ends_first(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, ["rank", "data_size"], {"lora": _LORA})
    assert _names(sweep) == [
        "rank=4, data_size=100",
        "rank=4, data_size=200",
        "rank=64, data_size=100",
        "rank=64, data_size=200",
        "rank=8, data_size=100",
        "rank=8, data_size=200",
    ]


def test_what_only_some_techniques_have_divides_those_only(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, ["technique", "rank"], {"lora": _LORA, "full": {}})
    assert _names(sweep) == [
        "technique=full",
        "technique=lora, rank=4",
        "technique=lora, rank=64",
        "technique=lora, rank=8",
    ]


def test_techniques_that_nobody_asks_about_share_the_strata(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, "rank", {"lora": _LORA, "qlora": copy.deepcopy(_LORA), "prefix": {}})
    assert sweep.strata == (
        Stratum((("rank", 4),), ("lora", "qlora")),
        Stratum((("rank", 64),), ("lora", "qlora")),
        Stratum((), ("prefix",)),
        Stratum((("rank", 8),), ("lora", "qlora")),
    )
    assert _names(sweep)[2] == "the rest (prefix)"


def test_a_value_left_to_its_default_counts_with_it(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, ["rank"], {"lora": _LORA, "qlora": {}})
    by_values = {stratum.values: stratum.techniques for stratum in sweep.strata}
    assert by_values[(("rank", 8),)] == ("lora", "qlora")
    assert by_values[(("rank", 4),)] == ("lora",)


def test_a_configuration_is_in_the_stratum_whose_space_has_it(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, ["rank", "data_size"], {"lora": _LORA, "full": {}})
    own: dict[str, Scalar] = {
        "technique": "lora",
        "data_size": 200,
        "rank": 8,
        "learning_rate": 0.1,
    }
    values = sweep.stratum_of(own)
    assert values is not None
    assert stratum_name(values) == "rank=8, data_size=200"
    assert sweep.stratum_of({"technique": "full", "data_size": 100}) == (("data_size", 100),)
    assert {stratum.values for stratum in sweep.strata} >= {values, (("data_size", 100),)}


def test_without_a_question_about_values_there_is_no_stratum(tmp_path: Path) -> None:
    sweep = _sweep(tmp_path, None, {"lora": _LORA})
    assert sweep.strata == ()
    assert sweep.stratum_of({"technique": "lora", "data_size": 100}) is None


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (["learning_rate"], "ask.0: is \"learning_rate\", but space.technique.lora.learning_rate is"
         " a range (0.01 to 1, log scale); list the values that are to be compared with choice"),
        (["ranks"], 'ask.0: unknown parameter "ranks"; did you mean "rank"?'),
        (["rank", "rank"], 'ask.1: is "rank", which is asked about already'),
        (["technique"], 'ask.0: is "technique", which has a single value in this space'),
        (["dropout"], 'ask.0: is "dropout", which has a single value in this space'),
        (["epochs"], 'ask.0: unknown parameter "epochs"'),
        ([3], "ask.0: is 3, but must be the name of a parameter of the space"),
        ({"rank": 3}, "ask: is a group of keys (rank), but must be a list of names of parameters"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(tmp_path: Path, ask: Any, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        _sweep(tmp_path, ask, {"lora": _LORA})
    assert said in str(refused.value)


def test_points_alone_ask_about_nothing(tmp_path: Path) -> None:
    points = [{"technique": "lora", "data_size": 100}]
    with pytest.raises(SpecError, match="ask: is given, but there is no space"):
        sweeps.toy(tmp_path, ask=["rank"], space=None, trials=None, points=points)


def test_more_strata_than_can_be_tuned_are_refused(tmp_path: Path) -> None:
    many = {"rank": {"choice": [*range(1, 50)]}}
    sizes = {"choice": [*range(100, 130)]}
    with pytest.raises(SpecError, match="ask: divides the space into 1,470 strata, but there must"):
        _sweep(tmp_path, ["rank", "data_size"], {"lora": many}, data_size=sizes)


def test_what_is_asked_is_part_of_a_sweeps_identity(tmp_path: Path) -> None:
    ids = {
        sweep_id(_sweep(tmp_path, ask, {"lora": _LORA}))
        for ask in (None, ["rank"], ["data_size"], ["rank", "data_size"])
    }
    assert len(ids) == 4


def test_one_name_needs_no_list(tmp_path: Path) -> None:
    path = sweeps.write(tmp_path)
    listed = load(path, ["ask=[rank]"], profile="embedded")
    assert load(path, ["ask=rank"], profile="embedded") == listed


def test_what_is_searched_is_confirmed_unless_the_file_says_no(tmp_path: Path) -> None:
    path = sweeps.write(tmp_path, confirm={"seeds": 3})
    sweep = load(path, profile="embedded")
    assert sweep.confirm is not None
    assert sweep.confirm.configurations == 6
    assert load(path, ["confirm=null"], profile="embedded").confirm is None
    text = path.read_text()
    path.write_text(text.replace("confirm:\n  seeds: 3\n", ""))
    assert load(path, profile="embedded").confirm == sweep.confirm
    assert load(path, ["confirm.seeds=9"], profile="embedded").confirm == Confirm(seeds=9)
    path.write_text(text + "profiles: {embedded: {confirm: null}}\n")
    assert load(path, profile="embedded").confirm is None
    assert load(path, profile="full").confirm == sweep.confirm


def test_points_alone_are_not_confirmed(tmp_path: Path) -> None:
    points = [{"technique": "lora", "data_size": 100}]
    alone = {"space": None, "trials": None, "points": points, "stopping": None}
    path = sweeps.write(tmp_path, **alone)
    path.write_text(path.read_text().replace("confirm:\n", ""))
    assert load(path, profile="embedded").confirm is None
    with pytest.raises(SpecError, match="confirm: is given, but there is no space"):
        load(path, ["confirm={seeds: 3}"], profile="embedded")


def test_confirming_takes_the_runs_of_one_configuration_at_least(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"confirm.runs: is 4, but must hold the 5 seeds of one"):
        sweeps.toy(tmp_path, confirm={"runs": 4, "seeds": 5})


def _around(folder: Path, around: object, **changes: Any) -> Sweep:
    lora = {"rank": {"choice": [4, 8]}, "learning_rate": {"loguniform": [1e-4, 1e-2]}}
    asked = {
        "ask": ["rank"],
        "space": {"technique": {"lora": lora | changes.pop("lora", {})}, "data_size": 100},
        "trials": 12,
        "stopping": None,
    }
    confirm = {"runs": 30, "seeds": 2, "around": around}
    return sweeps.toy(folder, **asked | {"confirm": confirm} | changes)


def test_rates_around_take_runs_of_their_own(tmp_path: Path) -> None:
    confirm = _around(tmp_path, [-0.8, -0.4, 0.4]).confirm
    assert confirm is not None
    assert (confirm.runs_of_each, confirm.configurations) == (5, 6)
    assert Confirm(seeds=6, around=(-0.4, 0.4), runs=24).runs_of_each == 12


@pytest.mark.parametrize(
    ("around", "changes", "said"),
    [
        ([0.01], {}, r"confirm.around.0: is 0.01, but must be from 0.05 to 2 decades"),
        ([-3], {}, r"confirm.around.0: is -3, but must be from 0.05 to 2 decades"),
        ([0.4, 0.4], {}, r"confirm.around.1: is 0.4, which is there already"),
        ([0.1 * n for n in range(1, 10)], {}, "confirm.around: has 9 rates, but must have at most"),
        (
            [0.4, -0.4],
            {"confirm": {"runs": 3, "seeds": 2, "around": [0.4, -0.4]}},
            "hold the 4 runs",
        ),
        ([0.4], {"ask": []}, "confirm.around: is given, but nothing is asked about"),
        ([0.4], {"lora": {"learning_rate": 1e-3}}, "lora has no learning_rate that is searched"),
        ([0.4], {"lora": {"dropout": {"choice": [0.0, 0.1]}}}, "dropout of lora is tuned as well"),
    ],
)
def test_rates_around_that_would_tell_nothing_are_refused(
    tmp_path: Path, around: object, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        _around(tmp_path, around, **changes)


def test_confirming_is_no_part_of_a_sweeps_identity(tmp_path: Path) -> None:
    without = sweep_id(sweeps.toy(tmp_path))
    assert sweep_id(sweeps.toy(tmp_path, confirm={"runs": 9})) == without
