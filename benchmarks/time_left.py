"""How far off the time left is that a running sweep says.

    python -m benchmarks.time_left search_spaces/rank.yaml --profile embedded --turns 3

Runs the sweep from an empty store so often, reads its events (`--log-format json`), and holds what
was said at a quarter, half and three quarters of the whole time against what was then really left.
Before two trials are through nothing is said; that is "not known".
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

SHARES = (0.25, 0.5, 0.75)


def error(said: Iterable[tuple[float, float | None]], whole: float, share: float) -> float | None:
    """Returns by how much of the time that was left it was misjudged; None where nothing was said.

    Args:
        said: Seconds since the start, and the seconds that were said to be left; in order.
        whole: Seconds that the sweep took.
        share: When in it, 0 to 1.
    """
    now = share * whole
    earlier = [(at, left) for at, left in said if at <= now]
    if not earlier or (left := earlier[-1][1]) is None:
        return None
    return (left - (now - earlier[-1][0])) / (whole - now) - 1


def run(arguments: Sequence[str], root: Path) -> tuple[list[tuple[float, float | None]], float]:
    """Runs a sweep; returns what it said was left, as `error` takes it, and how long it took."""
    command = [sys.executable, "-m", "orchestrator.sweep", *arguments]
    options = ["--root", str(root), "--log-format", "json", "--no-dashboard"]
    begun = time.time()
    done = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=True)
    whole = time.time() - begun
    events = map(json.loads, done.stdout.splitlines())
    return [
        (datetime.datetime.fromisoformat(event["at"]).timestamp() - begun, event["seconds_left"])
        for event in events
        if "seconds_left" in event
    ], whole


def main() -> None:
    """Prints a line a turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=3)
    options, arguments = parser.parse_known_args()
    print("turn  whole " + "".join(f"{share:>12.0%}" for share in SHARES))
    for turn in range(options.turns):
        with tempfile.TemporaryDirectory() as folder:
            said, whole = run(arguments, Path(folder) / "store")
        errors = [error(said, whole, share) for share in SHARES]
        words = ["not known" if each is None else f"{each:+.0%}" for each in errors]
        print(f"{turn + 1:>4}  {whole:4.0f}s " + "".join(f"{word:>12}" for word in words))


if __name__ == "__main__":
    main()
