"""SIGTERM asks for a clean end first, and ends the process when it comes again."""

from __future__ import annotations

import os
import signal
import time

import pytest

from orchestrator.errors import Terminated
from orchestrator.sweep import termination
from orchestrator.sweep.termination import terminable


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_the_first_one_asks_and_is_raised_at_the_end() -> None:
    asked: list[int] = []
    news: list[bool] = []

    def once() -> None:
        with terminable(lambda: asked.append(1)) as is_news:
            news.append(is_news())
            _terminate()
            news.append(is_news())
            news.append(is_news())

    with pytest.raises(Terminated):
        once()
    assert asked == [1]
    assert news == [False, True, False]


def test_the_second_one_is_raised_at_once() -> None:
    def twice() -> None:
        with terminable(lambda: None):
            _terminate()
            _terminate()
            raise AssertionError("it went on")

    with pytest.raises(Terminated):
        twice()


def test_so_is_the_end_of_the_time_for_a_clean_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(termination, "GRACE_SECONDS", 0.05)

    def wait() -> None:
        with terminable(lambda: None):
            _terminate()
            while True:  # to pause would be for ever, where the time is up just before
                time.sleep(0.01)

    with pytest.raises(Terminated):
        wait()


def test_a_plain_interrupt_that_follows_is_told_as_what_it_was() -> None:
    # Ray Tune catches what is raised in its loop and raises a KeyboardInterrupt of its own.
    def end_by_a_plain_interrupt() -> None:
        with terminable(lambda: None):
            _terminate()
            raise KeyboardInterrupt

    with pytest.raises(Terminated):
        end_by_a_plain_interrupt()

    def ctrl_c() -> None:
        with terminable(lambda: None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        ctrl_c()
    assert raised.type is KeyboardInterrupt


def test_without_one_nothing_happens_and_the_handlers_are_as_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)]
    with terminable(lambda: None) as is_news:
        assert not is_news()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)] == before
