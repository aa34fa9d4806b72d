"""What a machine answers that is to run trials."""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.nodes import check as node_check
from orchestrator.nodes.check import check
from orchestrator.nodes.demands import Demands
from orchestrator.nodes.sources import sources_digest
from orchestrator.search.content import Content
from orchestrator.state.node_marker import NodeMarker
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.sweep.content import content_of
from orchestrator.sweep.rows import surveyed
from tests import small_disk
from tests.orchestrator import sweeps
from trainables.base_models.locations import EMBEDDED_FOLDER

NODE = "ab12"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    row = {"sql_prompt": "How many?", "sql_context": "CREATE TABLE t (a INT)", "sql": "SELECT 1"}
    lines = (json.dumps(row | {"sql_context": f"CREATE TABLE t{n} (a INT)"}) for n in range(800))
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EMBEDDED_FOLDER, tmp_path / "model"))


@pytest.fixture
def stored(tmp_path: Path, table: Path, model: Path) -> StoredSweep:
    sweep = sweeps.toy(tmp_path, dataset=str(table), base_model=str(model))
    return latest(sweep, Store(tmp_path / "store"))


@pytest.fixture
def asked(stored: StoredSweep) -> dict[str, Any]:
    content: Content = content_of(stored.sweep, surveyed(stored.sweep))
    demands = Demands.of(stored, content, NodeMarker.place(stored.files))
    crossed: dict[str, Any] = json.loads(json.dumps(demands.to_dict()))
    return crossed


def _faults(asked: Mapping[str, Any], accelerators: float = 0.0) -> str:
    return "; ".join(check(asked, NODE, accelerators)["faults"])


def test_a_machine_that_has_all_of_it_passes_and_says_so_in_the_root(
    asked: dict[str, Any],
) -> None:
    marker = NodeMarker(asked["root"], asked["marker"])
    assert not marker.answered(NODE)
    before = time.time()
    answer = check(asked, NODE, 0)
    assert before <= answer.pop("clock") <= time.time()
    assert answer == {"kind": "cpu", "system": platform.system(), "faults": []}
    assert marker.answered(NODE)


def test_a_root_of_its_own_is_seen(asked: dict[str, Any], stored: StoredSweep) -> None:
    NodeMarker.place(stored.files)  # the driver's is another one
    assert "has another folder" in _faults(asked)
    shutil.rmtree(stored.root)
    assert f"has no folder {stored.root}" in _faults(asked)


def test_a_share_that_is_full_there_is_named(asked: dict[str, Any], tmp_path: Path) -> None:
    with small_disk.mounted(tmp_path / "disk") as disk:
        store = Store(disk / "store")
        files = latest(sweeps.toy(tmp_path), store).files
        marker = NodeMarker.place(files)
        small_disk.fill(disk, 4096)  # in which an empty file has place
        asked = asked | {"root": marker.root, "marker": marker.key}
        assert f"cannot write to {marker.root}: " in _faults(asked)
        assert "the disk is full" in _faults(asked)


def test_other_rows_and_a_missing_table_are_named(asked: dict[str, Any], table: Path) -> None:
    table.write_text(table.read_text().replace("SELECT 1", "SELECT 2"))
    assert _faults(asked) == f"has another content in {table}"
    table.unlink()
    assert _faults(asked) == f"cannot read {table}: No such file or directory"


def test_another_base_model_and_a_missing_one_are_named(asked: dict[str, Any], model: Path) -> None:
    config = model / "generation_config.json"
    config.write_text(config.read_text().replace("{", '{"max_length": 99,', 1))
    assert _faults(asked) == f"has another base model in {model}"
    shutil.rmtree(model)
    assert _faults(asked) == f"has no base model in {model}"


def test_other_versions_are_named_but_not_another_build(asked: dict[str, Any]) -> None:
    here = asked["packages"]["torch"]
    asked["packages"] |= {"torch": "1.0", "peft": "0.1"}
    said = _faults(asked)
    assert f"has other versions installed: torch {here} (here 1.0), peft" in said
    assert "+" not in here


def test_of_other_sources_nothing_else_is_asked(asked: dict[str, Any]) -> None:
    asked = {"sources": "of a later version", "demand": "of which this one knows nothing"}
    said = _faults(asked)
    assert said.startswith("has other sources of this package in ")
    assert "install the same there" in said


def test_a_device_that_torch_cannot_use_is_named(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(node_check, "DEVICE", "tests.orchestrator.nodes.no_device")
    answer = check(asked, NODE, 2)
    assert answer["kind"] == "cuda"
    assert answer["faults"] == ["has a device that is of no use: it was built without cuda"]


def test_a_mac_says_that_its_accelerator_is_apples(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray counts one GPU there and does not say whose; torch is asked for it by its own name."""
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr(node_check, "DEVICE", "tests.orchestrator.nodes.no_device")
    answer = check(asked, NODE, 1)
    assert (answer["kind"], answer["system"]) == ("mps", "Darwin")
    assert answer["faults"] == ["has a device that is of no use: it was built without mps"]


def test_the_digest_of_the_sources_is_that_of_names_and_contents(tmp_path: Path) -> None:
    def of(**files: str) -> str:
        shutil.rmtree(tmp_path / "orchestrator", ignore_errors=True)
        (tmp_path / "orchestrator").mkdir()
        for name, text in files.items():
            (tmp_path / "orchestrator" / f"{name}.py").write_text(text)
        return sources_digest.__wrapped__(tmp_path)

    assert of(a="x", b="y") == of(b="y", a="x")
    assert len({of(a="x", b="y"), of(a="y", b="x"), of(a="x"), of(a="x", c="y")}) == 4


def test_demands_cross_as_plain_values(asked: dict[str, Any]) -> None:
    assert set(asked) == {field.name for field in dataclasses.fields(Demands)}
