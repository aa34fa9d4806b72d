"""Who can reach what a sweep starts."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.ray_tune import access
from orchestrator.sweep.cli import app
from tests.orchestrator import sweeps


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, and none of Ray's variables."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_token(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    access.check_dashboard(host)
    access.check_loopback_only(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "head.example.org"])
def test_any_other_address_needs_the_token(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    access.check_dashboard(host)
    access.check_loopback_only(host)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(access.AccessError, match="RAY_AUTH_MODE is 'disabled'"):
        access.check_dashboard(host)
    with pytest.raises(access.AccessError, match="RAY_AUTH_MODE is 'disabled'"):
        access.check_loopback_only(host)


@pytest.mark.parametrize(
    ("mode", "options", "message"),
    [
        ("disabled", [], "--dashboard-host 0.0.0.0 opens the dashboard to other machines"),
        ("token", ["--no-dashboard"], "--no-dashboard starts none"),
        ("token", ["--address", "10.0.0.1:6379"], "--address starts none"),
    ],
)
def test_a_refused_dashboard_is_one_clear_message(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    root = tmp_path / "store"
    arguments = [str(sweeps.write(tmp_path)), "--profile", "embedded", "--root", str(root)]
    done = CliRunner().invoke(app, [*arguments, "--dashboard-host", "0.0.0.0", *options])
    assert done.exit_code == 2
    assert message in done.output
    assert not root.exists()


@pytest.mark.parametrize(
    "address",
    ["", "head", ":6379", "head:", "head:port", "head:99999", "ray://head:10001", "http://head:1"],
)
def test_an_address_has_a_form(address: str) -> None:
    with pytest.raises(access.AccessError, match=r"must be HOST:PORT"):
        access.check_address_form(address)


def test_rays_own_variable_is_the_address_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a job of Ray's a second cluster would be started within the job, beside the nodes."""
    monkeypatch.setenv("RAY_ADDRESS", "http://head:dashboard")
    root = tmp_path / "store"
    arguments = [str(sweeps.write(tmp_path)), "--profile", "embedded", "--root", str(root)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "--address (or RAY_ADDRESS) is 'http://head:dashboard'" in done.output
    assert not root.exists()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A port of this machine, on which nothing answers yet."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        yield found


def _place(listening: socket.socket) -> str:
    return f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_cluster_that_is_not_there_is_named_before_a_folder_is_made(
    listening: socket.socket, tmp_path: Path
) -> None:
    address, root = _place(listening), tmp_path / "store"
    words = ["--profile", "embedded", "--root", str(root), "--address", address]
    done = CliRunner().invoke(app, [str(sweeps.write(tmp_path)), *words])
    assert done.exit_code == 2
    assert f"No Ray cluster answers at {address}" in done.output
    assert not root.exists()


def _answer(listening: socket.socket, with_words: bytes) -> None:
    """Answers one caller, as servers of other kinds do."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(with_words)


@pytest.mark.parametrize(
    ("answer", "is_ray"),
    [
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00", True),  # HTTP/2 settings
        (b"HTTP/1.1 505 HTTP Version Not Supported\r\n\r\n", False),  # as the dashboard does
        (b"", False),
    ],
)
def test_a_port_that_is_not_a_heads_is_refused(
    listening: socket.socket, answer: bytes, is_ray: bool
) -> None:
    """Ray (2.60) would wait there for minutes."""
    listening.listen()
    with ThreadPoolExecutor() as pool:
        answering = pool.submit(_answer, listening, answer)
        expected = (
            contextlib.nullcontext()
            if is_ray
            else pytest.raises(access.AccessError, match="is no Ray cluster's head")
        )
        with expected:
            access.check_address(_place(listening))
        answering.result()


def test_a_port_that_says_nothing_is_refused(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_SECONDS", 0.1)
    listening.listen()
    with pytest.raises(access.AccessError, match="is no Ray cluster's head"):
        access.check_address(_place(listening))


def test_a_head_that_speaks_tls_is_left_to_ray(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_USE_TLS", "1")
    listening.listen()
    access.check_address(_place(listening))


def test_a_cluster_of_this_machine_is_looked_for_by_ray() -> None:
    access.check_address("auto")


def test_where_the_dashboard_is_and_how_to_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    token = "(log in with the token of: ray get-auth-token)"
    here = access.describe_dashboard("127.0.0.1:8265", None)
    assert here == f"dashboard at http://127.0.0.1:8265 {token}"
    everywhere = access.describe_dashboard("127.0.0.1:8266", "0.0.0.0")
    assert f"//{os.uname().nodename}:8266, unencrypted" in everywhere
    assert token in everywhere
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert "token" not in access.describe_dashboard("127.0.0.1:8265", None)


def test_only_the_owner_can_read_the_token(home: Path) -> None:
    file = home / ".ray" / "auth_token"
    access.protect_token()
    token = file.read_text()
    assert len(token) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    access.protect_token()
    assert file.read_text() == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"])
def test_a_token_from_elsewhere_is_left_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "given")
    access.protect_token()
    assert not (home / ".ray").exists()


def test_ray_keeps_to_loopback_whichever_module_imports_it_first() -> None:
    code = (
        "import orchestrator.outcomes.standing, ray._private.ray_constants as constants\n"
        "print(constants.ENABLE_RAY_CLUSTER)"
    )
    environment = {name: value for name, value in os.environ.items() if "RAY_ENABLE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_dashboard_listens_on_an_address_of_this_machine(host: str) -> None:
    access.check_listens(host)


@pytest.mark.parametrize(
    "host", ["", "x y", "\x1b[2J", "192.0.2.1", "a" * 300, "\x00", "1.2.3.4.5"]
)
def test_a_dashboard_on_no_address_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(access.AccessError, match="which is no address of this machine"):
        access.check_listens(host)
