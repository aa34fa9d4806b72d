"""SIGTERM to a trial's own process waits for the trial, but not for long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]
_PROCESS = """
import os, signal, sys, threading
from orchestrator.trial import termination as module
from orchestrator.trial.termination import Termination

begun, to_end, forever = threading.Event(), threading.Event(), threading.Event()
termination = Termination()

def trial():
    with termination.awaited():
        begun.set()
        to_end.wait()
        print("saved")

def terminate():
    os.kill(os.getpid(), signal.SIGTERM)

def start():
    threading.Thread(target=trial, daemon=True).start()
    begun.wait()

def wait():
    while True:
        forever.wait(0.05)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
termination.install()
"""


def _run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS + script],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 7, done.stderr
    return done.stdout


def test_a_trial_comes_to_its_end_first() -> None:
    said = _run("start(); terminate(); print(termination.received); to_end.set(); wait()")
    assert said.split() == ["True", "saved"]


@pytest.mark.parametrize(
    "script",
    [
        "terminate(); print('it went on')",
        "start(); terminate(); terminate(); print('it went on')",
        "module.GRACE_SECONDS = 0.05; start(); terminate(); wait()",
    ],
    ids=["without a trial", "twice", "too long"],
)
def test_otherwise_the_process_ends_at_once(script: str) -> None:
    assert _run(script) == ""


def test_a_trial_that_is_not_waited_for_says_why_it_ends() -> None:
    script = """
def group():
    with termination.announced(lambda: print("SIGTERM", flush=True)):
        begun.set()
        to_end.wait()
        print("it went on")

threading.Thread(target=group, daemon=True).start()
begun.wait()
terminate()
print("it went on")
"""
    assert _run(script).split() == ["SIGTERM"]
    assert _run(script.replace('print("SIGTERM", flush=True)', "1 / 0")) == ""
