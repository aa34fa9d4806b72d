"""YAML is data: nothing in a file makes the reader construct, expand or exhaust anything."""

from __future__ import annotations

import contextlib
import itertools
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.search_space.document import LARGEST_FILE, MOST_VALUES, read
from orchestrator.search_space.problems import Problem, SpecError
from trainables.contract.visible import INVISIBLE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1.0e-4", 1e-4),
        (".5", 0.5),
        ("5.", 5.0),
        ("-3", -3),
        ("+3", 3),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("no", "no"),
        ("on", "on"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("'1'", "1"),
        ('"true"', "true"),
        (r'"\ud83d\udcca"', "\U0001f4ca"),
        ("q,v", "q,v"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    plain = read(f"key: {text}\n", "x").plain()
    assert plain == {"key": value}
    assert type(plain["key"]) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_as_python_writes_it(value: float) -> None:
    assert read(f"key: {value!r}\n", "x").plain() == {"key": value}


@pytest.mark.parametrize(
    ("items", "meant"),
    [
        ("1,000", ["1000"]),
        ("4, 20,000, 8", ["20000"]),
        ("1,000,000", ["1000000"]),
        ("1,000,000, 7, 2,000", ["1000000", "2000"]),
        ("1,000.5", ["1000.5"]),
        ("7, 007", []),
        ("1 ,\n 010", []),
        ("1,050", ["1050"]),
        ("+1,000", ["+1000"]),
        ("1,500", []),
        ("08, 16", []),
        ("0, 000", []),
        ("1, '000'", []),
        ("'1', 000", []),
        ("0.1, 000", []),
        ("1, 0", []),
    ],
)
def test_what_a_comma_between_thousands_parts_is_told(items: str, meant: list[str]) -> None:
    problems: list[Problem] = []
    read(f"a: [{items}]\n", "x", problems=problems)
    assert [each.message.split("if ")[1].split(" is meant")[0] for each in problems] == meant


def test_places_are_those_of_the_keys() -> None:
    root = read("a:\n  b: 1\n  c:\n    - 2\n    - d:\n        3\n", "x")
    node = root.child("a")
    assert node is not None
    items = node.child("c")
    assert items is not None
    deepest = items.child(1)
    assert deepest is not None
    leaf = deepest.child("d")
    assert leaf is not None
    assert (items.line, deepest.line, leaf.line, leaf.key) == (3, 5, 5, "a.c.1.d")


def problems_of(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        read(text, "x")
    return str(caught.value)


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system [echo]", "!!int 3", "!local 3", "! 3", "!!map {a: 1}"],
)
def test_every_tag_is_refused(tag: str) -> None:
    assert "tag " in problems_of(f"a: {tag}\n")
    assert "is refused" in problems_of(f"a: {tag}\n")


def test_an_alias_bomb_is_refused_unexpanded() -> None:
    bomb = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    text = problems_of(bomb)
    assert "x:1: a: anchor &a is refused" in text
    assert "x:9: i.8: alias *h is refused" in text


def test_ten_levels_of_laughs_are_answered_in_a_megabyte() -> None:
    levels = [f"l{level}" for level in range(10)]
    bomb = "l0: &l0 lol\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n"
        for before, name in itertools.pairwise(levels)
    )  # expanded: 10^9 times "lol"
    tracemalloc.start()
    try:
        problems_of(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_merge_keys_do_not_merge() -> None:
    assert read("<<: {a: 1}\nb: 2\n", "x").plain() == {"<<": {"a": 1}, "b": 2}


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 5_000, "- " * 50_000, "? " * 5_000])
def test_deep_nesting_is_refused(text: str) -> None:
    assert "nested deeper than 16 levels" in problems_of(text)


def test_a_huge_file_is_refused_unread() -> None:
    assert "must have at most 1,000,000" in problems_of("a" * (LARGEST_FILE + 1))


@pytest.mark.parametrize("number", ["1e999", "9" * 5000, "-" + "9" * 400])
def test_a_huge_number_is_refused_in_short(number: str) -> None:
    message = problems_of(f"a: {number}")
    assert "but numbers must be finite" in message
    assert len(message) < 100


@pytest.mark.parametrize("number", ["9" * 300, "-" + "9" * 20, "0x" + "f" * 300, "0o" + "7" * 99])
def test_a_whole_number_beyond_64_bits_is_refused_in_short(number: str) -> None:
    message = problems_of(f"a: {number}")
    assert "but whole numbers must lie between -10^18 and 10^18" in message
    assert len(message) < 110


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("a: " + "x" * 2001, "a: is xxx"),
        ("a: " + "x" * 2001, "but texts must have at most 2,000 characters; this has 2,001"),
        ('a: "b\\0c"', "a: is b\\x00c, but a text must not hold"),
        ('a: "b\\ud800c"', "a: is b\\ud800c, but a text must not hold"),
        ('a: "\\UFFFFFFFF"', "is not YAML: an escape is no character"),
        ("k" * 101 + ": 1", "...: a key has at most 100 characters, but this 101"),
        ("a: [" + "1, " * 1001 + "]", "a: must have at most 1,000 values in a list"),
        ("\n".join(f"k{n}: 1" for n in range(101)), "must have at most 100 keys"),
        (
            "a:\n" + "- [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" * 1000,
            f"must have at most {MOST_VALUES:,} values and keys in all",
        ),
    ],
)
def test_every_size_is_bounded_and_every_text_is_one(text: str, phrase: str) -> None:
    message = problems_of(text)
    assert phrase in message
    assert "\n" not in message
    assert INVISIBLE.search(message) is None


def test_a_mistake_in_a_single_text_hides_no_other() -> None:
    message = problems_of('a: "\\0"\nb: 9999999999999999999\nc: .nan\n')
    assert [line.split(": ")[:2] for line in message.splitlines()] == [
        ["x:1", "a"],
        ["x:2", "b"],
        ["x:3", "c"],
    ]


def test_ten_thousand_mistakes_are_told_in_a_hundred_lines() -> None:
    lines = problems_of("a: 1\n" * 9_000).splitlines()
    assert len(lines) == 101
    assert lines[-1] == "... and 8,899 more like these."


def test_keys_are_names() -> None:
    assert "must be a name, not a list" in problems_of("? [a, b]\n: 1\n")
    assert read("1: a\ntrue: b\n", "x").plain() == {"1": "a", "true": "b"}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_json_as_python_writes_it_is_read(text: str) -> None:
    assert read(json.dumps({text: [text]}), "x").plain() == {text: [text]}


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SpecError):  # anything else is a crash
        read(text, "x")
