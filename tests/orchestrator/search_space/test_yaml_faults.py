"""What is no YAML is said where it stands and as what it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.search_space.document import read
from orchestrator.search_space.problems import SpecError

SPACE = """name: rank
question: Does rank pay?
space:
  technique:
    lora:
      rank: {choice: [4, 8]}
  data_size: 1000
trials: 8
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line", "words"),
    [
        ("Does rank pay?", '"Does rank pay?', 2, 'the text that begins with " has no " at its end'),
        ("Does rank pay?", "'Does rank pay?", 2, "the text that begins with ' has no ' at its end"),
        ("Does rank pay?", "'it's so'", 2, "a text goes on after the ' that ends it; within it"),
        ("Does rank pay?", "Rank: pay?", 2, "a second colon with a blank after it in one line"),
        ("Does rank pay?", "@rank pays", 2, "a value cannot begin with @; put the text in quotes"),
        ("Does rank pay?", "`rank` pays", 2, "a value cannot begin with `; put the text in quot"),
        ("Does rank pay?", "* rank pays", 2, "a value cannot begin with *; put the text in quot"),
        ("Does rank pay?", '"\\rank pay?\\s"', 2, "in double quotes a backslash is written twice"),
        ("Does rank pay?", "rank\x07", 2, "it holds the character U+0007, which no YAML may"),
        ("Does rank pay?", "[a] b", 2, "a text follows the ] that ends the value before it"),
        ("[4, 8]}", "[4, 8}", 6, "after [ a comma or ] is missing before }"),
        ("[4, 8]}", "[4, 8]", 6, "{ is not closed by }, or a comma is missing after a value"),
        ("[4, 8]}", "[4, 8]}}", 6, "there is no open { that } closes"),
        ("[4, 8]}", "[4, 8]]}", 6, "after { a comma or } is missing before ]"),
        ("      rank", "\t\trank", 6, "a tab stands where only blanks may"),
        ("  data_size", "   data_size", 7, "keys of one group begin in one column"),
        ("trials: 8", " trials: 8", 8, "keys of one group begin in one column"),
        ("name: rank", "name rank", 2, "check that the line before has a colon with a blank"),
        ("trials: 8", "trials 8", 8, "a key has no colon with a blank after it"),
        (
            "trials: 8",
            "ask: - rank",
            8,
            "a value of a list (`- value`) begins in a line of its own",
        ),
        ("trials: 8", "%trials: 8\nseed: 1", 9, "a line above begins with %, as a directive of"),
        ("trials: 8", "- trials", 8, "a value of a list is not indented as what it belongs to"),
    ],
)
def test_a_slip_is_named(right: str, wrong: str, line: int, words: str) -> None:
    assert SPACE.count(right) == 1
    with pytest.raises(SpecError) as caught:
        read(SPACE.replace(right, wrong), "x")
    said = str(caught.value)
    assert said.startswith(f"x:{line}: is not YAML: ")
    assert words in said
    assert "\n" not in said


@given(st.data())
def test_any_slip_is_said_in_a_line_with_its_place(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(SPACE)))
    mark = data.draw(st.sampled_from(list("\"'[]{}:,-?&*!|>%@`#\t\n \\\x07<")))
    text = SPACE[:at] + mark + SPACE[at + data.draw(st.integers(0, 1)) :]
    try:
        read(text, "x")
    except SpecError as error:
        for line in str(error).splitlines():
            assert line.startswith("x:")
            assert line[2].isdigit()
            assert "block end" not in line
            assert "flow sequence" not in line
