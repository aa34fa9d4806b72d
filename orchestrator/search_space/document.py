"""Reads YAML safely, and remembers where everything stands.

The parser's events are read one by one, so nothing is ever constructed that the file asks for:
tags, anchors and aliases are refused as such (an alias bomb is refused at its first anchor), keys
may occur once, and depth and every size are bounded, far above what a search space needs. Plain
scalars are resolved by the core schema of YAML 1.2 (section 10.3.2): `1e-4` is a number, `no` and
`on` are strings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from orchestrator.errors import visible_line
from orchestrator.search_space.grouped import Grouped, in_list
from orchestrator.search_space.problems import Problem, SpecError, show
from orchestrator.search_space.yaml_faults import fault
from trainables.contract.configuration import Scalar

LARGEST_FILE = 1_000_000
"""Characters. The largest shipped search space has about 6,000."""

DEEPEST = 16
"""Levels of nesting. A distribution in a profile lies at level 7."""

LONGEST_LIST = 1_000
"""Values of a list. Each value of a `choice` is tried a few times, each point at least once."""

MOST_KEYS = 100
"""Keys of a group. The largest of a search space has 20."""

MOST_VALUES = 20_000
"""Values, lists and groups of a file: a second's reading, and 1,000 points with all their keys."""

LONGEST_KEY = 100
"""Characters. The longest of a search space has 23."""

LONGEST_TEXT = 2_000
"""Characters of a value: a question, a name, a path."""

LARGEST_NUMBER = 10**18
"""Of whole numbers, either sign; beyond it 64 bits end soon."""

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_BASED = re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Node:
    """A value of a document, with its place.

    Attributes:
        value: Nodes by key, a list of nodes, or a scalar.
        place: The file, or the option that the value comes from.
        line: Line of the key (of the value, in a list), from 1; None for an option.
        key: Dotted path as it is written there, such as `profiles.embedded.trials`.
    """

    value: dict[str, Node] | list[Node] | Scalar
    place: str
    line: int | None
    key: str

    def problem(self, message: str) -> Problem:
        """Returns a problem with this value."""
        return Problem(self.place, self.line, f"{self.key}: {message}" if self.key else message)

    def plain(self) -> Any:
        """Returns the value without the places: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def child(self, part: str | int) -> Node | None:
        """Returns the value under a key or at an index, or None if there is none."""
        if isinstance(self.value, dict):
            return self.value.get(str(part))
        if isinstance(self.value, list) and _is_index(part) and int(part) < len(self.value):
            return self.value[int(part)]
        return None


def _is_index(part: str | int) -> bool:
    """Says whether a part of a path may be an index; a list has fewer than 10^9 values."""
    return str(part).isdecimal() and len(str(part)) < 10


def join(key: str, part: str | int) -> str:
    """Returns a dotted path, one part longer."""
    return f"{key}.{part}" if key else str(part)


def read(
    text: str,
    place: str,
    *,
    key: str = "",
    first_line: int | None = 1,
    problems: list[Problem] | None = None,
) -> Node:
    """Reads one YAML document.

    Args:
        text: The document.
        place: What problems are to name as their place.
        key: Dotted path under which the document will stand; empty for a whole file.
        first_line: Number of the text's first line; None where lines mean nothing to the user.
        problems: Receives what is wrong with single values (numbers without end, texts that are no
            text), which are then null, so that the document can be judged as a whole; without it
            they are raised like the others.

    Returns:
        The document's root.

    Raises:
        SpecError: The text is not YAML, or uses what is refused; all such problems, except that a
            syntax error and a size beyond the bounds end the reading.
    """
    reader = _Reader(place, first_line)
    if len(text) > LARGEST_FILE:
        raise SpecError(
            [
                Problem(
                    place,
                    None,
                    f"must have at most {LARGEST_FILE:,} characters, but has more",
                )
            ]
        )
    try:
        events = YAML(typ="safe", pure=True).parse(text)
        root = reader.document(events, key)
    except YAMLError as error:
        line, what = fault(error, text)
        at = None if line is None else reader.line(line)
        raise SpecError([*reader.problems, Problem(place, at, f"is not YAML: {what}")]) from None
    except (OverflowError, ValueError) as error:  # "\UFFFFFFFF": the parser's chr() raises these
        message = f"is not YAML: an escape is no character ({error}); check the quoted texts"
        raise SpecError([*reader.problems, Problem(place, None, message)]) from None
    if reader.problems or (reader.unusable and problems is None):
        raise SpecError([*reader.problems, *reader.unusable])
    if problems is not None:
        problems += reader.unusable
    return root


class _Reader:
    """Builds nodes from a parser's events and collects what is wrong with them."""

    def __init__(self, place: str, first_line: int | None) -> None:
        self.place = place
        self.first_line = first_line
        self.problems: list[Problem] = []
        self.unusable: list[Problem] = []
        self.values = 0

    def line(self, offset: int) -> int | None:
        return None if self.first_line is None else self.first_line + offset

    def document(self, events: Iterator[Event], key: str) -> Node:
        root: Node | None = None
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    self._problem(event, key, "is a second document; a file holds one")
                    break
                root = self._node(next(events), events, key, None, 0)
            elif isinstance(event, StreamEndEvent):
                break
        return root or Node(None, self.place, self.line(0), key)

    def _problem(self, event: Event, key: str, message: str, line: int | None = None) -> None:
        at = self.line(event.start_mark.line) if line is None else line
        self.problems.append(Problem(self.place, at, f"{key}: {message}" if key else message))

    def _refuse(self, line: int | None, key: str, message: str) -> NoReturn:
        """Ends the reading: a size is beyond its bound."""
        text = f"{key}: {message}" if key else message
        raise SpecError([*self.problems, Problem(self.place, line, text)])

    def _node(
        self, event: Event, events: Iterator[Event], key: str, line: int | None, depth: int
    ) -> Node:
        """Reads the value that begins with `event`, to its end."""
        at = self.line(event.start_mark.line) if line is None else line
        self.values += 1
        if depth > DEEPEST:
            self._refuse(at, "", f"is nested deeper than {DEEPEST} levels")
        if self.values > MOST_VALUES:
            self._refuse(at, "", f"must have at most {MOST_VALUES:,} values and keys in all")
        if isinstance(event, AliasEvent):
            self._problem(event, key, f"alias *{event.anchor} is refused; write the value out")
            return Node(None, self.place, at, key)
        # The parser's grammar: a value begins here.
        assert isinstance(event, MappingStartEvent | SequenceStartEvent | ScalarEvent)
        if event.anchor is not None:
            self._problem(event, key, f"anchor &{event.anchor} is refused; write values out")
        if event.tag is not None:
            self._problem(event, key, f"tag {event.tag} is refused; write a plain value")
        if isinstance(event, MappingStartEvent):
            return Node(self._mapping(events, key, depth), self.place, at, key)
        if isinstance(event, SequenceStartEvent):
            return Node(self._sequence(events, key, depth), self.place, at, key)
        return Node(self._scalar(event, key), self.place, at, key)

    def _mapping(self, events: Iterator[Event], key: str, depth: int) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            name_node = self._node(event, events, key, None, depth + 1)
            if len(nodes) >= MOST_KEYS:
                self._refuse(name_node.line, key, f"must have at most {MOST_KEYS} keys")
            if isinstance(event, ScalarEvent):
                name = _joined(event.value)
                if len(name) > LONGEST_KEY:
                    rule = f"a key has at most {LONGEST_KEY} characters, but this {len(name):,}"
                    self._refuse(name_node.line, join(key, _short(name)), rule)
            else:
                self._problem(event, key, "a key must be a name, not a list or a group of keys")
                name = "?"
            path = join(key, name)
            node = self._node(next(events), events, path, name_node.line, depth + 1)
            if name in nodes:
                message = f"is given twice, first in line {nodes[name].line}; remove one"
                self._problem(event, path, message)
            else:
                nodes[name] = node
        return nodes

    def _sequence(self, events: Iterator[Event], key: str, depth: int) -> list[Node]:
        nodes: list[Node] = []
        before, end, parted = "", -1, False
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            if len(nodes) >= LONGEST_LIST:
                line = self.line(event.start_mark.line)
                self._refuse(line, key, f"must have at most {LONGEST_LIST:,} values in a list")
            path = join(key, len(nodes))
            nodes.append(self._node(event, events, path, None, depth + 1))
            text = event.value if isinstance(event, ScalarEvent) and event.style is None else ""
            # Between thousands stands the comma alone.
            meant = in_list(before, text) if event.start_mark.index == end + 1 else None
            if meant is not None:
                if parted:  # of 1,000,000 the whole is told
                    self.unusable.pop()
                rule = (
                    f"a comma ends a value; if {meant} is meant write it so, else {float(text):g}"
                )
                self._problem(event, path, f"is {text}, but {rule}")
                self.unusable.append(self.problems.pop())
            before, end, parted = meant or text, event.end_mark.index, meant is not None
        return nodes

    def _scalar(self, event: ScalarEvent, key: str) -> Scalar:
        value = _resolve(event.value) if event.style is None else _joined(event.value)
        if rule := _wrong(value):
            self._problem(event, key, f"is {_short(event.value)}, but {rule}")
            self.unusable.append(self.problems.pop())
            return None
        return value


def _wrong(value: Scalar) -> str | None:
    """Returns the rule that a value breaks whatever its key, or None."""
    match value:
        case float() if not math.isfinite(value):
            return "numbers must be finite"
        case int() if abs(value) > LARGEST_NUMBER:
            return "whole numbers must lie between -10^18 and 10^18"
        case str() if len(value) > LONGEST_TEXT:
            return f"texts must have at most {LONGEST_TEXT:,} characters; this has {len(value):,}"
        case str() if any(each == "\0" or "\ud800" <= each <= "\udfff" for each in value):
            return "a text must not hold \\0 or half of a surrogate pair; remove it"
    return None


def _joined(text: str) -> str:
    r"""Returns a text whose pairs of surrogates are characters: JSON writes `"\ud83d\ude00"`."""
    if not any("\ud800" <= each <= "\udfff" for each in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _resolve(text: str) -> Scalar:
    """Returns the value of a plain scalar under YAML 1.2's core schema."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return Grouped.of(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _short(text: str) -> str:
    return visible_line(text if len(text) <= 40 else f"{text[:37]}...")


def describe_root(root: Node) -> str | None:
    """Says why a document cannot be a search space, or returns None if it can."""
    if root.value is None:
        return "is empty; a search space begins with `name:` (`init` writes one)"
    if not isinstance(root.value, dict):
        return f"is {show(root.plain())}, but must be keys and values, beginning with `name:`"
    return None
