"""Numbers, times and configurations as a person reads them."""

from __future__ import annotations

import datetime

import pytest

from orchestrator.search_space.document import read
from orchestrator.terminal.values import (
    brief,
    configuration,
    counted,
    duration,
    number,
    signed,
    size,
    storage,
    text,
    time,
    with_interval,
)


def test_a_configuration_begins_with_its_technique() -> None:
    values = {"rank": 8, "technique": "lora", "learning_rate": 0.00312345, "target_modules": "q,v"}
    assert configuration(values) == "lora rank=8 learning_rate=0.00312 target_modules=q,v"
    assert configuration({"technique": "pretrained"}) == "pretrained"


@pytest.mark.parametrize(
    ("value", "written"), [(0.00312345, "0.00312"), (2000, "2000"), (True, "true"), ("q,v", "q,v")]
)
def test_only_fractions_are_cut(value: object, written: str) -> None:
    assert brief(value) == written


@pytest.mark.parametrize("value", [True, False, [4, 8], ["a", None], {"a": [True, 1]}, "q,v", 7])
def test_values_are_written_as_a_search_space_has_them(value: object) -> None:
    for written in (brief(value), text(value)):
        assert read(f"key: {written}\n", "x").plain() == {"key": value}


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(None, "-"), (0.4, "0 s"), (59.6, "1 min 00 s"), (3599.6, "1 h 00 min"), (3900, "1 h 05 min")],
)
def test_seconds_are_rounded_before_they_are_split(seconds: float | None, written: str) -> None:
    assert duration(seconds) == written


def test_what_is_not_there_is_a_dash() -> None:
    assert number(None) == text(None) == with_interval(None, 0.1, 0.2) == "-"
    assert with_interval(0.5, None, 0.6) == number(0.5) == "0.5000"


def test_a_time_has_its_zone() -> None:
    noon = datetime.datetime(2026, 3, 1, 12, 0, 5)  # as the store has it: in UTC, without saying so
    assert time(noon) == "2026-03-01 12:00 UTC"
    assert text(noon) == "2026-03-01 12:00:05 UTC"
    zoned = noon.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    assert time(zoned) == "2026-03-01 10:00 UTC"
    assert time(None) == text(None) == "-"


def test_bytes_are_said_in_the_unit_that_suits_them() -> None:
    assert storage(3 * 2**29) == "1.5 GiB"
    assert storage(700 * 2**20) == "700 MiB"


@pytest.mark.parametrize(
    ("value", "places", "written"),
    [
        (0.1234, 3, "+0.123"),
        (-0.1234, 4, "-0.1234"),
        (0.0, 3, "+0.000"),
        (-0.0, 3, "+0.000"),
        (-0.00004, 3, "-4e-05"),
        (0.00049, 3, "+5e-04"),
        (-0.0004, 4, "-0.0004"),
    ],
)
def test_a_difference_is_never_shown_as_none(value: float, places: int, written: str) -> None:
    assert signed(value, places) == written
    assert size(value, places) == written.lstrip("+-")


def test_one_thing_is_no_plural() -> None:
    assert counted(1, "trial") == "1 trial"
    assert [counted(number, "row") for number in (0, 2, 1200)] == ["0 rows", "2 rows", "1,200 rows"]
