"""The module for `evaluate`, loaded as its users load it: in a fresh process, offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import trainables

PROGRAM = """
import json, sys, evaluate
folder = sys.argv[1]
predictions, references = ["SELECT 1", "x"], ["select 1;", "SELECT 2"]
scores = evaluate.load(folder)
plain = scores.compute(predictions=predictions, references=references)
run = scores.compute(predictions=predictions, references=references, contexts=["", ""])
combined = evaluate.combine([folder])
combined.add_batch(predictions=predictions, references=references)
print(json.dumps([plain, run, combined.compute()]))
"""


@pytest.mark.slow
def test_loads_from_its_folder_and_combines(tmp_path: Path) -> None:
    folder = Path(trainables.__file__).parent / "sql_scores"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        env=os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "NLTK_DATA": ""},
        cwd=folder.parents[1],
        check=True,
        capture_output=True,
        text=True,
        timeout=200,
    )
    plain, run, combined = json.loads(done.stdout.splitlines()[-1])
    assert plain == combined
    assert plain["exact_match"] == 0.5
    assert "execution_accuracy" not in plain
    assert run == plain | {"execution_accuracy": 0.5, "valid_sql": 0.5}
