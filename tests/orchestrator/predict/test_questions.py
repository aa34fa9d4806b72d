"""Questions as JSON lines, and what is said of lines that are none."""

from __future__ import annotations

import json

import pytest

from orchestrator.predict.questions import QuestionsError, read_lines


def _lines(*values: object) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def test_both_names_of_the_fields() -> None:
    given = {"id": 7, "sql_prompt": "Who?", "sql_context": "CREATE TABLE b (c)", "sql": "SELECT 1"}
    lines = [*_lines({"question": "How many?", "context": "CREATE TABLE a (b)"}), b" \n"]
    one, two = read_lines([*lines, *_lines(given)], shared_context=False)
    assert (one.text, one.context) == ("How many?", "CREATE TABLE a (b)")
    assert (two.text, two.context) == ("Who?", "CREATE TABLE b (c)")
    assert two.given == given


def test_a_shared_context_leaves_the_lines_without() -> None:
    (only,) = read_lines(_lines({"question": "How many?"}), shared_context=True)
    assert only.context is None


@pytest.mark.parametrize(
    ("line", "shared", "problem"),
    [
        (b"{", False, "is not JSON"),
        (b"How many users?", False, "is not JSON"),
        (b"\xff", False, "is not UTF-8"),
        (b"[" * 100_000, False, "is nested too deeply"),
        (b'{"question": "Who?", "n": NaN}', True, "is not JSON that can be passed on"),
        (b'{"question": "Who?", "n": -Infinity}', True, "is not JSON that can be passed on"),
        (b'{"question": "Who?", "n": ' + b"9" * 5000 + b"}", True, "is not JSON that can be"),
        (b'{"question": "Who?", "n": 1e999}', True, "is not JSON that can be passed on"),
        (b'{"question": "Who?", "question": "How?"}', True, "has the key 'question' twice"),
        (b'{"question": "Who?", "n": {"a": 1, "a": 2}}', True, "has the key 'a' twice"),
        (rb'{"question": "\ud800?"}', True, "has half of a character .* in its question"),
        (rb'{"question": "Who?", "n": ["\udc00"]}', True, "has half of a character .* in its n"),
        (rb'{"question": "Who?", "\ud800": 1}', True, r"has half of a character .* in its \\ud800"),
        ('{"question": "Who?"}'.encode("utf-16"), True, "is not UTF-8"),
        (b"[]", False, "is a list, not an object"),
        (b"3", False, "is a number, not an object"),
        (b"null", False, "is null, not an object"),
        (b'{"context": "CREATE TABLE a (b)"}', False, "has no question"),
        (b'{"question": " ", "context": "CREATE TABLE a (b)"}', False, "has no question"),
        (b'{"question": 3, "context": "x"}', False, 'has as "question" a number, not a text'),
        (b'{"question": "Who?", "context": ["x"]}', False, 'has as "context" a list, not a text'),
        (b'{"question": "Who?"}', False, "has no context"),
        (b'{"question": "Who?", "sql_context": ""}', False, "has no context"),
        (b'{"question": "Who?", "context": "x"}', True, "has a context of its own"),
    ],
)
def test_a_bad_line_is_named_by_its_number(line: bytes, shared: bool, problem: str) -> None:
    good = {"question": "Who?"} if shared else {"question": "Who?", "context": "x"}
    with pytest.raises(QuestionsError, match=f"^Line 3 {problem}"):
        read_lines([*_lines(good), b"", line], shared_context=shared)


def test_all_bad_lines_are_named_at_once() -> None:
    with pytest.raises(QuestionsError) as caught:
        read_lines([b"{", b"[]", *[b"x"] * 20], shared_context=False)
    message = str(caught.value)
    assert "Line 1 " in message
    assert "Line 2 " in message
    assert "And 12 more lines." in message


@pytest.mark.parametrize(
    ("line", "added", "problem"),
    [
        ({"prediction": "SELECT 1"}, ["prediction"], 'has the key "prediction" already'),
        ({"prediction": None}, ["prediction"], 'has the key "prediction" already'),
        ({"rows": 3, "cut": 1}, ["prediction", "rows", "cut"], 'has the keys "rows", "cut" alre'),
    ],
)
def test_a_line_that_has_what_an_answer_adds_loses_nothing(
    line: dict[str, object], added: list[str], problem: str
) -> None:
    lines = _lines({"question": "Who?"}, {"question": "Who?", **line})
    with pytest.raises(QuestionsError, match=f"^Line 2 {problem}.*: rename .* or leave .*jq -c 'd"):
        read_lines(lines, shared_context=True, added=added)


def test_a_line_keeps_what_no_answer_adds() -> None:
    lines = _lines({"question": "Who?", "rows": 3, "error": "x"})
    (only,) = read_lines(lines, shared_context=True, added=["prediction"])
    assert only.given["rows"] == 3


def test_a_mark_of_utf_8_and_characters_of_two_halves_are_read() -> None:
    line = rb'{"question": "\ud83d\ude00?"}'
    (only,) = read_lines([b"\xef\xbb\xbf" + line], shared_context=True)
    assert only.text == "\U0001f600?"


@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_is_told_from_lines(indent: int | None) -> None:
    text = json.dumps([{"question": "Who?"}, {"question": "How?"}], indent=indent)
    with pytest.raises(QuestionsError, match=r"has one JSON list, but each line .*`jq -c '\.\[\]'"):
        read_lines(text.encode().splitlines(keepends=True), shared_context=True)


@pytest.mark.parametrize("count", [1, 3])
def test_objects_over_several_lines_are_told_from_lines(count: int) -> None:
    text = "\n".join([json.dumps({"question": "Who?"}, indent=1)] * count)
    with pytest.raises(QuestionsError, match=r"has JSON objects over several lines, .*`jq -c '\.'"):
        read_lines(text.encode().splitlines(keepends=True), shared_context=True)


def test_no_line_at_all() -> None:
    with pytest.raises(QuestionsError, match="There is no question"):
        read_lines([b"\n"], shared_context=True)
