"""Help pages fit the terminal, and no flag looks as if it took a value."""

from __future__ import annotations

import importlib
import itertools

import pytest
import typer

from orchestrator.program import COMMANDS
from orchestrator.results.cli import app as results
from orchestrator.terminal.help_pages import flowing

VERBS = list(typer.main.get_command(results).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "words", [*([name] for name in COMMANDS), *(["results", v] for v in VERBS)]
)
@pytest.mark.parametrize("width", [80, 200])
def test_a_help_page_is_as_wide_as_the_terminal_and_no_flag_takes_a_value(
    words: list[str],
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", width)
    name, *verb = words
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"orchestrator.{name}.cli").main([*verb, "--help"])
    assert not ended.value.code
    shown = capsys.readouterr().out
    assert "bool" not in shown
    prose = shown.partition("╭")[0].splitlines()
    for line, following in itertools.pairwise(prose):
        first = following.split(" ")[1:2] or [""]
        if line.strip() and first[0] and not line.startswith("   "):  # of one paragraph
            assert len(line.rstrip()) + 1 + len(first[0]) > width - 2, (line, following)


def test_what_is_indented_keeps_its_lines() -> None:
    text = """One line
    and another one.

    For example:
      do this
      do that
    Then this
    too.
    """
    assert flowing(text) == (
        "One line and another one.\n\nFor example:\n  do this\n  do that\nThen this too."
    )
