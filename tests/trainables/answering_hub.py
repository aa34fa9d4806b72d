"""A Hugging Face hub that answers what a test says."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import HfApi, constants


def go_online(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The hub is asked (each test says what it answers), and nothing is in its cache."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HOME", str(folder / "hub-home"))
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *a, **k: None)


def answer(monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    """The hub answers every question with this, or raises it."""

    def reply(*arguments: object, **keywords: object) -> object:
        if isinstance(value, Exception):
            raise value
        return value

    monkeypatch.setattr(HfApi, "model_info", reply)
    monkeypatch.setattr(HfApi, "dataset_info", reply)


def refusal(kind: type[Exception]) -> Exception:
    """Returns an error of the hub's, whose constructors want a response of its HTTP library."""
    return kind.__new__(kind)
