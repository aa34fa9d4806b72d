"""Whatever is written into a search space file: accepted and sane, or refused with words."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.sweep.cli import app
from tests.orchestrator.search_space import fuzz
from tests.orchestrator.search_space.mutations import SHIPPED, start

BATCHES = 6
FILES = 300
COMMANDS = 80
PROCESSES = 8
"""Of the commands; the others run in this process."""


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_mutated_file_is_accepted_and_sane_or_refused_with_words(
    tmp_path: Path, batch: int
) -> None:
    each = FILES // BATCHES
    wrong: dict[int, tuple[str, str]] = {}
    results = set()
    for seed in range(each * batch, each * (batch + 1)):
        result, words = fuzz.outcome(start(seed), tmp_path / "space.yaml")
        results.add(result)
        if result not in ("accepted", "refused"):
            wrong[seed] = result, words
    assert wrong == {}
    assert results == {"accepted", "refused"}


def test_the_same_seed_makes_the_same_file_and_another_seed_another() -> None:
    assert start(7) == start(7)
    assert len({start(seed) for seed in range(50)}) == 50
    assert len(SHIPPED) == 5


def test_what_is_wrong_is_seen_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*arguments: object) -> None:
        raise TypeError("unhashable type: 'dict'")

    def forever(*arguments: object) -> None:
        while True:
            pass

    monkeypatch.setattr(fuzz, "load", load)
    assert fuzz.outcome(start(0), tmp_path / "space.yaml")[0] == "crash"
    monkeypatch.setattr(fuzz, "load", forever)
    monkeypatch.setattr(fuzz, "SECONDS", 0.01)
    assert fuzz.outcome(start(0), tmp_path / "space.yaml")[0] == "slow"


@pytest.mark.slow
def test_the_command_plans_or_refuses(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    wrong: dict[int, str] = {}
    for seed in range(COMMANDS):
        given = start(10**6 + seed)
        if seed < PROCESSES:
            result, output = fuzz.command(given, file)
        else:
            file.write_text(given.text, encoding="utf-8", errors="surrogatepass")
            done = CliRunner().invoke(app, [str(file), "--plan", *given.arguments()])
            result, output = fuzz.said(done.exit_code, done.output)
        if result == "crash":
            wrong[seed] = output
    assert wrong == {}
