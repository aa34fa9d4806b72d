"""Lays one document over another: a profile over its file, an option over both.

The rule is the same for both. Groups of keys are merged, key by key, to any depth; so a profile may
change one parameter of one technique. Everything else is replaced whole: a constant, a list
(`points` too), and a distribution, even by another kind of distribution. `null` removes a key, and
it is a mistake if there is nothing to remove; but `confirm: null` stays, since it means none.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.errors import nearest
from orchestrator.search_space.document import DEEPEST, Node, join, read
from orchestrator.search_space.problems import Problem, SpecError

PROFILES = ("embedded", "full")

_OFF = "confirm"
"""The key that null does not remove: it says no, where leaving it out says yes."""


def is_distribution(path: tuple[str, ...]) -> bool:
    """Says whether a path is that of a parameter, whose value a profile replaces whole.

    Args:
        path: Keys from the root of the merged document.
    """
    return path == ("space", "data_size") or (path[:2] == ("space", "technique") and len(path) == 4)


def merge(base: Node, over: Node, problems: list[Problem], path: tuple[str, ...] = ()) -> Node:
    """Returns `base` with `over` laid over it; every value keeps its own place.

    Args:
        base: The file.
        over: The profile's group of keys, or the part of it that belongs at `path`.
        problems: Receives removals of what is not there.
        path: Keys from the root to both.
    """
    if (
        not isinstance(base.value, dict)
        or not isinstance(over.value, dict)
        or is_distribution(path)
    ):
        return over
    merged = dict(base.value)
    for name, node in over.value.items():
        if node.value is None and (*path, name) != (_OFF,):
            if merged.pop(name, None) is None:
                problems.append(node.problem(_nothing_there(name, base)))
        elif name in merged:
            merged[name] = merge(merged[name], node, problems, (*path, name))
        else:
            merged[name] = node
    return replace(base, value=merged)


def apply_profile(document: Node, profile: str, problems: list[Problem]) -> Node:
    """Returns the file without its `profiles`, as one of them changes it.

    Args:
        document: The whole file; its root is a group of keys.
        profile: One of `PROFILES`; the file need not mention it.
        problems: Receives what cannot be merged.
    """
    assert isinstance(document.value, dict)
    keys = dict(document.value)
    profiles = keys.pop("profiles", None)
    base = replace(document, value=keys)
    over = profiles.child(profile) if profiles is not None else None
    if over is None or over.value is None:
        return base
    if not isinstance(over.value, dict):
        problems.append(over.problem("must be a group of keys, merged over the file"))
        return base
    return merge(base, over, problems)


def apply_override(document: Node, option: str, problems: list[Problem]) -> Node:
    """Returns the document with one `--set key.path=value` applied.

    The value is YAML. A key that the document lacks is added (whether it is a valid one shows when
    the whole is validated); an element of a list is addressed by its index and must be there.

    Args:
        document: The file with its profile merged.
        option: What follows `--set`.
        problems: Receives what is wrong with the option.
    """
    place = f"--set {option}"
    key, equals, text = option.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        remedy = "must be key.path=value, such as space.data_size=500"
        problems.append(Problem(place, None, remedy))
        return document
    if len(parts) > DEEPEST:
        problems.append(Problem(place, None, f"has a path of more than {DEEPEST} keys"))
        return document
    if parts[0] == "profiles":
        remedy = "applies to the profile that runs; leave out profiles.NAME."
        problems.append(Problem(place, None, remedy))
        return document
    if not text.strip():
        name = key.strip()
        remedy = f"{name}: has no value; write {name}=VALUE, or {name}=null to remove the key"
        problems.append(Problem(place, None, remedy))
        return document
    try:
        value = read(text, place, key=key.strip(), first_line=None)
    except SpecError as error:
        problems.extend(error.problems)
        return document
    return _replace_at(document, parts, value, problems)


def _replace_at(node: Node, parts: list[str], value: Node, problems: list[Problem]) -> Node:
    part, rest = parts[0], parts[1:]
    child = node.child(part)
    if isinstance(node.value, list):
        if child is None:
            count = len(node.value)
            rule = f"an index from 0 to {count - 1}" if count else "set as a whole: it is empty"
            problems.append(value.problem(f'"{part}" must be {rule}'))
            return node
        items = list(node.value)
        items[int(part)] = _replace_at(child, rest, value, problems) if rest else value
        return replace(node, value=items)
    if node.value is not None and not isinstance(node.value, dict):
        problems.append(value.problem(f"{node.key} is a single value: it has no key {part}"))
        return node
    keys = dict(node.value or {})
    if child is None and rest and rest[0].isdecimal():
        whole = join(node.key, part)
        problems.append(
            value.problem(f"there is no list {whole} to change; set the whole: {whole}=[...]")
        )
    elif rest:
        empty = Node({}, value.place, value.line, join(node.key, part))
        keys[part] = _replace_at(child or empty, rest, value, problems)
    elif value.value is not None or value.key == _OFF:
        keys[part] = value
    elif keys.pop(part, None) is None:
        problems.append(value.problem(_nothing_there(part, node)))
    return replace(node, value=keys)


def _nothing_there(name: str, base: Node) -> str:
    assert isinstance(base.value, dict)
    close = nearest(name, base.value)
    hint = f'; did you mean "{close}"?' if close else ""
    return f"null removes a key, but there is no {name} to remove{hint}"
