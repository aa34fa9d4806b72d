"""Every verb answers of a store of every schema version, or says in one line why it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.store import SCHEMA_VERSION
from tests.orchestrator.results.conftest import Run

DATA = Path(__file__).parents[2] / "data"
BY = ("--by", "rouge_l")


@pytest.fixture(params=range(1, SCHEMA_VERSION + 1))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A golden store; its rows name no objective."""
    return Path(shutil.copytree(DATA / f"store-v{request.param}", tmp_path / "store"))


@pytest.mark.parametrize(
    "words",
    [
        ("sweeps",),
        ("leaderboard", *BY),
        ("leaderboard", "--trials", *BY),
        ("effect", "technique", *BY),
        ("query", "SELECT * FROM trials JOIN reports USING (trial_id)"),
    ],
    ids=" ".join,
)
def test_a_verb_answers(words: tuple[str, ...], store: Path, run: Run) -> None:
    code, out, err = run(*words, store=store)
    assert code == 0, err
    assert "lora" in out or "rank-0a1b2c3d" in out


@pytest.mark.parametrize(
    "words",
    [
        ("leaderboard",),
        ("answer",),
        ("report", "--format", "md"),
        ("show", "t-00000012"),
        ("effect", "technique"),
        ("compare", "technique=lora", "technique=prefix"),
        ("optuna", "study.log"),
    ],
    ids=" ".join,
)
def test_rows_without_an_objective_are_told_in_one_line(
    words: tuple[str, ...], store: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(store.parent)
    code, out, err = run(*words, store=store)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "name no objective" in err
    assert not Path("study.log").exists()
