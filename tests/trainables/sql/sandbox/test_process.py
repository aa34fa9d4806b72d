from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_process import loaded
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.process import SandboxProcess, SandboxUnavailable

PACKAGES = Path(__file__).resolve().parents[4]


def test_a_python_that_does_not_start_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(SandboxUnavailable, match="cannot be started"):
        SandboxProcess(Limits()).ask({})


def test_a_python_that_fails_at_once_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(SandboxUnavailable, match="status 3 before its first answer"):
        SandboxProcess(Limits()).ask({"context": "", "reference": "", "prediction": ""})


def test_the_child_needs_the_standard_library_only() -> None:
    program = (
        f"import sys; sys.path.append({str(PACKAGES)!r})\n"
        "import trainables.sql.sandbox.scoring_child\n"
        "ours = {m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)\n"
        "assert ours <= {'__main__', 'trainables'}, ours\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, timeout=60)


def test_scoring_loads_no_torch_and_leaves_sqlglot_to_the_parsing_process() -> None:
    scoring = "trainables.evaluation.text_scores, trainables.sql.execution"
    assert loaded(scoring, "torch", "transformers", "ray", "sqlglot") == set()
