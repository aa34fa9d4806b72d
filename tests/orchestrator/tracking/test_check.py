"""What is said before a sweep starts of tools that cannot be used."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.errors import UserError
from orchestrator.results.track import Tool, track
from orchestrator.search_space.value_types import TRACKERS
from orchestrator.sweep.cli import app
from orchestrator.tracking.mlflow_server import URI, check_server
from orchestrator.tracking.tools import check_tools
from tests.orchestrator import sweeps
from tests.orchestrator.tracking import servers, stores


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


@pytest.fixture
def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize(
    "uri",
    [
        "http://{}",
        "http://me:secret@{}/x",
        "http://me@firm.org:secret@{}",
        "postgresql://me:secret@{}/x",
        "mysql+pymysql://{}/x?password=secret",
    ],
)
def test_a_server_of_mlflow_that_is_not_there_is_refused_before_a_sweep_begins(
    uri: str, closed_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    address = f"127.0.0.1:{closed_port}"
    monkeypatch.setenv(URI, uri.format(address))
    root = tmp_path / "store"
    file = sweeps.write(tmp_path, track=["mlflow"])
    options = [str(file), "--root", str(root), "--profile", "embedded"]
    for more in ([], ["--plan"]):
        done = CliRunner().invoke(app, [*options, *more])
        assert done.exit_code == 2
        said = " ".join(done.output.split())
        assert f"nothing answers at {URI}={uri.split(':')[0]}://{address}" in said
        assert "Connection refused; start its server" in said
        assert "secret" not in said
        assert not root.exists()
    stores.sweep(tmp_path)
    with pytest.raises(UserError, match=rf"nothing answers at {URI}="):
        track(tmp_path, [stores.SWEEP], Tool.MLFLOW)


@pytest.mark.parametrize("server", [servers.silent, servers.failing])
def test_what_answers_or_may_is_the_sweeps_to_find_out(
    server: Callable[[], AbstractContextManager[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with server() as address:
        monkeypatch.setenv(URI, address)
        check_server()


@pytest.mark.parametrize("password", ["s/ecret", "s#ecret", "s?ecret", "s%40ecret"])
def test_a_database_is_asked_whatever_signs_are_in_its_password(
    password: str, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SQLAlchemy reads it, which MLflow hands it to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv(URI, f"postgresql://me:{password}@127.0.0.1:{server.getsockname()[1]}/x")
        check_server()
    monkeypatch.setenv(URI, f"postgresql://me:{password}@127.0.0.1:{closed_port}/x")
    with pytest.raises(UserError, match="Connection refused") as refused:
        check_server()
    assert "ecret" not in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://nosuch.invalid:5000", "nosuch.invalid"),
        ("http://127.0.0.1:port", "port"),
        ("http://", "No host supplied"),
        ("http://me:s/ecret@127.0.0.1:1", "in a password /, .* are written %2F"),
        ("sqlite://", "in memory, of which nothing is left"),
    ],
)
def test_an_address_that_is_none_is_refused(
    uri: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URI, uri)
    with pytest.raises(UserError, match=f"{said}.*{URI}") as refused:
        check_server()
    assert "me:s" not in str(refused.value)


@pytest.mark.parametrize(
    "uri",
    [
        *(None, "", "databricks", "file:///tmp/x", "sqlite:///x.db", "./x"),
        # A scope of secrets and a prefix of their keys; a tool's own scheme.
        *("databricks://scope:prefix", "databricks-uc://scope:prefix", "own-store://name:1"),
    ],
)
def test_where_there_is_no_server_none_is_asked(
    uri: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URI, raising=False)
    if uri is not None:
        monkeypatch.setenv(URI, uri)
    check_server()
