"""The bounds that the README names are those that hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.search_space import SpecError, load
from orchestrator.search_space.checks import LARGEST_GRID, MOST_RUNS
from orchestrator.search_space.distributions import MOST_STEPS
from orchestrator.search_space.document import DEEPEST, LONGEST_LIST, LONGEST_TEXT
from orchestrator.search_space.stopping_rules import MOST_RUNGS
from tests.orchestrator import sweeps
from trainables.techniques.registry import TECHNIQUES

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("refused:\n\n| key | largest value |\n")[2].partition("\n###")[0]
ROWS = re.findall(r"^\| (`.+`) \| ([\d,]+)", SECTION, flags=re.MULTILINE)
BOUNDS = {
    key: int(number.replace(",", ""))
    for keys, number in ROWS
    for key in re.findall(r"`([a-z_.]+)`", keys)
}


def _said(tmp_path: Path, *overrides: str) -> str:
    try:
        load(sweeps.write(tmp_path), overrides, profile="embedded")
    except SpecError as error:
        return str(error)
    return ""


def _override(key: str, value: int) -> tuple[str, str]:
    """Returns the dotted key in the toy file, and the option that gives it a value."""
    owner = next((name for name, each in TECHNIQUES.items() if key in each.parameters), None)
    if key == "epochs":
        return "points.0.epochs", f"points=[{{technique: full, data_size: 9, epochs: {value}}}]"
    if key == "data_size":
        return "space.data_size", f"space.data_size={value}"
    if owner is not None:
        branch = next(n for n in ("lora", "prefix", "full") if key in TECHNIQUES[n].parameters)
        return f"space.technique.{branch}.{key}", f"space.technique.{branch}={{{key}: {value}}}"
    return key, f"{key}={value}"


def test_the_table_is_read() -> None:
    assert len(BOUNDS) == 18


@pytest.mark.parametrize("key", BOUNDS)
def test_a_bound_of_the_readme_holds_and_what_is_beyond_it_is_refused(
    tmp_path: Path, key: str
) -> None:
    path, beyond = _override(key, BOUNDS[key] + 1)
    _, within = _override(key, BOUNDS[key])
    beyond_it = re.escape(f"{path}: is ") + r".*but must be (<=|at most|between)"
    assert re.search(beyond_it, _said(tmp_path, beyond))
    # What is allowed by itself may contradict another key of this small file.
    assert not re.search(beyond_it, _said(tmp_path, within))


def test_the_other_numbers_of_the_readme_are_those_of_the_checks() -> None:
    assert BOUNDS["trials"] == LARGEST_GRID
    for number, words in (
        *((MOST_RUNS, "runs in all"), (MOST_RUNGS, "rungs in all"), (LONGEST_LIST, "values")),
        *((LONGEST_TEXT, "characters"), (MOST_STEPS, "steps"), (DEEPEST, "levels")),
    ):
        assert f"{number:,} {words}" in SECTION
