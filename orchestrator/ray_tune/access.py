"""Who can reach what a sweep starts: Ray's ports, its dashboard, and what its API says.

A Ray cluster runs any code for whoever may connect to it, as the user who started it. So a cluster
that is started here listens on loopback only and asks for Ray's token; its dashboard may listen
elsewhere if asked to, but not without the token.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import platform
import re
import secrets
import socket
from pathlib import Path

from orchestrator.errors import UserError

LOOPBACK = "127.0.0.1"

OTHER_PORTS = "It is 6379 mostly; 8265 is the dashboard's, 10001 Ray Client's."

_SECONDS = 10
_ADDRESS = re.compile(r"([^/\s]+):([0-9]{1,9})")
# RFC 9113: a client sends this line and its settings, a server answers with its own. A frame has
# three bytes of length, one of kind, one of flags and four of its stream.
_HTTP2_HEADER = 9
_HTTP2_SETTINGS = 4
_HTTP2_BEGINS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, _HTTP2_SETTINGS]) + bytes(5)


class AccessError(UserError):
    """A cluster cannot be started or joined in the way that was asked for."""


def is_loopback(host: str) -> bool:
    """Returns whether an address is reached from this machine only.

    Args:
        host: An IP address, or "localhost"; any other name counts as reachable from elsewhere.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def asks_for_token() -> bool:
    """Returns whether a cluster started here will ask for Ray's token: yes, unless told not to."""
    return os.environ.get("RAY_AUTH_MODE", "token").lower() == "token"


def check_dashboard(host: str) -> None:
    """Refuses a dashboard that others could use without the token.

    Args:
        host: The address it is to listen on.

    Raises:
        AccessError: The address is reached from elsewhere, and Ray's authentication is turned off.
    """
    if not is_loopback(host) and not asks_for_token():
        raise AccessError(
            f"--dashboard-host {host} opens the dashboard to other machines, and RAY_AUTH_MODE is"
            f" {os.environ['RAY_AUTH_MODE']!r}: whoever reaches it could run code as you. Unset"
            " RAY_AUTH_MODE, or leave out --dashboard-host."
        )


def check_listens(host: str) -> None:
    """Checks that the dashboard can listen there: Ray (2.60) ends in a traceback.

    Args:
        host: An address of this machine, or a name that has one.

    Raises:
        AccessError: It is none.
    """
    try:
        if not host:
            raise OSError("it is empty")
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, place = found[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(place)
    except (OSError, UnicodeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise AccessError(
            f"--dashboard-host is {host[:100]!r}, which is no address of this machine ({why});"
            " leave it out for this machine alone, or give 0.0.0.0 for others too."
        ) from error


def check_address_form(address: str) -> None:
    """Checks what is given for a cluster that is to be joined, without asking anybody.

    Args:
        address: "host:port", or "auto" for the cluster that Ray finds on this machine.

    Raises:
        AccessError: It is of another form.
    """
    found = _ADDRESS.fullmatch(address)
    if address != "auto" and (found is None or int(found[2]) > 65535):
        raise AccessError(
            f"--address (or RAY_ADDRESS) is {address!r}, but must be HOST:PORT of a Ray cluster's"
            ' head, as `ray start --head` prints it, or "auto".'
        )


def check_address(address: str) -> None:
    """Checks that a head answers where a cluster is to be joined: Ray (2.60) waits for long.

    Args:
        address: As `check_address_form` takes it.

    Raises:
        AccessError: None does, or the address is of another form.
    """
    check_address_form(address)
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS)
    except OSError as error:
        raise AccessError(
            f"No Ray cluster answers at {address} (--address): {error.strerror or error}. Is its"
            " head running, and is this the port that `ray start --head` printed?"
        ) from error
    with connection:
        if not _uses_tls() and not _speaks_http2(connection):
            raise AccessError(
                f"What answers at {address} (--address) is no Ray cluster's head. Is this the port"
                f" that `ray start --head` printed? {OTHER_PORTS}"
            )


def _uses_tls() -> bool:
    """Returns whether Ray is told to encrypt, by its own variable: then it is left to Ray."""
    return os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")


def _speaks_http2(connection: socket.socket) -> bool:
    """Returns whether a server begins as those of Ray's heads do, which speak gRPC."""
    said = b""
    try:
        connection.sendall(_HTTP2_BEGINS)
        while len(said) < _HTTP2_HEADER and (more := connection.recv(_HTTP2_HEADER - len(said))):
            said += more
    except OSError:
        return False
    return len(said) == _HTTP2_HEADER and said[3] == _HTTP2_SETTINGS


def check_loopback_only(node_address: str) -> None:
    """Checks that a cluster that was started here keeps to itself.

    Args:
        node_address: Where Ray's processes listen.

    Raises:
        AccessError: They listen on an address that others reach, without asking for the token.
    """
    if not is_loopback(node_address) and not asks_for_token():
        raise AccessError(
            f"Ray listens on {node_address}, which other machines may reach, and RAY_AUTH_MODE is"
            f" {os.environ['RAY_AUTH_MODE']!r}: whoever reaches it could run code as you. Unset"
            " RAY_AUTH_MODE, or RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER."
        )


def describe_dashboard(address: str, host: str | None) -> str:
    """Returns where the dashboard is and how to get in, for a person.

    Args:
        address: What Ray says, "host:port".
        host: The address that it was asked to listen on; None means this machine alone.
    """
    where = f"dashboard at http://{address}"
    if host is not None and not is_loopback(host):
        name = platform.node() if host in ("0.0.0.0", "::") else host
        port = address.rpartition(":")[2]
        where = f"dashboard at http://{name}:{port}, unencrypted and also from other machines"
    return f"{where} (log in with the token of: ray get-auth-token)" if asks_for_token() else where


def protect_token() -> None:
    """Makes Ray's token file readable by its owner alone, and makes it if there is none.

    Ray (2.60) itself makes it with the usual permissions, which let every user of the machine read
    it. Where the token comes from somewhere else, by `RAY_AUTH_TOKEN` or `RAY_AUTH_TOKEN_PATH`,
    nothing is done.
    """
    if not asks_for_token() or {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & set(os.environ):
        return
    path = Path.home() / ".ray" / "auth_token"
    # A home that cannot be written to is reported by Ray, where it matters.
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
