"""What a person sees while a sweep runs: a live screen on a terminal, plain lines in a pipe."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live

from orchestrator.dashboard import catalogue
from orchestrator.dashboard.catalogue import Metric
from orchestrator.price.remaining import Remaining
from orchestrator.price.work import CONFIRMING, TUNING
from orchestrator.search.identity import trial_id
from orchestrator.search.proposals import Proposal, confirming_runs, stratum
from orchestrator.search.run_report import RunReport
from orchestrator.search_space import Sweep
from orchestrator.state.confirmation_log import Confirmation
from orchestrator.store.rows import Row
from orchestrator.store.schema import CONFIRM
from orchestrator.sweep.bests import Bests
from orchestrator.sweep.screen import Line, Phase, Screen, View, interval, took
from orchestrator.terminal.json_console import JsonConsole
from orchestrator.terminal.plain_console import shown, shown_line
from orchestrator.terminal.values import configuration, duration, number

_SHOWN = 50
"""Ended trials that are kept for the live screen."""


@dataclass
class _Running:
    proposal: Proposal
    since: float
    report: RunReport | None = None


@dataclass
class _Ended:
    proposal: Proposal
    outcome: str
    measured: str
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
        test_rows: On which a trial is tested, of all protocols.
        spent: Gives what was spent of the limits, in words; "" without any.
        curve: Gives the training losses of a trial, by number, as far as they are reported.
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
    test_rows: int = 0
    spent: Callable[[], str] = lambda: ""
    curve: Callable[[int], Sequence[float]] = lambda trial_number: ()
    _running: dict[int, _Running] = field(default_factory=dict)
    _ended: deque[_Ended] = field(default_factory=lambda: deque(maxlen=_SHOWN))
    _paused: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Counts what there is to do."""
        self._total = self.sweep.runs + self.more + confirming_runs(self.sweep)
        # Kept up to date, since going through all trials at every event would take longer and
        # longer.
        self._best_ended = self._better(
            row["objective"] for row in self.earlier.values() if row.get("phase") != CONFIRM
        )
        self._phases = {TUNING: self.sweep.runs + self.more}
        if confirmed := confirming_runs(self.sweep):
            self._phases[CONFIRMING] = confirmed
        self._done = Counter(map(_phase, self.earlier.values()))
        self._outcomes = Counter(str(row.get("outcome")) for row in self.earlier.values())
        self._best_run: tuple[str, Sequence[float]] | None = None
        self._bests = Bests(self.sweep)
        for row in self.earlier.values():
            if row.get("phase") != CONFIRM:
                error = row.get(f"{self.sweep.objective.metric}_se")
                found = RunReport(0, row["objective"], row.get("eval_loss"), error)
                self._bests.reported(row.get("stratum"), found)
                self._bests.ended(row.get("stratum"))
        of_kind = Counter((_phase(row), str(row.get("technique"))) for row in self.earlier.values())
        self._remaining = Remaining(self.sweep, self.test_rows, of_kind, self.clock)
        self._started = self.clock()

    def confirming(self, chosen: Confirmation) -> None:
        """Notes what is confirmed: the search has ended."""
        self._total = self.sweep.runs + self.more + len(chosen.runs)
        self._phases[CONFIRMING] = len(chosen.runs)
        self._await_confirming(chosen)
        what = "; ".join(
            f"{configuration(each.choice.configuration)} ({each.choice.reason})"
            for each in chosen.confirmed
            if not each.choice.beside
        )
        count = len(chosen.terms.around)
        around = f", with {count} learning rates around each" if count else ""
        seeds = f"under {chosen.terms.seeds} new seeds each{around}, on test rows"
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
        self._done[CONFIRMING] += len(new)
        self._await_confirming(chosen)
        count = "1 of these runs is" if len(new) == 1 else f"{len(new):,} of these runs are"
        self.console.print(shown(f"{count} taken over from other sweeps."))

    def live(self) -> AbstractContextManager[object]:
        """Returns the display, to be entered while trials run."""
        if not self._is_drawn:
            return nullcontext()
        screen = self.screen()
        return Live(
            get_renderable=lambda: screen,
            console=self.console,
            refresh_per_second=2,
            transient=True,
        )

    @property
    def _is_drawn(self) -> bool:
        return self.console.is_terminal and not self.console.quiet

    def screen(self) -> Screen:
        """Returns what is drawn on a terminal, anew each time."""
        return Screen(self.console, self.view)

    def started(self, proposal: Proposal) -> None:
        """Notes that a trial has started."""
        self._running[proposal.trial_number] = _Running(proposal, self.clock())
        self._remaining.started(proposal)
        event = "goes on" if proposal.trial_number in self._paused else "starts"
        values = dict(proposal.configuration)
        self._line(proposal, event, configuration(values), configuration=values)

    def reported(self, proposal: Proposal, report: RunReport) -> None:
        """Notes a report."""
        running = self._running.get(proposal.trial_number)
        if running is not None:
            running.report = report
        self._remaining.reported(proposal, report)
        if not proposal.confirms and self._bests.reported(stratum(self.sweep, proposal), report):
            # Read from the store, for the screen alone.
            losses = self.curve(proposal.trial_number) if self._is_drawn else ()
            self._best_run = (self._name(proposal), losses)
        examples = f"{report.rung_examples:,} of {self._budget(proposal):,} examples"
        measured = self._measured(report.objective, report.loss)
        self._line(
            proposal,
            "reports",
            f"{measured} after {examples}",
            rung_examples=report.rung_examples,
            budget_examples=self._budget(proposal),
            objective=report.objective,
            eval_loss=report.loss,
        )

    def ended(self, proposal: Proposal, row: Row) -> None:
        """Notes a final row."""
        running = self._running.pop(proposal.trial_number, None)
        seconds = self._paused.pop(proposal.trial_number, 0.0)
        seconds += self.clock() - running.since if running else 0.0
        objective, loss = row["objective"], row.get("eval_loss")
        self._ended.append(_Ended(proposal, row["outcome"], _cell(objective, loss), seconds))
        self._remaining.ended(proposal, row["outcome"])
        self._done[CONFIRMING if proposal.confirms else TUNING] += 1
        self._outcomes[row["outcome"]] += 1
        if not proposal.confirms:
            self._best_ended = self._better([self._best_ended, objective])
            self._bests.ended(stratum(self.sweep, proposal))
        reason = (row["error"] or "").strip().rsplit("\n", 1)[-1]
        words = reason or self._measured(objective, loss)
        self._line(
            proposal,
            row["outcome"],
            lambda: f"{words}; {self.summary()}",
            seconds=round(seconds, 3),
            error=reason or None,
            objective=objective,
            eval_loss=loss,
        )

    def paused(self, proposal: Proposal) -> None:
        """Notes that a trial waits for those that it is compared with."""
        number = proposal.trial_number
        running = self._running.pop(number, None)
        seconds = self.clock() - running.since if running else 0.0
        self._paused[number] = self._paused.get(number, 0.0) + seconds
        self._remaining.freed(proposal)
        self._line(proposal, "waits", "for the trials that it is compared with at this rung")

    def interrupted(self, proposal: Proposal, *, goes_on: bool = True) -> None:
        """Notes that a trial ended and is to be continued.

        Args:
            proposal: The trial.
            goes_on: Whether it is continued in this start: not when the sweep is ending.
        """
        self._running.pop(proposal.trial_number, None)
        self._remaining.freed(proposal)
        words = "goes on from where it was saved last"
        left = "not finished; the next start of the sweep goes on from where it was saved last"
        self._line(proposal, "interrupted", words if goes_on else left, goes_on=goes_on)

    def passed(self) -> None:
        """Says what is new; the screen on a terminal refreshes itself."""
        if (words := self.news()) is not None:
            self.console.print(shown(words))

    def summary(self) -> str:
        """Returns how far the sweep is, its best so far and the time left, in one line."""
        done = self._done.total()
        words = [f"{done} of {self._total} trials"]
        best = self._best()
        if best is not None:
            words.append(f"best {self._objective(best)}")
        left = self.seconds_left()
        if left is not None and done < self._total:
            words.append(f"about {duration(left)} left")
        return ", ".join(words)

    def seconds_left(self) -> float | None:
        """Returns the seconds until the end by the clock; None while too little was measured."""
        runs = self._total - self._done.total()
        left = self._remaining.device_seconds(self.seen) if runs else 0.0
        return None if left is None else left / max(1, min(self.slots(), runs))

    def numbers(self) -> dict[Metric, dict[str, float | None]]:
        """Returns the metrics of the whole sweep, by their second label; "" where there is none."""
        return {
            catalogue.RUNS: dict(self._phases),
            catalogue.ENDED: dict(self._outcomes),
            catalogue.RUNNING: {"": len(self._running)},
            catalogue.PLACES: {"": self.slots()},
            catalogue.BEST: {"": self._best()},
            catalogue.SECONDS_LEFT: {"": self.seconds_left()},
        }

    def view(self) -> View:
        """Returns what the live screen shows."""
        running = sorted(self._running.values(), key=lambda r: r.proposal.trial_number)
        slots = self.slots()
        footer = [f"{len(running)} of {slots} places busy" if slots else "no place for a trial"]
        if self._paused:
            footer.append(f"{len(self._paused)} waiting")
        if spent := self.spent():
            footer.append(spent)
        footer.append(f"{duration(self.clock() - self._started)} so far")
        left = self.seconds_left()
        footer.append("time left not known yet" if left is None else f"about {duration(left)} left")
        return View(
            [Phase(name, self._done[name], runs) for name, runs in self._phases.items()],
            self._bests.strata(),
            [self._line_of(run) for run in running],
            [
                Line(
                    self._name(run.proposal),
                    _short(run.proposal),
                    took(run.seconds, run.outcome),
                    None,
                    run.measured,
                    run.outcome == "completed",
                )
                for run in self._ended
            ],
            self._curve(),
            footer,
        )

    def _line_of(self, run: _Running) -> Line:
        measured = "" if run.report is None else interval(run.report)
        seen, budget = self._seen(run), self._budget(run.proposal)
        return Line(
            self._name(run.proposal),
            _short(run.proposal),
            f"{seen:,} / {budget:,}" if budget else "is evaluated",
            seen / budget if budget else None,
            measured,
        )

    def _curve(self) -> tuple[str, Sequence[float]] | None:
        if self._best_run is None or len(self._best_run[1]) < 2:
            return None
        name, losses = self._best_run
        return f"training loss of the best, {name}", losses

    def _await_confirming(self, chosen: Confirmation) -> None:
        left = [run for run in chosen.runs if run.run_number not in self.earlier]
        techniques = Counter(str(run.configuration["technique"]) for run in left)
        self._remaining.confirming(techniques)

    def _best(self) -> float | None:
        running = (
            run.report.objective
            for run in self._running.values()
            if run.report is not None and not run.proposal.confirms
        )
        return self._better([self._best_ended, *running])

    def _better(self, values: Iterable[float | None]) -> float | None:
        known = [float(value) for value in values if value is not None and math.isfinite(value)]
        better = max if self.sweep.objective.mode == "max" else min
        return better(known, default=None)

    def _seen(self, running: _Running) -> int:
        # What an earlier attempt noted may still be there, and the last batch may go beyond.
        seen = self.seen(running.proposal.trial_number)
        rung = 0 if running.report is None else running.report.rung_examples
        return min(max(rung, seen), self._budget(running.proposal))

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

    def _line(
        self, proposal: Proposal, event: str, words: str | Callable[[], str], **told: Any
    ) -> None:
        """Says what happened to a trial: to a person, or with `told` to a program."""
        if isinstance(self.console, JsonConsole):
            left = self.seconds_left()
            self.console.event(
                event,
                trial_id=self._name(proposal),
                **told,
                ended=self._done.total(),
                runs=self._total,
                seconds_left=None if left is None else round(left, 1),
            )
        elif not self.console.is_terminal:
            said = words if isinstance(words, str) else words()
            self.console.print(shown_line(f"{self._name(proposal)} {event}: {said}"))


def _short(proposal: Proposal) -> str:
    """Returns a configuration as it is shown where it may be cut: the data size comes last."""
    last = "data_size"
    values = {name: value for name, value in proposal.configuration.items() if name != last}
    if last in proposal.configuration:
        values[last] = proposal.configuration[last]
    return configuration(values)


def _phase(row: Row) -> str:
    return CONFIRMING if row.get("phase") == CONFIRM else TUNING


def _cell(objective: float | None, loss: float | None) -> str:
    """Returns what a trial measured last, for the column of the objective."""
    return f"loss {number(loss)}" if objective is None and loss is not None else number(objective)
