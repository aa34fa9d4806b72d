"""Loads and plans mutated search space files, and says what went wrong.

    python -m tests.orchestrator.search_space.fuzz --files 20000 --seed 0
    python -m tests.orchestrator.search_space.fuzz --files 200 --command

A start is right if it is accepted and nothing about it is absurd, or refused with words that name
file or option and key, within `SECONDS`. `--command` runs `python -m orchestrator.sweep` instead.
"""

from __future__ import annotations

import argparse
import io
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from orchestrator.errors import UserError
from orchestrator.search_space import Problem, SpecError, load
from orchestrator.search_space.messages import top_level_keys
from orchestrator.sweep import plan
from orchestrator.sweep.preflight import check_sources
from tests.orchestrator.search_space.absurdities import absurdities
from tests.orchestrator.search_space.mutations import Start, start
from trainables.contract.visible import INVISIBLE

SECONDS = 5.0
"""Of processor time, for one file."""

LONGEST_LINE = 6_000
"""Characters of a problem: a value of 2,000, each perhaps an escape."""

_OF_THE_FILE = re.compile(
    r"is not YAML|is empty;|is not text in UTF-8|must have at most|is nested deeper"
    r"|but must be keys|unknown key|is a second document|must be key\.path=value"
    r"|has a path of more than|applies to the profile|alias |anchor |tag |a key must be"
)
"""Problems of a whole file or option, which have no key."""


class TooSlow(BaseException):
    """A file took longer than it may; not to be caught by what is tested."""


def outcome(given: Start, file: Path) -> tuple[str, str]:
    """Writes a file, loads and plans it.

    Returns:
        "accepted", "refused", or else what is wrong: "crash", "slow", "absurd", "unclear"; and the
        words that go with it.
    """
    file.write_text(given.text, encoding="utf-8", errors="surrogatepass")
    try:
        with _limit(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("error")  # nobody reads them, and they mean a wrong number
            sweep = load(file, given.overrides, given.trials, given.profile, given.has_accelerator)
            out = io.StringIO()
            Console(file=out, width=200).print(plan.describe(sweep, "here"))
            found = absurdities(sweep)
            check_sources(sweep, ask_hub=False)
    except SpecError as error:
        unclear = [str(each) for each in error.problems if not clear(each, given, file)]
        return ("unclear", "\n".join(unclear)) if unclear else ("refused", str(error))
    except UserError as error:
        return ("absurd", "\n".join(found)) if found else ("refused", str(error))
    except TooSlow:
        return "slow", f"more than {SECONDS:g} s"
    except Exception:
        return "crash", traceback.format_exc()
    if any(INVISIBLE.search(line) for line in out.getvalue().split("\n")):
        return "unclear", repr(out.getvalue())
    return ("absurd", "\n".join(found)) if found else ("accepted", out.getvalue())


def clear(problem: Problem, given: Start, file: Path) -> bool:
    """Says whether a problem is one line that names where it is: file or option, and key."""
    line = str(problem)
    options = {f"--set {override}" for override in given.overrides} | {f"--trials {given.trials}"}
    option = problem.place in options
    if INVISIBLE.search(line) or (len(line) > LONGEST_LINE and not option):
        return False
    if problem.place != str(file) and not option:
        return False
    if option or _OF_THE_FILE.search(problem.message):
        return True
    # From the top: a key that a file may have, or what the user took for one, shortened perhaps.
    key = re.match(r"(.+?)(\.\.\.|\.|: )", problem.message, re.DOTALL)
    return key is not None and (key[1] in top_level_keys() or key[1] in _keys(given.text))


def _keys(text: str) -> str:
    """Returns a file's text with its escapes resolved, as the reader sees the keys in it."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    # Of this process's own time: what else the machine does is not the file's fault.
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def command(given: Start, file: Path) -> tuple[str, str]:
    """Writes a file and plans it by the command, in a process of its own."""
    file.write_text(given.text, encoding="utf-8", errors="surrogatepass")
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.sweep", str(file), "--plan", *given.arguments()],
        capture_output=True,
        timeout=120,
    )
    return said(done.returncode, (done.stdout + done.stderr).decode(errors="replace"))


def said(code: int, output: str) -> tuple[str, str]:
    """Returns what came of a command, by its exit code and what it wrote."""
    if code not in (0, 2) or "Traceback" in output or not output.strip():
        return "crash", f"exit code {code}\n{output}"
    return ("accepted" if code == 0 else "refused"), output


def main() -> None:
    """Runs files by the seeds that follow one another, and prints every one that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first file")
    parser.add_argument("--command", action="store_true", help="one process a file")
    options = parser.parse_args()
    try_one = command if options.command else outcome
    began = time.monotonic()
    slowest, counts = (0.0, 0), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "space.yaml"
        for seed in range(options.seed, options.seed + options.files):
            given = start(seed)
            since = time.process_time()
            result, words = try_one(given, file)
            slowest = max(slowest, (time.process_time() - since, seed))
            counts[result] += 1
            if result not in ("accepted", "refused"):
                print(f"--- seed {seed}: {result}\n{words[-3000:]}", flush=True)
    print(
        f"{options.files} files, seeds {options.seed} to {options.seed + options.files - 1}, "
        f"{time.monotonic() - began:.0f} s, slowest {slowest[0]:.2f} s (seed {slowest[1]}): "
        + ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))
    )
    sys.exit(bool(set(counts) - {"accepted", "refused"}))


if __name__ == "__main__":
    main()
