"""A bucket on this machine, by moto's server, and what can go wrong on the way to it.

`python -m tests.bucket_server ADDRESS` serves on an address of this machine until it is killed, and
prints `{"bucket": ..., "environment": ...}`: a bucket, and by which variables it is found.
"""

from __future__ import annotations

import itertools
import json
import logging
import re
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.store.place import BucketAddress

_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Request:
    """A request to the bucket.

    Attributes:
        method: "GET", "PUT" and so on.
        path: With the query.
    """

    method: str
    path: str


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        arrives: Whether the bucket gets the request all the same.
        status: What is answered in place of the bucket's answer; None for nothing at all: the
            connection is closed.
        code: Of that answer, S3's word for it.
        hangs: Whether the answer does not come until the client has given up.
        cut: Whether half of the bucket's own answer comes.
    """

    arrives: bool
    status: int | None = None
    code: str = "InternalError"
    hangs: bool = False
    cut: bool = False


LOST = Fault(arrives=True)
UNSENT = Fault(arrives=False)
LATE = Fault(arrives=True, hangs=True)
CUT = Fault(arrives=True, cut=True)
BUSY = Fault(arrives=False, status=503, code="SlowDown")
BUSY_AFTERWARDS = Fault(arrives=True, status=503, code="SlowDown")
CONFLICT = Fault(arrives=False, status=409, code="ConditionalRequestConflict")
TAKEN = Fault(arrives=False, status=412, code="PreconditionFailed")
FULL = Fault(arrives=False, status=403, code="QuotaExceeded")
UNHEARD_OF = Fault(arrives=False, status=501, code="NotImplemented")
FORBIDDEN = Fault(arrives=False, status=403, code="AccessDenied")

Faults = Callable[[Request], Fault | None]


@dataclass
class Line:
    """The line to the buckets: what is on it goes wrong as a test wants.

    Attributes:
        host: The address that it is on.
        port: The port.
        faults: Says what goes wrong with a request.
        without: Headers that requests lose, as with a server that does not know them.
        requests: What was asked for.
        bytes_sent: Bytes of answers to GET, in all.
        faulted: How many requests something went wrong with.
    """

    host: str = "127.0.0.1"
    port: int = 0
    faults: Faults = lambda request: None
    without: tuple[str, ...] = ()
    requests: list[Request] = field(default_factory=list)
    bytes_sent: int = 0
    faulted: int = 0

    def reset(self) -> None:
        """Lets all go well, and counts from 0."""
        self.faults = lambda request: None
        self.without = ()
        self.requests.clear()
        self.bytes_sent = self.faulted = 0

    def bucket(self) -> str:
        """Makes a bucket, empty, and returns its name."""
        name = f"bucket-{next(_NUMBERS)}"
        connection = HTTPConnection(self.host, self.port)
        connection.request("PUT", f"/{name}")
        assert connection.getresponse().status == 200
        connection.close()
        return name

    def address(self) -> BucketAddress:
        """Returns the address of a root in a bucket of its own."""
        return BucketAddress(self.bucket(), "some/root")

    def environment(self) -> dict[str, str]:
        """Returns the variables by which obstore finds it, as a user would set them."""
        return {
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "NO_PROXY": self.host,
            "AWS_ENDPOINT_URL": f"http://{self.host}:{self.port}",
        }


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[Line]:
    """Gives the line to a server of buckets, on an address of this machine."""
    server = pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = server.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    line = Line(host)
    proxy = ThreadingHTTPServer((host, 0), _handler(line, moto.get_host_and_port()[1]))
    proxy.daemon_threads = True
    line.port = proxy.server_address[1]
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield line
    finally:
        proxy.shutdown()
        proxy.server_close()
        moto.stop()


def use(line: Line, environment: pytest.MonkeyPatch) -> None:
    """Has obstore find the line."""
    for name, value in line.environment().items():
        environment.setenv(name, value)


def _handler(line: Line, behind: int) -> type[BaseHTTPRequestHandler]:
    # moto looks whether an object is there, and then writes it, with nothing between two of these.
    one_by_one = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path)
            with one_by_one:
                line.requests.append(request)
                fault = line.faults(request)
                line.faulted += fault is not None
                if fault is None or fault.arrives:
                    status, headers, data = self.pass_on(body)
            if fault is None:
                self.reply(status, headers, data)
            elif fault.hangs:
                select.select([self.connection], [], [])  # until the client closes it
                self.close_connection = True
            elif fault.cut:
                self.reply(status, headers, data[: len(data) // 2], len(data))
                self.close_connection = True
            elif fault.status is None:
                self.close_connection = True
            else:
                said = f"<Error><Code>{fault.code}</Code><Message>A fault.</Message></Error>"
                self.reply(fault.status, {"Content-Type": "application/xml"}, said.encode())

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer  # noqa: N815 - http.server's names

        def pass_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            headers = dict(self.headers.items())
            headers = {k: v for k, v in headers.items() if k.lower() not in line.without}
            connection = HTTPConnection("127.0.0.1", behind)
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
            kept = {
                name: value
                for name, value in answer.getheaders()
                if not re.fullmatch(r"connection|transfer-encoding|date|server", name.lower())
            }
            connection.close()
            return answer.status, kept, data

        def reply(
            self, status: int, headers: dict[str, str], data: bytes, length: int | None = None
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length" or self.command == "HEAD":
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(data) if length is None else length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)
            if self.command == "GET":
                line.bytes_sent += len(data)

    return Handler


def main() -> None:
    """Serves until it is killed."""
    with serving(sys.argv[1]) as line:
        told = {"bucket": line.bucket(), "environment": line.environment()}
        print(json.dumps(told), flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
