"""Labels the lines that a trial prints, where several trials share a log."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from orchestrator.search.proposals import Proposal


@contextlib.contextmanager
def labelled(proposal: Proposal, identifier: str) -> Iterator[None]:
    """Begins every line on standard output and error with the trial, its technique and rank.

    Args:
        proposal: The trial.
        identifier: Its id.
    """
    rank = proposal.configuration.get("rank")
    label = f"{identifier} {proposal.configuration['technique']}"
    label += f" r={rank}" if rank is not None else ""
    with (
        contextlib.redirect_stdout(_LabelledStream(sys.stdout, label)),
        contextlib.redirect_stderr(_LabelledStream(sys.stderr, label)),
    ):
        configuration = {k: v for k, v in proposal.configuration.items() if k != "technique"}
        print(f"starts: {configuration}, replicate {proposal.replicate}", flush=True)
        yield


class _LabelledStream:
    """A text stream that begins every line with a label."""

    def __init__(self, stream: TextIO, label: str) -> None:
        self._stream = stream
        self._label = label
        self._line_begins = True

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            if self._line_begins:
                self._stream.write(f"[{self._label}] ")
            self._stream.write(line)
            self._line_begins = line.endswith("\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
