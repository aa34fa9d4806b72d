"""What is said before a sweep starts of tools that cannot be used."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.errors import UserError
from orchestrator.results.track import Tool, track
from orchestrator.search_space.value_types import TRACKERS
from orchestrator.sweep.cli import app
from orchestrator.tracking.tools import check_tools
from tests.orchestrator import sweeps
from tests.orchestrator.tracking import stores


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tool_whose_package_is_absent_is_refused_with_the_command_that_installs_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    root = tmp_path / "store"
    file = sweeps.write(tmp_path, track=[name])
    done = CliRunner().invoke(app, [str(file), "--root", str(root), "--profile", "embedded"])
    assert done.exit_code == 2
    assert f"the package {name} is not installed: pip install {name}" in done.output
    assert not root.exists()


def test_a_folder_of_a_tools_name_is_not_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wandb leaves one in the folder from which it runs."""
    folder = importlib.machinery.ModuleSpec("wandb", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: folder)
    monkeypatch.setenv("WANDB_MODE", "offline")
    with pytest.raises(UserError, match="the package wandb is not installed"):
        check_tools(["wandb"])


def test_wandb_without_a_key_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    with pytest.raises(UserError, match="run wandb login or set WANDB_API_KEY; WANDB_MODE=off"):
        check_tools(["wandb"])
    monkeypatch.setenv("WANDB_MODE", "offline")
    check_tools(["wandb"])


@pytest.mark.parametrize("mode", ["nonsense", "Offline", " "])
def test_a_mode_that_wandb_does_not_have_is_refused(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", mode)
    with pytest.raises(UserError, match="but must be one of online, offline and disabled"):
        check_tools(["wandb"])


def test_what_is_to_write_nothing_is_not_said_to_have_a_sweep(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    stores.sweep(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    check_tools(["wandb"])  # a sweep goes on without, as it was told to
    with pytest.raises(UserError, match="WANDB_MODE=disabled lets wandb write nothing; unset it"):
        track(tmp_path, [stores.SWEEP], Tool.WANDB)


def test_an_unknown_tool_is_refused_with_the_known(tmp_path: Path) -> None:
    file = sweeps.write(tmp_path, track=["mlfow"])
    done = CliRunner().invoke(app, [str(file), "--plan"])
    assert done.exit_code == 2
    assert "is \"mlfow\", but must be 'wandb', 'mlflow' or 'tensorboard'" in done.output
