from __future__ import annotations

import importlib.metadata
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.outcomes import environment


def test_versions_are_recorded_and_which_build_of_torch() -> None:
    import torch

    found = environment.capture()
    assert json.loads(json.dumps(found)) == found
    assert (found["torch"], found["cuda"]) == (torch.__version__, torch.version.cuda)
    for name in ("torch", "transformers", "peft", "pyarrow"):
        assert found["packages"][name] == importlib.metadata.version(name)
    assert set(found["packages"]) <= set(environment.PACKAGES)


def test_the_build_of_torch_is_read_where_it_is_for_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = tmp_path / "torch" / "version.py"
    constants.parent.mkdir()
    constants.write_text(
        "from typing import Optional\n__version__ = '2.13.0+cu130'\ndebug = False\n"
        "cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n"
    )
    place = SimpleNamespace(locate_file=lambda file: tmp_path / file)
    monkeypatch.setattr(environment, "_versions", lambda: {"torch": "2.13.0"})
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: place)
    build = environment._torch_build.__wrapped__
    assert build() == {"torch": "2.13.0+cu130", "cuda": "13.0"}
    constants.unlink()
    assert build() == {"torch": "2.13.0", "cuda": None}
    monkeypatch.setattr(environment, "_versions", dict)
    assert build() == {"torch": None, "cuda": None}


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 avx512f sse\n", ["avx2", "avx512f"]),
        ("processor : 0\nFeatures : fp asimd bf16\n", ["asimd", "bf16"]),
        ("processor : 0\n", None),
        (None, None),
    ],
)
def test_the_instructions_of_the_cpu_are_recorded_where_the_system_lists_them(
    tmp_path: Path, listing: str | None, expected: list[str] | None
) -> None:
    file = tmp_path / "cpuinfo"
    if listing is not None:
        file.write_text(listing)
    assert environment._instructions(file) == expected


def test_no_secret_of_the_environment_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret_token")
    monkeypatch.setenv("HOME", "/home/somebody-private")
    text = json.dumps(environment.capture())
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
    assert environment._checkout.__wrapped__(package) == none
    git("init", "-q")
    assert environment._checkout.__wrapped__(package) == none  # no commit yet
    git("add", ".")
    git("commit", "-qm", "first")
    commit = git("rev-parse", "HEAD")
    assert environment._checkout.__wrapped__(package) == {"commit": commit, "modified": False}
    (package / "a.py").write_text("changed")
    assert environment._checkout.__wrapped__(package) == {"commit": commit, "modified": True}
    # Installed into an environment that lies inside another project's checkout:
    inside = tmp_path / "venv" / "site-packages" / "orchestrator"
    inside.mkdir(parents=True)
    assert environment._checkout.__wrapped__(inside) == none
