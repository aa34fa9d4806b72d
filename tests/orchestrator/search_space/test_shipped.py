"""The search spaces that ship, and the schema with which editors complete them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships without types
import pytest

from orchestrator.search_space import Sweep, load
from orchestrator.search_space.document import read
from orchestrator.search_space.schema import text

FOLDER = Path(__file__).resolve().parents[3] / "search_spaces"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def validator() -> Any:
    return jsonschema.Draft202012Validator(json.loads(text()))


def test_the_six_questions_ship() -> None:
    assert SHIPPED == ["data_size", "decoder", "notebooks", "rank", "smoke", "technique"]


@pytest.mark.parametrize("profile", ["embedded", "full"])
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_loads(name: str, profile: str) -> None:
    sweep = load(FOLDER / f"{name}.yaml", profile=profile)
    assert (sweep.name, sweep.profile) == (name, profile)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_opens_with_its_question_a_command_and_its_cost(name: str) -> None:
    lines = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    head = "\n".join(line for line in lines[: lines.index(f"name: {name}")])
    assert f"# {load(FOLDER / f'{name}.yaml').question}" in head
    assert f"python -m orchestrator.sweep search_spaces/{name}.yaml" in head
    for word in ("--set ", "# Cost. embedded:", "full:", "estimate"):
        assert word in head


def test_rank_has_enough_trials_to_show_something() -> None:
    sweep = load(FOLDER / "rank.yaml", profile="embedded")
    assert sweep.runs >= 12
    assert sweep.baseline
    assert sweep.stopping is not None


def test_technique_has_all_five_techniques() -> None:
    sweep = load(FOLDER / "technique.yaml")
    assert sweep.space is not None
    assert list(sweep.space.technique) == ["full", "lora", "qlora", "prefix"]
    assert sweep.baseline


@pytest.mark.parametrize(("profile", "scale"), [("full", 1), ("embedded", 20)])
def test_notebooks_are_the_seven_runs_of_the_study(profile: str, scale: int) -> None:
    sweep: Sweep = load(FOLDER / "notebooks.yaml", profile=profile)
    keys = ("technique", "data_size", "epochs", "batch_size", "learning_rate", "rank", "alpha")
    runs = [tuple(point.get(key) for key in keys) for point in sweep.points]
    assert runs == [
        ("pretrained", None, None, None, None, None, None),
        ("lora", 20_000 // scale, 2, 2, 5e-5, 8, 16),
        ("qlora", 20_000 // scale, 1, 2, 5e-5, 8, 16),
        ("prefix", 20_000 // scale, 1, 2, 5e-5, None, None),
        ("full", 1_000 // scale, 1, 8, 1e-5, None, None),
        ("lora", 60_000 // scale, 1, 2, 5e-5, 8, 16),
        ("lora", 20_000 // scale, 1, 2, 5e-5, 16, 32),
    ]
    assert [point.get("target_modules") for point in sweep.points[5:]] == ["q,v", "q,k,v,o"]
    assert {point.get("schedule") for point in sweep.points[1:]} == {"linear"}
    assert {point.get("warmup") for point in sweep.points[1:]} == {0.0}
    assert (sweep.space, sweep.stopping) == (None, None)


def test_the_schema_file_is_up_to_date() -> None:
    written = (FOLDER / "schema.json").read_text(encoding="utf-8")
    assert written == text(), (
        "run: python -m orchestrator.search_space.schema > search_spaces/schema.json"
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_the_schema_accepts_what_ships(name: str) -> None:
    document = read((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), name).plain()
    assert list(validator().iter_errors(document)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trails", 3),
        ("objective", {"metric": "rougel"}),
        ("space", {"technique": {"lora": {"rnak": 3}}, "data_size": 5}),
        ("space", {"technique": {"lora": {"rank": {"loguniform": [1, 2]}}}, "data_size": 5}),
        ("space", {"technique": {"lora": {"rank": 0}}, "data_size": 5}),
        ("space", {"technique": {"pretrained": {}}, "data_size": 5}),
        ("points", [{"technique": "prefix", "data_size": 5, "rank": 3}]),
        ("profiles", {"embedded": {"budget": {"example": 3}}}),
        ("profiles", {"embedded": {"budget": {"examples": 0}}}),
        ("replicates", 0),
        ("seed", -1),
        ("budget", {"examples": 10**13}),
        ("stopping", {"first_rung": 1, "reduction_factor": 3}),
        ("evaluation", {"test_rows": 0}),
        ("space", {"technique": {"lora": {"gradient_clipping": 1e300}}, "data_size": 5}),
    ],
)
def test_the_schema_refuses_what_loading_refuses(key: str, value: object) -> None:
    document = read((FOLDER / "rank.yaml").read_text(encoding="utf-8"), "rank").plain()
    assert not validator().is_valid(document | {key: value})


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(text()))
