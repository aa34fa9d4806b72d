"""What a user is told, before anything starts, of a base model that cannot be had."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
from transformers import ByT5Tokenizer

from tests.trainables.answering_hub import answer, go_online
from tests.trainables.families.bases import write_base
from tests.trainables.tiny_base import write_tiny_base
from trainables.base_models import locations
from trainables.base_models.availability import check_model
from trainables.runtime.hub import Unavailable

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_tiny_base(tmp_path / "base")


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go_online(monkeypatch, tmp_path)


def test_a_complete_folder_passes(base: Path) -> None:
    check_model(str(base))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_an_incomplete_folder_is_named_with_what_it_lacks(base: Path, file: str) -> None:
    (base / file).unlink()
    with pytest.raises(Unavailable, match=file) as raised:
        check_model(str(base))
    assert str(base) in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "bert"}, 'is of the architecture "bert", but must be one of t5, mt5'),
        ({"model_type": "gemma3"}, 'is of the architecture "gemma3", but must be one of t5'),
        ({"model_type": None}, "names no architecture, but must be one of t5"),
        ({"model_type": ["t5"]}, "is of the architecture"),
        ({"quantization_config": {"quant_method": "awq"}}, r"has quantised weights \(awq\)"),
        ({"num_layers": 1, "num_decoder_layers": 3}, r"\(3 layers\) that is deeper .*\(1\)"),
    ],
)
def test_what_no_family_loads_is_refused_in_one_line(
    base: Path, changes: dict[str, object], said: str
) -> None:
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | changes))
    with pytest.raises(Unavailable, match=said) as raised:
        check_model(str(base))
    assert "\n" not in str(raised.value)
    assert str(base) in str(raised.value)


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_broken_configuration_is_named(base: Path, content: str) -> None:
    (base / "config.json").write_text(content)
    with pytest.raises(Unavailable, match=r'base" has a config\.json that'):
        check_model(str(base))


@pytest.mark.parametrize("files", [("vocab.json", "merges.txt"), ("tokenizer.model",)])
def test_tokenizers_in_other_files_pass(base: Path, files: tuple[str, ...]) -> None:
    (base / "tokenizer.json").unlink()
    for file in files:
        with pytest.raises(Unavailable, match="tokenizer"):
            check_model(str(base))
        (base / file).write_text("{}")
    check_model(str(base))
    for content, said in (("", "it is empty"), (POINTER, "run `git lfs pull`")):
        (base / files[-1]).write_text(content)
        with pytest.raises(Unavailable, match=rf'base" has a {files[-1]} that .*{said}'):
            check_model(str(base))


def test_an_adapter_is_told_from_a_base(base: Path) -> None:
    (base / "config.json").unlink()
    settings = {"base_model_name_or_path": "google/flan-t5-large"}
    (base / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(
        Unavailable, match="is an adapter of PEFT on google/flan-t5-large"
    ) as raised:
        check_model(str(base))
    assert "merge_and_unload" in str(raised.value)


def test_an_adapter_beside_a_base_is_refused(base: Path) -> None:
    """It would be put on, and no fingerprint would tell."""
    settings = {"base_model_name_or_path": "google/flan-t5-large", "peft_type": "LORA"}
    (base / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(Unavailable, match=r"has an adapter beside its weights.*move adapter_con"):
        check_model(str(base))


def test_weights_of_another_form_are_named(base: Path) -> None:
    (base / "model.safetensors").rename(base / "pytorch_model.bin")
    with pytest.raises(Unavailable, match=r"in pytorch_model\.bin, which is not read") as raised:
        check_model(str(base))
    assert "save_pretrained" in str(raised.value)


def test_a_tokenizer_of_bytes_needs_no_vocabulary(base: Path) -> None:
    (base / "tokenizer.json").unlink()
    ByT5Tokenizer().save_pretrained(base)
    assert not (base / "tokenizer.json").exists()
    check_model(str(base))


@pytest.mark.usefixtures("online")
def test_the_hub_is_asked_what_architecture_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    siblings = [type("Sibling", (), {"rfilename": "model.safetensors"})]
    info = {"siblings": siblings, "config": {"model_type": "bert"}}
    answer(monkeypatch, type("Info", (), info))
    with pytest.raises(Unavailable, match='"somebody/something" is of the architecture "bert"'):
        check_model("somebody/something")


def test_every_shard_must_be_there(base: Path) -> None:
    (base / "model.safetensors").rename(base / "model-00001-of-00002.safetensors")
    index = {
        "metadata": {},
        "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-2.safetensors"},
    }
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(Unavailable, match=r"has no model-2\.safetensors"):
        check_model(str(base))
    shutil.copy(base / "model-00001-of-00002.safetensors", base / "model-2.safetensors")
    check_model(str(base))
    (base / "model-2.safetensors").write_bytes(b"")
    with pytest.raises(Unavailable, match=r"has a model-2\.safetensors that .*: it is empty; copy"):
        check_model(str(base))


def test_parts_without_their_index_are_told_what_is_missing(base: Path) -> None:
    (base / "model.safetensors").rename(base / "model-00001-of-00002.safetensors")
    said = r"in parts \(model-00001-of-00002\.safetensors\) but no model\.safetensors\.index\.json"
    with pytest.raises(Unavailable, match=said):
        check_model(str(base))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "that cannot be read: it is empty; give a folder"),
        ("{", "that cannot be read: it is not JSON"),
        ("[]", "that cannot be read: it is a list, not an object; give a folder"),
        ("{}", 'without "weight_map"'),
        ('{"metadata": {}, "weight_map": []}', 'without "weight_map", an object'),
        ('{"metadata": {}, "weight_map": {"a": 3}}', "gives a number for a, not the name"),
        ('{"weight_map": {"a": "model-1.safetensors"}}', 'without "metadata", .*add "metadata"'),
        (
            '{"metadata": [], "weight_map": {"a": "model-1.safetensors"}}',
            '"metadata" is a list, not an object',
        ),
    ],
)
def test_a_broken_index_of_weights_is_named(base: Path, content: str, said: str) -> None:
    (base / "model.safetensors").rename(base / "model-1.safetensors")
    (base / "model.safetensors.index.json").write_text(content)
    with pytest.raises(Unavailable, match=rf'base" has a model\.safetensors\.index\.json .*{said}'):
        check_model(str(base))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("model.safetensors", _cut, r"it is cut: [\d,]+ bytes of [\d,]+; copy or download"),
        ("model.safetensors", lambda path: path.write_text(""), "it is empty; copy or download"),
        ("model.safetensors", lambda path: path.write_text(POINTER), "run `git lfs pull`"),
        ("model.safetensors", lambda path: path.write_text("<html>404"), "it is a web page"),
        ("config.json", lambda path: path.write_text(""), "it is empty; give a folder"),
        ("config.json", lambda path: path.write_text(POINTER), "run `git lfs pull`"),
        ("generation_config.json", lambda path: path.write_text("{"), "it is not JSON"),
        ("tokenizer_config.json", lambda path: path.write_text("[]"), "it is a list, not an"),
        ("tokenizer.json", lambda path: path.write_text(POINTER), "run `git lfs pull`"),
        ("tokenizer.json", lambda path: path.write_text("{}"), 'without "model", an object: give'),
        (
            "tokenizer.json",
            lambda path: path.write_text('{"model": {}, "added_tokens": {}}'),
            '"added_tokens" is an object, not a list: give',
        ),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(
    base: Path, file: str, damage: Callable[[Path], object], said: str
) -> None:
    damage(base / file)
    with pytest.raises(Unavailable, match=rf'{base}" has a {re.escape(file)} .*{said}') as raised:
        check_model(str(base))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("value", [None, "2", 2.0, True, 0, -1, [], {}])
@pytest.mark.parametrize("key", ["num_layers", "num_heads", "d_kv"])
def test_sizes_that_are_no_numbers_are_named(base: Path, key: str, value: object) -> None:
    config = json.loads((base / "config.json").read_text()) | {key: value}
    (base / "config.json").write_text(json.dumps(config))
    if value is None:  # the default is taken
        check_model(str(base))
        return
    said = rf'base" has "{key}": {re.escape(json.dumps(value))} in its config\.json'
    with pytest.raises(Unavailable, match=said):
        check_model(str(base))


@pytest.mark.parametrize("key", ["d_model", "encoder_layers", "decoder_ffn_dim"])
def test_null_is_no_size_of_bart(tmp_path: Path, key: str) -> None:
    base = Path(write_base(tmp_path / "base", "bart"))
    check_model(str(base))
    config = json.loads((base / "config.json").read_text()) | {key: None}
    (base / "config.json").write_text(json.dumps(config))
    with pytest.raises(Unavailable, match=rf'base" has "{key}": null in its config\.json, but it'):
        check_model(str(base))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("layer_norm_epsilon", float("nan"), '"layer_norm_epsilon": NaN in its'),
        ("initializer_factor", float("inf"), '"initializer_factor": Infinity in its'),
        ("rope_parameters", {"factors": [1.0, float("nan")]}, r'"rope_parameters.factors.1": NaN'),
    ],
)
def test_numbers_of_the_configuration_that_are_none_are_named(
    base: Path, key: str, value: object, said: str
) -> None:
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(Unavailable, match=rf'base" has {said}.*which is no number: give a folder'):
        check_model(str(base))


def test_layers_beyond_count_are_refused(base: Path) -> None:
    config = json.loads((base / "config.json").read_text())
    config |= dict.fromkeys(("num_layers", "num_decoder_layers"), 10**9)
    (base / "config.json").write_text(json.dumps(config))
    with pytest.raises(Unavailable, match=r"has 1,000,000,000 layers by its config\.json"):
        check_model(str(base))


def test_the_embedded_profile_needs_nothing_but_the_package(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "EMBEDDED_FOLDER", base)
    check_model("embedded")
    monkeypatch.setattr(locations, "EMBEDDED_FOLDER", base / "absent")
    with pytest.raises(Unavailable, match="install the package again"):
        check_model("embedded")


def test_offline_both_remedies_are_named() -> None:
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE is set") as model:
        check_model("google/flan-t5-large", "abc123")
    assert '"google/flan-t5-large"' in str(model.value)
    assert "`hf download google/flan-t5-large --revision abc123 " in str(model.value)
    assert "`--set base_model=FOLDER`" in str(model.value)
    assert "`--profile embedded`" in str(model.value)


@pytest.mark.parametrize("name", ["a/b; rm x", "a/`b`", "a/it's", "a b"])
def test_a_name_that_nothing_on_the_hub_can_have_is_in_no_command(name: str) -> None:
    with pytest.raises(Unavailable, match="is not a folder") as raised:
        check_model(name, "main; rm x")
    assert "hf download" not in str(raised.value)


def test_the_command_that_downloads_is_quoted() -> None:
    name = "a/b"
    with pytest.raises(Unavailable) as raised:
        check_model(name, "main; rm x")
    command = str(raised.value).partition(", with `")[2].partition("`; or give")[0]
    assert shlex.split(command)[:5] == ["hf", "download", name, "--revision", "main; rm x"]


@pytest.mark.usefixtures("online")
def test_a_model_on_the_hub_needs_safetensors(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_files(*names: str) -> object:
        siblings = [type("Sibling", (), {"rfilename": name}) for name in names]
        return type("Info", (), {"siblings": siblings})

    answer(monkeypatch, with_files("config.json", "pytorch_model.bin"))
    with pytest.raises(Unavailable, match="no weights as safetensors"):
        check_model("somebody/something")
    answer(monkeypatch, with_files("config.json", "model.safetensors"))
    check_model("somebody/something")


def test_what_is_in_the_local_cache_needs_no_hub(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None]] = []

    def cached(name: str, file: str, revision: str | None = None) -> str | None:
        asked.append((name, revision))
        return str(base / file) if (base / file).is_file() else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    check_model("somebody/something", "abc")
    assert set(asked) == {("somebody/something", "abc")}


def test_a_damaged_file_of_the_local_cache_is_downloaded_again(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cached(name: str, file: str, revision: str | None = None) -> str | None:
        return str(base / file) if (base / file).is_file() else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    _cut(base / "model.safetensors")
    with pytest.raises(Unavailable, match=r"has a model\.safetensors .* it is cut") as raised:
        check_model("somebody/something", "abc")
    again = "`hf download somebody/something model.safetensors --force-download --revision abc`"
    assert again in str(raised.value)


@pytest.mark.parametrize("name", ["/no/such.parquet", "./folder", "a/b/c"])
def test_a_path_that_is_not_there_is_not_looked_up_on_the_hub(name: str) -> None:
    with pytest.raises(Unavailable, match="is not a folder"):
        check_model(name)


def test_neither_torch_nor_datasets_is_loaded() -> None:
    program = (
        "import sys, trainables.base_models.availability; "
        "print(*{'torch', 'transformers', 'peft', 'datasets'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
