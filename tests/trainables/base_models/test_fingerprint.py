"""Which weights a base model has is told by their files' bytes, and read once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from trainables.base_models.fingerprint import (
    base_fingerprint,
    fingerprint,
    settings_fingerprint,
)
from trainables.base_models.locations import EMBEDDED_FOLDER


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_one_file_has_its_own_digest_until_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"weights")
    assert fingerprint(str(tmp_path)) == sha256(b"weights")
    other = tmp_path / "other"
    other.write_bytes(b"weighty")
    other.replace(file)
    assert fingerprint(str(tmp_path)) == sha256(b"weighty")
    built_in = (EMBEDDED_FOLDER / "model.safetensors").read_bytes()
    assert fingerprint(str(EMBEDDED_FOLDER)) == sha256(built_in)


def test_shards_are_told_by_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "b.safetensors").write_bytes(b"2")
    (tmp_path / "a.safetensors").write_bytes(b"1")
    weights = {"x": "b.safetensors", "y": "a.safetensors", "z": "a.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    printed = f"{sha256(b'1')}  a.safetensors\n{sha256(b'2')}  b.safetensors\n"
    assert fingerprint(str(tmp_path)) == sha256(printed.encode())
    (tmp_path / "b.safetensors").unlink()
    assert fingerprint(str(tmp_path)) is None


def test_a_file_of_the_hub_is_told_by_its_name_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    model, commit = tmp_path / "models--some--t5", "0" * 40
    snapshot = model / "snapshots" / commit
    for folder in (snapshot, model / "blobs", model / "refs"):
        folder.mkdir(parents=True)
    (model / "refs" / "main").write_text(commit)
    (model / "blobs" / ("ab" * 32)).write_bytes(b"not read")
    (snapshot / "model.safetensors").symlink_to(f"../../blobs/{'ab' * 32}")
    assert fingerprint("some/t5") == fingerprint("some/t5", commit) == "ab" * 32


@pytest.mark.parametrize("name", ["some/other-t5", "/not/there", "no such name"])
def test_weights_that_are_not_here_have_none(name: str) -> None:
    assert fingerprint(name) is None


def base(folder: Path, **files: str) -> str:
    folder.mkdir(exist_ok=True)
    for name, content in ({"model_safetensors": "weights", "config_json": "{}"} | files).items():
        (
            folder / name.replace("_json", ".json").replace("_safetensors", ".safetensors")
        ).write_text(content)
    return str(folder)


def test_settings_are_told_by_the_files_that_transformers_reads(tmp_path: Path) -> None:
    plain = settings_fingerprint(base(tmp_path / "plain"))
    assert plain == sha256(f"{sha256(b'{}')}  config.json\n".encode())
    assert settings_fingerprint(base(tmp_path / "same", notes="a file of nobody's")) == plain
    tokenizer = settings_fingerprint(base(tmp_path / "tokens", tokenizer_json="{}"))
    assert tokenizer != plain
    edited = settings_fingerprint(base(tmp_path / "tokens", tokenizer_json="[]"))
    assert edited not in (plain, tokenizer)
    (tmp_path / "same" / "additional_chat_templates").mkdir()
    (tmp_path / "same" / "additional_chat_templates" / "default.jinja").write_text("Ask:")
    assert settings_fingerprint(str(tmp_path / "same")) != plain
    assert settings_fingerprint("not/there") is None


def test_a_base_is_told_by_both(tmp_path: Path) -> None:
    one, other = base(tmp_path / "one"), base(tmp_path / "other")
    assert base_fingerprint(one) == base_fingerprint(other) is not None
    base(tmp_path / "other", config_json="[]")
    assert base_fingerprint(one) != base_fingerprint(other)
    base(tmp_path / "one", model_safetensors="weighty")
    assert len({base_fingerprint(one), base_fingerprint(other), base_fingerprint("embedded")}) == 3
    assert base_fingerprint("not/there") is None


def test_a_moved_branch_of_the_hub_is_another_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    model = tmp_path / "models--some--t5"
    for commit, config in (("0" * 40, "{}"), ("1" * 40, "[]")):
        base_folder = model / "snapshots" / commit
        base_folder.mkdir(parents=True)
        base(base_folder, config_json=config)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("0" * 40)
    before = base_fingerprint("some/t5")
    assert before == base_fingerprint("some/t5", "0" * 40)
    (model / "refs" / "main").write_text("1" * 40)
    assert base_fingerprint("some/t5") == base_fingerprint("some/t5", "1" * 40) != before
