"""What acts on a terminal without being seen is written out, and nothing else is touched."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.contract.visible import INVISIBLE, visible, visible_line

_ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")


@pytest.mark.parametrize(
    ("character", "escape"),
    [
        ("\x1b", r"\x1b"),
        ("\x00", r"\x00"),
        ("\x7f", r"\x7f"),
        ("\x9b", r"\x9b"),
        ("\r", r"\r"),
        ("\x08", r"\x08"),
        ("\u202e", r"\u202e"),
        ("\u2066", r"\u2066"),
        ("\u200b", r"\u200b"),
        ("\u200f", r"\u200f"),
        ("\ufeff", r"\ufeff"),
        ("\u2028", r"\u2028"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_acts_is_shown_by_its_escape(character: str, escape: str) -> None:
    assert visible(f"a{character}b") == visible_line(f"a{character}b") == f"a{escape}b"


def test_lines_stay_where_several_are_meant() -> None:
    assert visible("a\n\tb") == "a\n\tb"
    assert visible_line("a\n\tb") == r"a\n\tb"


def test_it_is_what_unicode_calls_controls_formats_and_separators() -> None:
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        # An older Unicode has not assigned some of them yet.
        if category != "Cn":
            assert bool(INVISIBLE.match(chr(code))) == (category in _ACTING), hex(code)


# What this Python's Unicode has not assigned yet may act in a later one.
@given(st.text(st.characters(exclude_categories=["Cn"])))
def test_nothing_that_acts_is_left_and_all_that_is_seen_stays(text: str) -> None:
    line = visible_line(text)
    assert INVISIBLE.search(line) is None
    assert visible_line(line) == line
    kept = "".join(c for c in text if unicodedata.category(c) not in _ACTING)
    if kept == text:
        assert line == text


@pytest.mark.parametrize("text", ["Größe é 数据库 عمر שם 🙂", "a\u00a0b\u3000c", r"C:\x1b [b] 'x'"])
def test_every_language_stays_as_it_is(text: str) -> None:
    assert visible(text) == visible_line(text) == text
