"""What is said of a wrong value of an option."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pytest
import typer

from orchestrator.terminal.options import choices, hours, not_empty, one_of, path, whole


class _Form(StrEnum):
    TABLE = "table"
    JSON = "json"


@pytest.mark.parametrize(("given", "words"), [("two", "not a whole"), ("0", "less than 1")])
def test_a_number_that_is_too_small_or_none_is_refused(given: str, words: str) -> None:
    with pytest.raises(typer.BadParameter, match=words):
        whole(1)(given)
    assert whole(1)("12") == 12


@pytest.mark.parametrize("given", ["0", "-1", "nan", "inf", "x"])
def test_hours_are_above_none_and_have_an_end(given: str) -> None:
    with pytest.raises(typer.BadParameter, match="not a number of hours above 0"):
        hours(given)
    assert hours("0.5") == 0.5


def test_a_name_is_one_of_those_that_help_shows() -> None:
    assert choices(_Form) == "[table|json]"
    assert one_of(_Form)("json") is _Form.JSON
    with pytest.raises(typer.BadParameter, match="'xml' is not one of table, json"):
        one_of(_Form)("xml")


def test_a_path_may_begin_with_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert path("~/store") == Path("/home/ada/store")
    assert path("store/~") == Path("store/~")
    with pytest.raises(typer.BadParameter, match="home folder of a user that is not there"):
        path("~nobody-of-that-name/store")


@pytest.mark.parametrize("given", ["s3://bucket/exp", "gs://b", "file:///tmp/exp", "HDFS://n:1/x"])
def test_an_address_is_not_taken_for_a_folder_of_that_name(given: str) -> None:
    scheme = given.partition(":")[0].lower()
    with pytest.raises(typer.BadParameter, match=rf"is an address \({scheme}://\), but must be"):
        path(given)
    assert path("s3/bucket") == Path("s3/bucket")


@pytest.mark.parametrize("given", ["", "  "])
@pytest.mark.parametrize("parse", [path, not_empty])
def test_what_is_empty_is_a_variable_that_a_shell_does_not_know(
    given: str, parse: Callable[[str], object]
) -> None:
    with pytest.raises(typer.BadParameter, match="it is empty"):
        parse(given)
