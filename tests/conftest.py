"""Fixtures for every test."""

from __future__ import annotations

import os
from pathlib import Path

# Before torch or Ray are imported: two threads of one core are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# As trials and commands do: three CPU seconds less in each process that a test starts.
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")

import pytest
from hypothesis import settings

# A first example imports what the others need, and the machine may be busy: time fails no test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps token ids, also those of processes that a test starts, out of the user's own cache."""
    os.environ["FINETUNE_SWEEP_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real rows, tokenizer and model outputs that lies beside a full checkout."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"the reference data is not there: {SHARED}")
    return SHARED
