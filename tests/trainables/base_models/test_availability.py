"""What a user is told, before anything starts, of a model or data set that cannot be had."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from tests.trainables.tiny_base import write_tiny_base
from trainables.base_models import availability as module
from trainables.base_models.availability import Unavailable, check_dataset, check_model

ROW = {"sql_prompt": "How many users?", "sql_context": "CREATE TABLE t (a)", "sql": "SELECT 1"}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_tiny_base(tmp_path / "base")


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The hub is asked (each test says what it answers), and nothing is in its cache."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "hub-home"))
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)
    monkeypatch.setattr(module, "try_to_load_from_cache", lambda *a, **k: None)


def answer(monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    def reply(*arguments: object, **keywords: object) -> object:
        if isinstance(value, Exception):
            raise value
        return value

    monkeypatch.setattr(HfApi, "model_info", reply)
    monkeypatch.setattr(HfApi, "dataset_info", reply)


def refusal(kind: type[Exception]) -> Exception:
    return kind.__new__(kind)  # their constructors want a response of the hub's HTTP library


def test_a_complete_folder_passes(base: Path) -> None:
    check_model(str(base))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_an_incomplete_folder_is_named_with_what_it_lacks(base: Path, file: str) -> None:
    (base / file).unlink()
    with pytest.raises(Unavailable, match=file) as raised:
        check_model(str(base))
    assert str(base) in str(raised.value)


def test_every_shard_must_be_there(base: Path) -> None:
    (base / "model.safetensors").rename(base / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-2.safetensors"}}
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(Unavailable, match=r"has no model-2\.safetensors"):
        check_model(str(base))
    (base / "model-2.safetensors").touch()
    check_model(str(base))


def test_the_embedded_profile_needs_nothing_but_the_package(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_dataset("embedded")
    monkeypatch.setattr(module, "EMBEDDED_FOLDER", base)
    check_model("embedded")
    monkeypatch.setattr(module, "EMBEDDED_FOLDER", base / "absent")
    with pytest.raises(Unavailable, match="install the package again"):
        check_model("embedded")


def test_offline_both_remedies_are_named() -> None:
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE is set") as model:
        check_model("google/flan-t5-large", "abc123")
    assert '"google/flan-t5-large"' in str(model.value)
    assert "`hf download google/flan-t5-large --revision abc123 " in str(model.value)
    assert "`--set base_model=FOLDER`" in str(model.value)
    assert "`--profile embedded`" in str(model.value)
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE is set") as dataset:
        check_dataset("gretelai/synthetic_text_to_sql")
    assert "load_dataset('gretelai/synthetic_text_to_sql')" in str(dataset.value)
    assert "`--set dataset=FILE`" in str(dataset.value)
    assert "`--profile embedded`" in str(dataset.value)


@pytest.mark.usefixtures("online")
def test_a_hub_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HUB_SECONDS", 0.05)
    never = threading.Event()
    monkeypatch.setattr(HfApi, "model_info", lambda *a, **k: never.wait())
    with pytest.raises(Unavailable, match=r"cannot be reached \(no answer in 0.05 s\): cache it"):
        check_model("google/flan-t5-large")
    never.set()


@pytest.mark.usefixtures("online")
def test_two_questions_to_the_hub_take_less_than_ten_seconds() -> None:
    assert 2 * module.HUB_SECONDS < 10 - 1


@pytest.mark.usefixtures("online")
@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (ConnectionError("[Errno -2] Name or service not known"), "Name or service not known"),
        (refusal(RepositoryNotFoundError), "is neither a local path nor on the Hugging Face hub"),
        (refusal(RevisionNotFoundError), 'has no revision "abc"'),
    ],
)
def test_what_the_hub_says_is_told(
    reply: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, reply)
    for check in (check_model, check_dataset):
        with pytest.raises(Unavailable) as raised:
            check("somebody/something", "abc")
        assert message in str(raised.value)
        assert "--profile embedded" in str(raised.value)


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
    check_dataset("somebody/something")


def test_what_is_in_the_local_cache_needs_no_hub(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None]] = []

    def cached(name: str, file: str, revision: str | None = None) -> str | None:
        asked.append((name, revision))
        return str(base / file) if (base / file).is_file() else None

    monkeypatch.setattr(module, "try_to_load_from_cache", cached)
    check_model("somebody/something", "abc")
    assert set(asked) == {("somebody/something", "abc")}
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "datasets"))
    with pytest.raises(Unavailable):
        check_dataset("somebody/SomeRows")
    prepared = tmp_path / "datasets" / "somebody___some_rows" / "default" / "0.0.0" / "f1"
    prepared.mkdir(parents=True)
    check_dataset("somebody/SomeRows")


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv"])
def test_a_table_is_checked_by_its_columns(suffix: str, tmp_path: Path) -> None:
    def write(row: dict[str, str]) -> Path:
        path = tmp_path / f"train{suffix}"
        if suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist([row]), path)
        elif suffix == ".jsonl":
            path.write_text(json.dumps(row) + "\n")
        else:
            path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
        return path

    check_dataset(str(write(ROW)))
    check_dataset(str(tmp_path))
    write({"sql_prompt": "p", "answer": "SELECT 1"})
    with pytest.raises(Unavailable, match="lacks sql_context, sql: it has sql_prompt, answer"):
        check_dataset(str(tmp_path))


@pytest.mark.parametrize("name", ["/no/such.parquet", "rows.csv", "./folder", "a/b/c"])
def test_a_path_that_is_not_there_is_not_looked_up_on_the_hub(name: str) -> None:
    with pytest.raises(Unavailable, match="is neither a file nor a folder"):
        check_dataset(name)
    if not name.endswith(".csv"):
        with pytest.raises(Unavailable, match="is not a folder"):
            check_model(name)


def test_unreadable_data(tmp_path: Path) -> None:
    for name in ("readme.md", "test.parquet"):
        (tmp_path / name).touch()
        with pytest.raises(Unavailable, match="holds no table of training rows"):
            check_dataset(str(tmp_path))
    for name, message in (("rows.json", "is a .json, but must be"), ("rows.parquet", "cannot be")):
        (tmp_path / name).write_text("neither")
        with pytest.raises(Unavailable, match=message):
            check_dataset(str(tmp_path / name))


def test_neither_torch_nor_datasets_is_loaded() -> None:
    program = (
        "import sys, trainables.base_models.availability; "
        "print(*{'torch', 'transformers', 'peft', 'datasets'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
