"""A table that leaves out columns rather than break its lines."""

from __future__ import annotations

import io

import pytest

from orchestrator.terminal.fitting_table import FittingTable
from orchestrator.terminal.output import print_whole
from orchestrator.terminal.plain_console import PIPED_WIDTH, PlainConsole

TABLE = FittingTable(
    headers=("", "configuration", "score", "device", "time", "note"),
    lines=[
        ["1", "lora rank=4 data_size=100", "0.5", "cpu", "12 s", "-"],
        ["2", "lora rank=64 data_size=1000", "0.4", "cpu", "120 s", "-"],
    ],
    right={"time"},
    least_first=("device", "time", "note", "score"),
    remedy="--wide shows them.",
)


def _printed(width: int, *, whole: bool = False) -> list[str]:
    out = io.StringIO()
    console = PlainConsole(file=out, width=width, soft_wrap=True)
    print_whole(console, TABLE.whole() if whole else TABLE)
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (PIPED_WIDTH, []),
        (58, []),
        (57, ["note"]),  # it says nothing, so it goes first
        (50, ["note", "device"]),
        (42, ["note", "device", "time"]),
        (34, ["note", "device", "time", "score"]),
    ],
)
def test_as_many_columns_stay_as_have_room(width: int, left_out: list[str]) -> None:
    lines = _printed(width)
    headers = lines[0].split()
    assert headers == [name for name in TABLE.headers[1:] if name not in left_out]
    assert max(map(len, lines[:3])) <= width
    assert lines[2].split()[:3] == ["2", "lora", "rank=64"]
    said = f"Left out at {width} columns: {', '.join(left_out)}; --wide shows them."
    assert " ".join(lines[3:]) == (said if left_out else "")
    assert all(len(line) <= width for line in lines)


def test_where_nothing_more_can_be_left_out_the_configuration_is_broken() -> None:
    lines = _printed(20)
    assert lines[0].split() == ["configuration"]
    assert len(lines) > 5
    assert all(len(line) <= 20 for line in lines[:5])


def test_the_whole_table_is_as_wide_as_it_is() -> None:
    assert _printed(20, whole=True) == _printed(PIPED_WIDTH)
