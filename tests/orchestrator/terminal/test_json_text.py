"""JSON reads back as it was, and holds nothing that acts on a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.terminal.json_text import json_text
from trainables.contract.visible import INVISIBLE

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda each: st.lists(each) | st.dictionaries(_TEXTS, each),
)


@given(_VALUES, st.sampled_from([None, 2]))
def test_it_reads_back_as_it_was(value: object, indent: int | None) -> None:
    written = json_text(value, indent)
    assert json.loads(written) == value
    assert INVISIBLE.search(written.replace("\n", "")) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\x1b\x7f\x9b\u202e", r'"\u001b\u007f\u009b\u202e"'),
        ("\U000e0041", r'"\udb40\udc41"'),
        ("\ud800", r'"\ufffd"'),
        ("Größe 数据库", '"Größe 数据库"'),
    ],
)
def test_only_what_acts_is_escaped(text: str, written: str) -> None:
    assert json_text(text) == written
