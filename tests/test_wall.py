"""The wall between the two packages: what each may import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.ray_tune.cluster import TRIAL_SETTINGS
from tests.fresh_process import loaded

TOP = Path(__file__).resolve().parents[1]


def _imports(package: str) -> Iterator[tuple[Path, str]]:
    for path in (TOP / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield path, node.module.split(".")[0]


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("orchestrator", {"torch", "transformers", "peft", "bitsandbytes", "datasets"}),
        ("trainables", {"ray", "orchestrator"}),
    ],
)
def test_no_module_imports_across_the_wall(package: str, forbidden: set[str]) -> None:
    crossings = [(str(path), name) for path, name in _imports(package) if name in forbidden]
    assert not crossings


@pytest.mark.parametrize(
    "module", ["orchestrator.sweep.cli", "orchestrator.results", "orchestrator.predict.cli"]
)
def test_importing_the_commands_loads_no_learning_library(module: str) -> None:
    assert loaded(module, "torch", "transformers", "peft", "datasets") == set()


@pytest.mark.parametrize(
    "imported",
    ["orchestrator.sweep.cli", "orchestrator.results.cli, orchestrator.results.report.file"],
)
def test_a_sweep_of_what_is_here_and_a_report_load_no_client_of_the_hub(imported: str) -> None:
    assert loaded(imported, "huggingface_hub") == set()


def test_what_trains_loads_nothing_that_a_trial_on_the_embedded_profile_has_no_use_for() -> None:
    unused = (
        "datasets",
        "pandas",
        "polars",
        "duckdb",
        "optuna",
        "pydantic",
        "sqlglot",
        "scipy.stats",
    )
    compiler = "torch._inductor.compile_fx"
    assert loaded("trainables.finetune", *unused, compiler, **TRIAL_SETTINGS) == set()


def test_ray_tune_loads_no_tool_to_track_in_where_use_is_not_counted() -> None:
    code = (
        "from orchestrator.ray_tune.cluster import count_no_callbacks\n"
        "from ray.tune import Callback, tune\n"
        "count_no_callbacks()\n"
        "tune.air_usage.tag_callbacks([Callback()])\n"  # as its `run` does
        "import sys; print(*{'mlflow', 'wandb'} & sys.modules.keys())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_nothing_outside_the_families_names_a_class_of_transformers_models() -> None:
    from transformers import CONFIG_MAPPING
    from transformers.models.auto import modeling_auto

    mappings = [
        mapping for name, mapping in vars(modeling_auto).items() if name.endswith("MAPPING_NAMES")
    ]
    named = [name for mapping in mappings for name in mapping.values()]
    classes = {each for name in named for each in ([name] if isinstance(name, str) else name)}
    classes |= {config.__name__ for config in CONFIG_MAPPING.values()}
    classes |= {name for name in vars(modeling_auto) if name.startswith("AutoModel")}
    assert {"T5ForConditionalGeneration", "LlamaConfig", "AutoModelForCausalLM"} <= classes
    found = [
        f"{path.relative_to(TOP)}: {word}"
        for package in ("orchestrator", "trainables")
        for path in sorted((TOP / package).rglob("*.py"))
        if path.parent != TOP / "trainables" / "families"
        for word in sorted(set(re.findall(r"\w+", path.read_text())) & classes)
    ]
    assert not found
