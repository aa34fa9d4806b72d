"""Which file a name on the command line means."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.search_space import SpecError
from orchestrator.search_space.shipped import FOLDER, STANDARD_INPUT, locate, names
from orchestrator.sweep.cli import app
from tests.orchestrator import sweeps

RANK = FOLDER / "rank.yaml"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_comes_with_the_package_is_found_by_name() -> None:
    assert {"data_size", "notebooks", "rank", "smoke", "technique"} <= {*names()}
    for name in names():
        assert locate(Path(name)) == FOLDER / f"{name}.yaml"


def test_a_file_of_just_that_path_is_meant_wherever_there_is_one(tmp_path: Path) -> None:
    Path("rank").write_text("name: mine")
    assert locate(Path("rank")) == Path("rank")
    Path("rank.yaml").write_text("name: mine")
    assert locate(Path("rank.yaml")) == Path("rank.yaml")
    assert locate(tmp_path / "rank.yaml") == tmp_path / "rank.yaml"


def test_a_folder_of_that_name_is_no_search_space() -> None:
    Path("rank").mkdir()
    assert locate(Path("rank")) == RANK
    Path("store").mkdir()
    with pytest.raises(SpecError, match="store: is a folder"):
        locate(Path("store"))


def test_a_name_that_means_two_is_refused_and_both_are_named() -> None:
    Path("rank.yaml").write_text("name: mine")
    with pytest.raises(SpecError) as refused:
        locate(Path("rank"))
    assert "give rank.yaml for the file" in str(refused.value)
    assert str(RANK) in str(refused.value)
    Path("rank.yaml").write_bytes(RANK.read_bytes())  # which of the two makes no difference
    assert locate(Path("rank")) == RANK


def test_a_name_may_be_that_of_a_file_beside() -> None:
    Path("mine.yml").write_text("name: mine")
    assert locate(Path("mine")) == Path("mine.yml")


@pytest.mark.parametrize(
    ("given", "phrase"),
    [
        ("rnak", 'did you mean "rank"'),
        ("rank.yaml", "or rank for the one that comes with the package"),
        ("search_spaces/rank.yaml", "or rank for the one that comes with the package"),
        ("zzz", "or the name of one that comes with the package: data_size, "),
    ],
)
def test_a_name_of_nothing_says_what_there_is(given: str, phrase: str) -> None:
    with pytest.raises(SpecError, match=phrase):
        locate(Path(given))


def _plan(*words: str, standard_input: str | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(
        app, [*words, "--profile", "embedded", "--plan"], input=standard_input
    )
    return done.exit_code, done.output


def test_the_command_takes_a_name_and_standard_input(tmp_path: Path) -> None:
    code, output = _plan("smoke")
    assert code == 0, output
    assert "Does every technique run here" in output
    text = sweeps.write(tmp_path).read_text()
    code, output = _plan(str(STANDARD_INPUT), standard_input=text)
    assert code == 0, output
    assert "900 examples" in output
    code, output = _plan("-", standard_input="name: 1x\n")
    assert code == 2
    assert output.startswith("standard input:1: name:")
    code, output = _plan("-", standard_input="")
    assert (code, "standard input: is empty" in output) == (2, True)
