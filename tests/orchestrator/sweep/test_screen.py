"""The live screen: it fits the terminal, whatever there is to show."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from orchestrator.search.run_report import RunReport
from orchestrator.sweep.screen import Best, Line, Phase, Screen, View, interval


class _Ascii(io.StringIO):
    encoding = "ascii"


def _draw(view: View, width: int = 80, height: int = 24, file: io.StringIO | None = None) -> str:
    file = file or io.StringIO()
    console = Console(file=file, width=width, height=height, force_terminal=True)
    console.print(Screen(console, lambda: view))
    return re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())


def _view(**changes: Any) -> View:
    long = "lora data_size=1000 rank=16 learning_rate=0.000123 target_modules=attention"
    values: dict[str, Any] = {
        "phases": [Phase("tuning", 18, 37), Phase("confirming", 0, 18)],
        "strata": [Best(f"rank={rank}, data_size=1000", 6, "0.7312 ± 0.0310") for rank in (4, 16)],
        "running": [Line("t-slnyq6vgpb", long, "1,024 / 2,400", 1024 / 2400, "loss 0.4312")],
        "ended": [
            Line(f"t-{number:010d}", long, "stopped 12 s", None, "loss 0.5120", False)
            for number in range(50)
        ],
        "curve": ("training loss of the best, t-slnyq6vgpb", [3.0 / n for n in range(1, 200)]),
        "footer": ["2 of 2 places busy", "0.12 of 2 device hours", "about 3 min 05 s left"],
    }
    return View(**(values | changes))


def test_phases_strata_runs_curve_and_spending_are_on_one_screen() -> None:
    drawn = _draw(_view())
    lines = drawn.splitlines()
    assert lines[0] == "tuning     " + "█" * 10 + "░" * 10 + " 18 of 37 runs"
    assert lines[1].endswith("0 of 18 runs")
    assert "rank=16, data_size=1000 6 runs 0.7312 ± 0.0310" in drawn
    assert re.search(r"t-slnyq6vgpb lora data_size.*… █{4}░{6} +1,024 / 2,400 loss 0.4312", drawn)
    assert "training loss of the best, t-slnyq6vgpb █" in drawn
    assert "3.0000 to 0.0151" in drawn
    assert lines[-1].startswith("2 of 2 places busy, 0.12 of 2 device hours, about 3 min 05 s left")


@given(
    width=st.integers(40, 200),
    height=st.integers(12, 60),
    running=st.integers(0, 30),
    ended=st.integers(0, 50),
    strata=st.integers(0, 20),
)
def test_it_is_never_wider_nor_higher_than_the_terminal(
    width: int, height: int, running: int, ended: int, strata: int
) -> None:
    view = _view()
    some = _view(
        running=list(view.running) * running,
        ended=view.ended[:ended],
        strata=list(view.strata)[:1] * strata,
    )
    lines = _draw(some, width, height).splitlines()
    assert len(lines) < height
    assert all(len(line) <= width for line in lines)


def test_a_terminal_without_unicode_gets_plain_bars() -> None:
    drawn = _draw(_view(strata=[]), file=_Ascii())
    assert "tuning     ##########.......... 18 of 37 runs" in drawn
    assert "####......" in drawn
    assert not set("█░▁") & set(drawn)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (RunReport(9, 0.5, 1.0, error=0.01), "0.5000 ± 0.0196"),
        (RunReport(9, 0.5, 1.0), "0.5000"),
        (RunReport(9, None, 1.0), "loss 1.0000"),
    ],
)
def test_a_score_has_its_interval_where_it_is_known(report: RunReport, words: str) -> None:
    assert interval(report) == words
