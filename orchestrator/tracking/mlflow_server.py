"""Whether MLflow can be written to where `MLFLOW_TRACKING_URI` says, asked before a sweep begins.

MLflow itself tries a database for minutes, with a page of log for each try, before it says why not.
"""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.errors import UserError, visible_line

URI = "MLFLOW_TRACKING_URI"

_SQLITE = "sqlite://"
_WEB = ("http", "https")
_DATABASES = ("postgresql", "mysql", "mssql")
"""Beside SQLite, those that MLflow has; what it makes of other addresses only it knows."""
_NAMES = re.compile(r"//[^/:\s]*(:[^@\s]*)?@([^/\s]*@)?")
"""Who asks, and a password, in which "/" or "@" may stand as they are."""
_QUERY = re.compile(r"(//[^\s?]*)\?\S*")
_SECONDS_TO_CONNECT = 5.0
_SECONDS_TO_ANSWER = 2.0


def check_server() -> None:
    """Checks that something answers there; where it cannot say, the sweep will.

    Raises:
        UserError: Nothing does, the address is none, or the database keeps nothing.
    """
    uri = os.environ.get(URI, "").strip()
    check_database(uri)
    why = _why_not(uri)
    if why is not None:
        raise UserError(
            f"track names mlflow, but nothing answers at {URI}={shown(uri)}: {visible_line(why)};"
            f" start its server, set {URI} to another, or leave mlflow out of track."
        )


def check_database(uri: str) -> None:
    """Checks that MLflow's own database can be written to, if the address is of one.

    Raises:
        UserError: It cannot, or lies in memory, of which nothing is left.
    """
    if not uri.startswith(_SQLITE):
        return
    name = uri.removeprefix(_SQLITE).removeprefix("/").partition("?")[0]
    other = f"name another with {URI}, such as sqlite:////home/me/mlflow.db"
    if name in ("", ":memory:"):
        raise UserError(f"MLflow's database {uri} is in memory, of which nothing is left; {other}.")
    file = Path(name).absolute()
    if file.is_dir():
        raise UserError(f"MLflow's database {file} is a folder, but must be a file; {other}.")
    there = next(each for each in (file, *file.parents) if each.exists())
    if not os.access(there, os.W_OK):
        raise UserError(
            f"MLflow's database {file} cannot be written: this user may not write to {there};"
            f" {other}."
        )


def shown(uri: str) -> str:
    """Returns an address, or a text with some, without what may be a name or a password in them."""
    return _QUERY.sub(r"\1", _NAMES.sub("//", uri))


def _why_not(uri: str) -> str | None:
    """Returns why nothing can be reached at an address; None where something is, or may be."""
    scheme = uri.partition("://")[0].lower()
    if scheme in _WEB:
        return _why_no_web_server(uri)
    if scheme.partition("+")[0] not in _DATABASES:
        return None
    try:
        # A password may have signs that end a host's name elsewhere: "/", "?" or "#".
        parts = urlsplit(shown(uri))
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return str(error)
    if host is None or port is None:
        return None
    try:
        socket.create_connection((host, port), _SECONDS_TO_CONNECT).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _why_no_web_server(uri: str) -> str | None:
    # MLflow's own way there, with the proxies that the environment names.
    import requests

    waits = (_SECONDS_TO_CONNECT, _SECONDS_TO_ANSWER)
    try:
        requests.get(uri, timeout=waits, allow_redirects=False, stream=True).close()
    except (requests.exceptions.SSLError, requests.exceptions.ReadTimeout):
        return None  # something is there, and MLflow may know its certificate
    except (requests.exceptions.ConnectionError, requests.exceptions.InvalidURL) as error:
        if isinstance(error, requests.exceptions.InvalidURL) and shown(uri) != uri:
            return "in a password /, ?, # and @ are written %2F, %3F, %23 and %40"
        reason = getattr(error.args[0], "reason", None) if error.args else None
        said = shown(str(reason or error))
        return said.partition("): ")[2] or said
    except requests.exceptions.RequestException:
        return None
    return None
