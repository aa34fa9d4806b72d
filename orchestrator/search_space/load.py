"""Reads a search space file, and reports everything that is wrong with it at once."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.search_space.document import LARGEST_FILE, Node, describe_root, read
from orchestrator.search_space.messages import RESOLVED, top_level_keys, translate
from orchestrator.search_space.model import BASE_MODELS, DATASETS, Sweep
from orchestrator.search_space.problems import MOST_PROBLEMS, Problem, SpecError, show, unknown
from orchestrator.search_space.profiles import PROFILES, apply_override, apply_profile
from orchestrator.search_space.shipped import STANDARD_INPUT


def load(
    path: Path,
    overrides: Sequence[str] = (),
    trials: int | None = None,
    profile: str = "auto",
    has_accelerator: bool = False,
    *,
    text: str | None = None,
    on_cluster: bool = False,
) -> Sweep:
    """Reads, resolves and checks a search space file.

    Both profiles are checked, whichever is asked for.

    Args:
        path: The file; `-` is standard input.
        overrides: `key.path=value`, applied in order after the profile.
        trials: Overrides `trials`.
        profile: "auto", "embedded" or "full".
        has_accelerator: Whether the cluster has a GPU, which decides "auto".
        text: What the file holds, or would hold; None reads it.
        on_cluster: Whether that was looked for on a running cluster too, not on this machine alone.

    Returns:
        The sweep, resolved for one profile.

    Raises:
        SpecError: Something is wrong; all of it is named.
    """
    if profile not in ("auto", *PROFILES):
        message = unknown("profile", profile, ["auto", *PROFILES])
        raise SpecError([Problem(f"--profile {profile}", None, message)])
    unreadable: list[Problem] = []
    document = _read_file(path, unreadable, text)
    resolved = ("full" if has_accelerator else "embedded") if profile == "auto" else profile
    problems = _profile_problems(document)
    for other in PROFILES:
        if other != resolved:
            _, found = _resolve(document, other, overrides, trials)
            block = f"profiles.{other}."
            problems.extend(
                p for p in found if p.place == document.place and p.message.startswith(block)
            )
    plain, found = _resolve(document, resolved, overrides, trials)
    problems.extend(found)
    if problems or unreadable:
        # What a rule says of a number that could not be read is beside the point.
        lines = {problem.line for problem in unreadable}
        raise SpecError([*unreadable, *(p for p in problems if p.line not in lines)])
    reason = _reason(profile, has_accelerator, on_cluster)
    return Sweep.model_validate(plain | {"profile_reason": reason})


def _reason(profile: str, has_accelerator: bool, on_cluster: bool) -> str:
    if profile != "auto":
        return "asked for with --profile"
    found = "an accelerator was found" if has_accelerator else "no accelerator was found"
    return f"{found} on the cluster" if on_cluster else found


def _read_file(path: Path, unreadable: list[Problem], text: str | None) -> Node:
    place = "standard input" if path == STANDARD_INPUT else str(path)
    root = read(_text(path, place) if text is None else text, place, problems=unreadable)
    if wrong := describe_root(root):
        raise SpecError([Problem(place, None, wrong)])
    return root


def _text(path: Path, place: str) -> str:
    try:
        if path == STANDARD_INPUT:
            piped = codecs.getreader("utf-8")(sys.stdin.buffer)
            return piped.read(4 * LARGEST_FILE, LARGEST_FILE + 1)
        with path.open(encoding="utf-8") as file:
            return file.read(LARGEST_FILE + 1)  # enough to be refused: a device has no end
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"cannot be read ({reason}); give the path of a search space file"
        raise SpecError([Problem(place, None, message)]) from None
    except UnicodeDecodeError:
        raise SpecError([Problem(place, None, "is not text in UTF-8")]) from None


def _profile_problems(document: Node) -> list[Problem]:
    """Checks the names of the profiles; their contents are checked once merged."""
    profiles = document.child("profiles")
    if profiles is None or profiles.value is None:
        return []
    if not isinstance(profiles.value, dict):
        rule = f"must be a group with {' and '.join(PROFILES)}"
        return [profiles.problem(f"is {show(profiles.plain())}, but {rule}")]
    return [
        node.problem(unknown("profile", name, PROFILES))
        for name, node in profiles.value.items()
        if name not in PROFILES
    ]


def _resolve(
    document: Node, profile: str, overrides: Sequence[str], trials: int | None
) -> tuple[dict[str, Any], list[Problem]]:
    """Merges profile and options over the file and finds what is wrong with the whole."""
    problems: list[Problem] = []
    merged = apply_profile(document, profile, problems)
    for option in overrides:
        merged = apply_override(merged, option, problems)
    if trials is not None:
        assert isinstance(merged.value, dict)
        option_node = Node(trials, f"--trials {trials}", None, "trials")
        merged = replace(merged, value=merged.value | {"trials": option_node})
    plain = merged.plain()
    problems.extend(
        node.problem(unknown("key", name, top_level_keys()))
        for name in RESOLVED
        if (node := merged.child(name)) is not None
    )
    plain = _with_defaults(plain, profile)
    try:
        Sweep.model_validate(plain)
    except ValidationError as error:
        problems.extend(translate(details, merged) for details in error.errors()[:MOST_PROBLEMS])
    return plain, problems


def _with_defaults(plain: dict[str, Any], profile: str) -> dict[str, Any]:
    """Fills in what follows from the profile; a default revision only fits a default name."""
    filled = dict(plain) | {"profile": profile, "profile_reason": ""}
    defaults = {"base_model": BASE_MODELS[profile], "dataset": DATASETS[profile]}
    for key, (default, revision) in defaults.items():
        if filled.setdefault(key, default) == default:
            filled.setdefault(f"{key}_revision", revision)
    if filled.get("space") is not None:
        filled.setdefault("confirm", {})
    return filled
