"""What a base model's name means, the same to all who ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainables.base_models.availability import check_model
from trainables.base_models.cache import kept_tokenizer
from trainables.base_models.locations import EMBEDDED_FOLDER, locate
from trainables.base_models.tokenizer import BaseModelUnavailable, load_tokenizer
from trainables.runtime.hub import Unavailable


def test_the_built_in_one() -> None:
    base = locate("embedded", "ignored")
    assert (base.folder, base.revision) == (EMBEDDED_FOLDER.absolute(), None)
    assert base.is_embedded
    assert not base.is_on_hub
    assert base.source == str(EMBEDDED_FOLDER)
    assert base.obstacle is None


def test_an_identifier_of_the_hub() -> None:
    base = locate("google/flan-t5-large", "abc")
    assert base.is_on_hub
    assert (base.source, base.revision, base.obstacle) == ("google/flan-t5-large", "abc", None)


@pytest.mark.parametrize("name", ["models/t5", "~/models/t5", "/models/t5", "models"])
def test_a_folder_goes_before_the_hub_and_has_no_revision(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    name = name.replace("/models", f"{tmp_path}/models") if name.startswith("/") else name
    (tmp_path / "models" / "t5").mkdir(parents=True)
    base = locate(name, "abc")
    assert base.folder in (tmp_path / "models" / "t5", tmp_path / "models")
    assert base.source == str(base.folder)
    assert (base.revision, base.obstacle) == (None, None)


@pytest.mark.parametrize(
    "name", ["/no/such", "./no-such", "~/no-such", "~nobody-here/t5", "a/b/c", "/" + "x" * 300]
)
def test_a_path_where_nothing_lies_is_told_alike_by_all_who_ask(name: str) -> None:
    told = f'The base model "{name}" is not a folder: give a checkpoint folder'
    with pytest.raises(Unavailable) as checked:
        check_model(name)
    assert str(checked.value).startswith(told)
    for ask in (load_tokenizer, kept_tokenizer):
        with pytest.raises(BaseModelUnavailable) as loaded:
            ask(name, None)
        assert str(loaded.value) == str(checked.value)


def test_a_file_is_no_model_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("weights.safetensors").touch()
    with pytest.raises(Unavailable, match="is not a folder"):
        check_model("weights.safetensors")
