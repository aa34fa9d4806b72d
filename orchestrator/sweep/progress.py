"""What a person sees while a sweep runs: a live table on a terminal, plain lines in a pipe."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from orchestrator.search.identity import trial_id
from orchestrator.search.proposals import Proposal, confirming_runs
from orchestrator.search_space import Sweep
from orchestrator.state.confirmation_log import Confirmation
from orchestrator.store.rows import Row
from orchestrator.store.schema import CONFIRM
from orchestrator.terminal.plain_console import shown, shown_line
from orchestrator.terminal.values import configuration, duration, number

_SHOWN = 8
"""Ended trials in the live table."""


@dataclass
class _Running:
    proposal: Proposal
    since: float
    rung: int = 0
    objective: float | None = None
    loss: float | None = None


@dataclass
class _Ended:
    proposal: Proposal
    outcome: str
    objective: float | None
    loss: float | None
    seconds: float


@dataclass
class Progress:
    """The watcher of a running sweep.

    Attributes:
        sweep: The resolved search space file.
        sweep_id: The sweep.
        console: Where to.
        slots: Gives how many trials run at a time.
        earlier: Final rows of trials that ended before this start, by trial number.
        clock: Seconds, monotonic.
        seen: Gives the training examples that a running trial, by number, has seen.
        news: Gives what else is to be said now, if anything.
        more: Runs of the search beyond the sweep's own number, taken over from other sweeps.
    """

    sweep: Sweep
    sweep_id: str
    console: Console
    slots: Callable[[], int]
    earlier: Mapping[int, Row]
    clock: Callable[[], float] = time.monotonic
    seen: Callable[[int], int] = lambda trial_number: 0
    news: Callable[[], str | None] = lambda: None
    more: int = 0
    _running: dict[int, _Running] = field(default_factory=dict)
    _ended: list[_Ended] = field(default_factory=list)
    _paused: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Counts what there is to do."""
        self._total = self.sweep.runs + self.more + confirming_runs(self.sweep)
        # Kept up to date, since going through all trials at every event would take longer and
        # longer.
        self._best_ended = self._better(
            row["objective"] for row in self.earlier.values() if row.get("phase") != CONFIRM
        )
        self._seconds = 0.0
        self._timed = 0
        self._started = self.clock()

    def confirming(self, chosen: Confirmation) -> None:
        """Notes what is confirmed: the search has ended."""
        self._total = self.sweep.runs + self.more + len(chosen.runs)
        what = "; ".join(
            f"{configuration(each.choice.configuration)} ({each.choice.reason})"
            for each in chosen.confirmed
        )
        seeds = f"under {chosen.terms.seeds} new seeds each, on test rows"
        words = f"Tuning has ended. Now {seeds}: {what}."
        if not chosen.confirmed:
            words = "Tuning has ended, without a trial that could be confirmed."
        self.console.print(shown(words))

    def adopted(self, chosen: Confirmation, rows: Mapping[int, Row]) -> None:
        """Notes confirming runs that have just been taken over from other sweeps.

        Args:
            chosen: What is confirmed.
            rows: Final rows by run number.
        """
        numbers = (run.run_number for run in chosen.runs if run.run_number not in self.earlier)
        new = {n: rows[n] for n in numbers if n in rows and rows[n]["adopted_from"] is not None}
        self.earlier = {**self.earlier, **new}
        count = "1 of these runs is" if len(new) == 1 else f"{len(new):,} of these runs are"
        self.console.print(shown(f"{count} taken over from other sweeps."))

    def live(self) -> AbstractContextManager[object]:
        """Returns the display, to be entered while trials run."""
        if not self.console.is_terminal:
            return nullcontext()
        return Live(
            get_renderable=self.render, console=self.console, refresh_per_second=2, transient=True
        )

    def started(self, proposal: Proposal) -> None:
        """Notes that a trial has started."""
        self._running[proposal.trial_number] = _Running(proposal, self.clock())
        event = "goes on" if proposal.trial_number in self._paused else "starts"
        self._line(proposal, event, configuration(proposal.configuration))

    def reported(
        self, proposal: Proposal, rung_examples: int, objective: float | None, loss: float | None
    ) -> None:
        """Notes a report."""
        running = self._running.get(proposal.trial_number)
        if running is not None:
            running.rung, running.objective, running.loss = rung_examples, objective, loss
        examples = f"{rung_examples:,} of {self._budget(proposal):,} examples"
        self._line(proposal, "reports", f"{self._measured(objective, loss)} after {examples}")

    def ended(self, proposal: Proposal, row: Row) -> None:
        """Notes a final row."""
        running = self._running.pop(proposal.trial_number, None)
        seconds = self._paused.pop(proposal.trial_number, 0.0)
        seconds += self.clock() - running.since if running else 0.0
        objective, loss = row["objective"], row.get("eval_loss")
        self._ended.append(_Ended(proposal, row["outcome"], objective, loss, seconds))
        if not proposal.confirms:
            self._best_ended = self._better([self._best_ended, objective])
        self._seconds += seconds
        self._timed += seconds > 0
        reason = (row["error"] or "").strip().rsplit("\n", 1)[-1]
        words = reason or self._measured(objective, loss)
        self._line(proposal, row["outcome"], f"{words}; {self.summary()}")

    def paused(self, proposal: Proposal) -> None:
        """Notes that a trial waits for those that it is compared with."""
        number = proposal.trial_number
        running = self._running.pop(number, None)
        seconds = self.clock() - running.since if running else 0.0
        self._paused[number] = self._paused.get(number, 0.0) + seconds
        self._line(proposal, "waits", "for the trials that it is compared with at this rung")

    def interrupted(self, proposal: Proposal, *, goes_on: bool = True) -> None:
        """Notes that a trial ended and is to be continued.

        Args:
            proposal: The trial.
            goes_on: Whether it is continued in this start: not when the sweep is ending.
        """
        self._running.pop(proposal.trial_number, None)
        words = "goes on from where it was saved last"
        left = "not finished; the next start of the sweep goes on from where it was saved last"
        self._line(proposal, "interrupted", words if goes_on else left)

    def passed(self) -> None:
        """Says what is new; the table on a terminal refreshes itself."""
        if (words := self.news()) is not None:
            self.console.print(shown(words))

    def summary(self) -> str:
        """Returns how far the sweep is, its best so far and the time left, in one line."""
        done = len(self.earlier) + len(self._ended)
        words = [f"{done} of {self._total} trials"]
        best = self._best()
        if best is not None:
            words.append(f"best {self._objective(best)}")
        left = self.seconds_left()
        if left is not None and done < self._total:
            words.append(f"about {duration(left)} left")
        return ", ".join(words)

    def seconds_left(self) -> float | None:
        """Returns the seconds until the end if trials go on as before, None before one has ended.

        Mean seconds of the trials that ended, stopped ones included, times the trials that are
        left, over the trials at a time.
        """
        if not self._timed:
            return None
        left = self._total - len(self.earlier) - len(self._ended)
        mean = self._seconds / self._timed
        spent = math.fsum(min(self.clock() - r.since, mean) for r in self._running.values())
        return max(0.0, mean * left - spent) / max(1, min(self.slots(), left))

    def render(self) -> Group:
        """Returns the live display."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("trial", "configuration", "state", "examples", self.sweep.objective.metric):
            table.add_column(column, justify="right" if column == "examples" else "left")
        for ended in self._ended[-_SHOWN:]:
            table.add_row(
                self._name(ended.proposal),
                shown_line(configuration(ended.proposal.configuration)),
                f"{ended.outcome} {duration(ended.seconds)}",
                "",
                _cell(ended.objective, ended.loss),
                style="dim" if ended.outcome != "completed" else "",
            )
        for running in sorted(self._running.values(), key=lambda r: r.proposal.trial_number):
            table.add_row(
                self._name(running.proposal),
                shown_line(configuration(running.proposal.configuration)),
                shown(f"running {duration(self.clock() - running.since)}", "green"),
                f"{self._seen(running):,} / {self._budget(running.proposal):,}",
                _cell(running.objective, running.loss),
            )
        elapsed = duration(self.clock() - self._started)
        return Group(table, shown(f"{self.summary()}, {elapsed} so far", "bold"))

    def _best(self) -> float | None:
        searched = (each for each in self._running.values() if not each.proposal.confirms)
        running = (running.objective for running in searched)
        return self._better([self._best_ended, *running])

    def _better(self, values: Iterable[float | None]) -> float | None:
        known = [float(value) for value in values if value is not None and math.isfinite(value)]
        better = max if self.sweep.objective.mode == "max" else min
        return better(known, default=None)

    def _seen(self, running: _Running) -> int:
        # What an earlier attempt noted may still be there, and the last batch may go beyond.
        seen = self.seen(running.proposal.trial_number)
        return min(max(running.rung, seen), self._budget(running.proposal))

    def _budget(self, proposal: Proposal) -> int:
        return self.sweep.budget_examples(proposal.configuration)

    def _objective(self, value: float | None) -> str:
        return f"{self.sweep.objective.metric} {number(value)}"

    def _measured(self, objective: float | None, loss: float | None) -> str:
        if objective is None and loss is not None:
            return f"eval_loss {number(loss)}"
        return self._objective(objective)

    def _name(self, proposal: Proposal) -> str:
        return trial_id(self.sweep_id, proposal.trial_number)

    def _line(self, proposal: Proposal, event: str, words: str) -> None:
        if not self.console.is_terminal:
            self.console.print(shown_line(f"{self._name(proposal)} {event}: {words}"))


def _cell(objective: float | None, loss: float | None) -> str:
    """Returns what a trial measured last, for the column of the objective."""
    return f"loss {number(loss)}" if objective is None and loss is not None else number(objective)
