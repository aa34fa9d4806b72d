from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from orchestrator import provenance


def test_versions_are_recorded_and_the_build_of_torch_is_passed_in() -> None:
    found = provenance.capture("2.13.0+cu130", "13.0")
    assert json.loads(json.dumps(found)) == found
    assert (found["torch"], found["cuda"]) == ("2.13.0+cu130", "13.0")
    assert found["packages"]["pyarrow"]
    assert set(found["packages"]) <= set(provenance.PACKAGES)


def test_no_secret_of_the_environment_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret_token")
    monkeypatch.setenv("HOME", "/home/somebody-private")
    text = json.dumps(provenance.capture())
    assert "hf_secret_token" not in text
    assert "somebody-private" not in text


def test_commit_and_changes_of_the_checkout(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    package = tmp_path / "orchestrator"
    package.mkdir()
    (package / "a.py").write_text("")
    none = {"commit": None, "modified": None}
    assert provenance._checkout.__wrapped__(package) == none
    git("init", "-q")
    assert provenance._checkout.__wrapped__(package) == none  # no commit yet
    git("add", ".")
    git("commit", "-qm", "first")
    commit = git("rev-parse", "HEAD")
    assert provenance._checkout.__wrapped__(package) == {"commit": commit, "modified": False}
    (package / "a.py").write_text("changed")
    assert provenance._checkout.__wrapped__(package) == {"commit": commit, "modified": True}
    # Installed into an environment that lies inside another project's checkout:
    inside = tmp_path / "venv" / "site-packages" / "orchestrator"
    inside.mkdir(parents=True)
    assert provenance._checkout.__wrapped__(inside) == none
