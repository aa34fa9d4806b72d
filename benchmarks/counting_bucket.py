"""A bucket on this machine that counts requests: as much of S3's protocol as the store speaks.

    python -m benchmarks.counting_bucket --folder /tmp/bucket    # prints its port

Made for `benchmarks.scale`, since moto's server looks at all that it holds for each list. It runs
in a process of its own, so that its work is not its client's. Requests are counted by the access
key they are signed with, which nobody checks, so that several clients of one process can be told
apart; GET of `/-/counts` tells the counts. What it answers is held against moto's server by
`tests/benchmarks/test_counting_bucket.py`. Not a store: what it holds ends with it.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import email.utils
import hashlib
import http
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import urlopen
from xml.etree import ElementTree
from xml.sax.saxutils import escape

PAGE = 1000
"""Names in an answer to a list at most, as S3 has it."""

COUNTS = "/-/counts"
_META = "x-amz-meta-"
_KEY = re.compile(r"Credential=([^/]+)/")


@dataclass(frozen=True, slots=True)
class _Object:
    start: int
    size: int
    tag: str
    at: float
    beside: tuple[tuple[str, str], ...]

    def headers(self) -> dict[str, str]:
        when = email.utils.formatdate(self.at, usegmt=True)
        return {"ETag": f'"{self.tag}"', "Last-Modified": when, **dict(self.beside)}


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


class Objects:
    """The objects of all buckets, by `/bucket/key`; contents lie in one file.

    Attributes:
        counts: Requests so far, by access key and kind: "PUT", "GET", "HEAD", "LIST", "DELETE".
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Begins with none.

        Args:
            file: Takes the contents, one behind the other.
        """
        self._file = file
        self._end = 0
        self._found: dict[str, _Object] = {}
        self._names: list[str] = []
        self.counts: dict[str, Counter[str]] = {}

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> _Answer:
        """Returns the answer to one request.

        Args:
            method: "PUT" and so on.
            target: Path and query.
            headers: By names in lower case.
            body: What came with it.
        """
        path, query = unquote(urlsplit(target).path), parse_qs(urlsplit(target).query, True)
        if path == COUNTS:
            return _Answer(200, json.dumps(self.counts).encode())
        kind = "LIST" if "list-type" in query else "DELETE" if method == "POST" else method
        found = _KEY.search(headers.get("authorization", ""))
        self.counts.setdefault(found[1] if found else "", Counter())[kind] += 1
        if kind == "PUT":
            return self._put(path, headers, body)
        if kind == "LIST":
            return self._list(path, query)
        if kind == "DELETE":
            return self._delete(path, body if method == "POST" else None)
        if kind in ("GET", "HEAD") and path in self._found:
            return self._get(self._found[path], kind, headers.get("range"))
        return (
            _error(404, "NoSuchKey") if kind in ("GET", "HEAD") else _error(501, "NotImplemented")
        )

    def _put(self, path: str, headers: Mapping[str, str], body: bytes) -> _Answer:
        if "x-amz-copy-source" in headers:
            return _error(501, "NotImplemented")
        if headers.get("if-none-match") == "*" and path in self._found:
            return _error(412, "PreconditionFailed")
        self._file.seek(self._end)
        self._file.write(body)
        beside = tuple((name, text) for name, text in headers.items() if name.startswith(_META))
        tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if path not in self._found:
            bisect.insort(self._names, path)
        self._found[path] = _Object(self._end, len(body), tag, time.time(), beside)
        self._end += len(body)
        return _Answer(200, headers={"ETag": f'"{tag}"'})

    def _get(self, found: _Object, kind: str, asked: str | None) -> _Answer:
        start, end, status = 0, found.size, 200
        headers = found.headers()
        if asked is not None and (match := re.fullmatch(r"bytes=(\d+)-(\d+)", asked)):
            start, end, status = int(match[1]), min(int(match[2]) + 1, found.size), 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
        if kind == "HEAD":
            return _Answer(status, b"", headers, end - start)
        self._file.seek(found.start + start)
        return _Answer(status, self._file.read(end - start), headers)

    def _delete(self, path: str, listed: bytes | None) -> _Answer:
        if listed is None:
            self._remove(path)
            return _Answer(204)
        keys = [each.text or "" for each in ElementTree.fromstring(listed).iterfind(".//{*}Key")]
        for key in keys:
            self._remove(f"{path.rstrip('/')}/{key}")
        done = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        return _Answer(200, f"<DeleteResult>{done}</DeleteResult>".encode())

    def _remove(self, path: str) -> None:
        if self._found.pop(path, None) is not None:
            del self._names[bisect.bisect_left(self._names, path)]

    def _list(self, path: str, query: Mapping[str, Sequence[str]]) -> _Answer:
        bucket = f"{path.rstrip('/')}/"
        prefix, delimiter = (query.get(name, [""])[0] for name in ("prefix", "delimiter"))
        after = query.get("continuation-token", query.get("start-after", [""]))[0]
        begin = bucket + prefix
        place = bisect.bisect_left(self._names, begin)
        if after:
            place = max(place, bisect.bisect_right(self._names, bucket + after))
        entries: list[str] = []
        last = ""
        while place < len(self._names) and len(entries) < PAGE:
            name = self._names[place]
            if not name.startswith(begin):
                break
            cut = name.find(delimiter, len(begin)) if delimiter else -1
            if cut < 0:
                entries.append(self._entry(name, bucket))
                place, last = place + 1, name
                continue
            folder = name[: cut + 1]
            text = escape(folder.removeprefix(bucket))
            entries.append(f"<CommonPrefixes><Prefix>{text}</Prefix></CommonPrefixes>")
            # Behind all that the folder holds.
            last = f"{folder}\U0010ffff"
            place = bisect.bisect_left(self._names, last)
        more = place < len(self._names) and self._names[place].startswith(begin)
        token = (
            f"<NextContinuationToken>{escape(last.removeprefix(bucket))}</NextContinuationToken>"
        )
        text = "".join(entries) + f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        whole = f"<ListBucketResult>{text}{token if more else ''}</ListBucketResult>"
        return _Answer(200, whole.encode(), {"Content-Type": "application/xml"})

    def _entry(self, name: str, bucket: str) -> str:
        found = self._found[name]
        at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(found.at))
        return (
            f"<Contents><Key>{escape(name.removeprefix(bucket))}</Key><LastModified>{at}"
            f"</LastModified><ETag>&quot;{found.tag}&quot;</ETag><Size>{found.size}</Size></Contents>"
        )


def _error(status: int, code: str) -> _Answer:
    text = f"<Error><Code>{code}</Code><Message>{code}.</Message></Error>"
    return _Answer(status, text.encode(), {"Content-Type": "application/xml"})


@contextmanager
def serving(folder: Path, latency: float = 0.0) -> Iterator[int]:
    """Gives the port of a server in a process of its own, on the loopback interface.

    Args:
        folder: Where contents lie.
        latency: Seconds that an answer takes on its way, beside the work.
    """
    command = [sys.executable, "-m", "benchmarks.counting_bucket", "--folder", str(folder)]
    command += ["--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def environment(port: int) -> dict[str, str]:
    """Returns the variables by which obstore finds a server of this machine."""
    return {
        "AWS_ACCESS_KEY_ID": "driver",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "NO_PROXY": "127.0.0.1",
    }


def counted(port: int) -> dict[str, dict[str, int]]:
    """Returns how many requests a server has had, by access key and kind."""
    with urlopen(f"http://127.0.0.1:{port}{COUNTS}") as answer:
        found: dict[str, dict[str, int]] = json.load(answer)
    return found


async def _serve(objects: Objects, latency: float) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                first, *lines = (
                    (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                )
                method, target, _ = first.split(" ")
                pairs = (line.partition(":") for line in lines if line)
                headers = {name.lower(): text.strip() for name, _, text in pairs}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if latency:
                    await asyncio.sleep(latency)
                writer.write(_encoded(objects.answer(method, target, headers, body)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _encoded(answer: _Answer) -> bytes:
    length = len(answer.body) if answer.length is None else answer.length
    fields = {**answer.headers, "Content-Length": str(length)}
    lines = [f"HTTP/1.1 {answer.status} {http.HTTPStatus(answer.status).phrase}"]
    lines += itertools.starmap("{}: {}".format, fields.items())
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description="A bucket on this machine that counts requests.")
    parser.add_argument("--folder", type=Path, help="where contents lie while it runs")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of each answer's way")
    given = parser.parse_args()
    with tempfile.TemporaryFile(dir=given.folder) as file:
        asyncio.run(_serve(Objects(file), given.latency))


if __name__ == "__main__":
    main()
