"""Answers on a terminal."""

from __future__ import annotations

import io

from rich.console import Console, Group
from rich.text import Text

from orchestrator.terminal.output import print_whole, table
from orchestrator.terminal.plain_console import PlainConsole


def test_a_narrow_terminal_costs_no_column_and_no_digit() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=40, color_system=None)
    lines = [["1", "t-y35gz7ebph", "lora rank=16 learning_rate=0.00407", "0.9691", "completed"]]
    rows = table(["", "trial", "configuration", "rouge_l", "outcome"], lines, {"rouge_l"})
    print_whole(console, Group(Text("a remark of several words " * 3), rows))
    assert isinstance(console.file, io.StringIO)
    shown = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    assert " ".join(lines[0]) in shown
    assert "trial configuration rouge_l outcome" in shown
    assert all(len(line) <= 40 for line in shown if line.startswith("a remark"))
    assert console.width == 40


def test_texts_are_broken_between_words_where_a_console_leaves_lines_to_the_terminal() -> None:
    console = PlainConsole(file=io.StringIO(), width=30, soft_wrap=True)
    sentence = "This is about the model of one seed: another may reverse it."
    print_whole(console, Text(sentence))
    written = console.file
    assert isinstance(written, io.StringIO)
    lines = written.getvalue().splitlines()
    assert max(map(len, lines)) <= 30
    assert " ".join(line.strip() for line in lines) == sentence
