"""The card's few lines of code write and read text as the tokenizer's encoding does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from ruamel.yaml import YAML
from transformers import AutoTokenizer

from trainables.base_models.locations import EMBEDDED_FOLDER
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.visible import INVISIBLE, visible_line
from trainables.data.spelling import SqlTokens
from trainables.families.registry import SEQ2SEQ
from trainables.inference.model_card import decoding_code, loading_code, model_card, spelling
from trainables.techniques.registry import TECHNIQUES, TRAINED, complete

TEXTS = st.text(st.sampled_from("ab1fF <>{}~^\\`\n@®«»•;—$\u2018?.€")) | st.text()


def _configuration(technique: str = "lora", **changes: Any) -> TrialConfiguration:
    values: dict[str, Any] = {
        "technique": technique,
        "parameters": complete(technique, {}),
        "data_size": 100,
        "budget_examples": 200,
        "seed": 0,
        "data_seed": 0,
    }
    return TrialConfiguration(**(values | changes))


TRIAL = {
    "sweep_id": "rank-0a1b2c3d",
    "sweep_name": "rank",
    "question": "Does a bigger adapter buy better SQL?",
    "trial_id": "t-kq3v7xw2ma",
    "outcome": "completed",
    "examples_seen": 6000,
    "objective_metric": "rouge_l",
    "rouge_l": 0.75,
    "rouge_l_se": 0.0125,
    "test_rouge_l": 0.7,
    "test_rouge_l_se": None,
    "eval_rows": 100,
    "test_rows": 500,
    "eval_loss": 0.25,
    "dataset_fingerprint": "f00dfeedf00dfeed",
    "trainable_parameters": 1000,
    "total_parameters": 100000,
    "device_name": None,
    "device_kind": "cpu",
}


@pytest.fixture(scope="module")
def flan_tokens(shared: Path) -> SqlTokens:
    return SqlTokens(AutoTokenizer.from_pretrained(shared / "flan-t5-tokenizer"))


@pytest.fixture(scope="module", params=["embedded", "flan-t5"])
def tokens(request: pytest.FixtureRequest) -> SqlTokens:
    if request.param == "flan-t5":
        found: SqlTokens = request.getfixturevalue("flan_tokens")
        return found
    return SqlTokens(AutoTokenizer.from_pretrained(EMBEDDED_FOLDER))


@given(text=TEXTS)
@settings(deadline=None)
def test_the_lines_decode_as_the_encoding_does(tokens: SqlTokens, text: str) -> None:
    lines = decoding_code(spelling(tokens))
    assert len(lines) <= 2
    for emitted in (text, tokens.encode(text)):
        names: dict[str, Any] = {"re": re, "text": emitted}
        exec("\n".join(lines), names)
        assert names["text"] == tokens.decode(emitted)


def test_stand_ins_of_flan_t5_are_written_out(flan_tokens: SqlTokens) -> None:
    code = loading_code(_configuration(), flan_tokens, SEQ2SEQ, merged=False)
    assert len(decoding_code(spelling(flan_tokens))) == 2
    assert spelling(flan_tokens).written["<"] == "«"
    assert "'«': '<'" in code


@given(text=st.text(st.characters(min_codepoint=33, max_codepoint=126)))
@settings(deadline=None)
def test_prompts_in_ascii_are_written_as_the_encoding_does(tokens: SqlTokens, text: str) -> None:
    assume("<" not in text or ">" not in text)  # "</s>" spelt out is nothing that people ask
    written = "".join(spelling(tokens).written.get(character, character) for character in text)
    assert written == tokens.encode(text)


def test_the_card_says_how_good_and_how_sure(tokens: SqlTokens) -> None:
    card = model_card(_configuration(), TRIAL, tokens, SEQ2SEQ, merged=False)
    assert "| rouge_l | 0.7500 ± 0.0125 | 0.7000 |" in card
    assert "| rank | 8 |" in card
    assert "t-kq3v7xw2ma" in card
    assert "bleu" not in card  # not measured
    assert "base_model:" not in card  # the built-in one is not on the hub
    assert "None" not in card


def test_a_question_is_a_sentence_of_its_own(tokens: SqlTokens) -> None:
    for question, shown in (
        ("Does it learn", "Does it learn. It completed"),
        ("Does it learn? ", "Does it learn? It completed"),
        ("Say which.", "Say which. It completed"),
    ):
        card = model_card(
            _configuration(), TRIAL | {"question": question}, tokens, SEQ2SEQ, merged=False
        )
        assert shown in card


def test_the_card_has_what_the_sweep_answered(tokens: SqlTokens) -> None:
    answer = ("rank: rouge_l rises by 0.08 from 1 to 16.", "Best by tuning: lora <b>rank</b>=16.")
    card = model_card(_configuration(), TRIAL, tokens, SEQ2SEQ, merged=False, answer=answer)
    assert "## What the sweep answered\n\n- rank: rouge_l rises" in card
    assert "&lt;b&gt;rank" in card
    assert "answer" not in model_card(_configuration(), TRIAL, tokens, SEQ2SEQ, merged=False)


def test_the_card_names_what_is_on_the_hub(tokens: SqlTokens) -> None:
    configuration = _configuration(
        base_model="google/flan-t5-large",
        base_model_revision="0613663",
        dataset="gretelai/synthetic_text_to_sql",
    )
    card = model_card(configuration, TRIAL, tokens, SEQ2SEQ, merged=True)
    header = card.split("---")[1]
    assert "base_model: google/flan-t5-large\n" in header
    assert "- gretelai/synthetic_text_to_sql\n" in header
    assert "library_name: transformers\n" in header
    code = loading_code(configuration, tokens, SEQ2SEQ, merged=False)
    assert "from_pretrained('google/flan-t5-large', revision='0613663')" in code


def test_nothing_from_outside_is_markup_in_the_card(tokens: SqlTokens) -> None:
    text = "<script>x</script> [a](javascript:b) ![c](https://d.example) `e` | f\n# g\x1b[2J\u202e"
    names = ("sweep_name", "question", "sweep_id", "trial_id", "outcome", "device_name")
    configuration = _configuration(
        base_model="a/b",
        base_model_revision=text,
        dataset="c/d",
        dataset_revision=text,
        parameters={**complete("lora", {}), "target_modules": text},
    )
    trial = {**TRIAL, **dict.fromkeys((*names, "dataset_fingerprint"), text)}
    card = model_card(configuration, trial, tokens, SEQ2SEQ, merged=True, answer=[text, text])
    assert INVISIBLE.search(card.replace("\n", "")) is None
    header, body = card.split("---\n")[1:]
    assert YAML(typ="safe").load(header) == {
        "library_name": "transformers",
        "base_model": "a/b",
        "datasets": ["c/d"],
        "tags": ["text-to-sql"],
    }
    rendered = MarkdownIt("commonmark").enable("table").parse(body)
    kinds = {child.type for token in rendered for child in token.children or []}
    assert kinds <= {"text", "text_special", "code_inline", "softbreak"}
    headings = [rendered[i + 1].content for i, t in enumerate(rendered) if t.type == "heading_open"]
    assert len(headings) == 5
    shown = visible_line(text)
    texts = ["".join(c.content for c in t.children or []) for t in rendered if t.type == "inline"]
    assert sum(shown in each for each in texts) == 10


def test_what_the_hub_can_have_no_name_for_is_not_in_the_header(tokens: SqlTokens) -> None:
    configuration = _configuration(base_model="a/b\nlicense: mit", dataset="c/d: e")
    card = model_card(configuration, TRIAL, tokens, SEQ2SEQ, merged=True)
    assert YAML(typ="safe").load(card.split("---\n")[1]) == {
        "library_name": "transformers",
        "tags": ["text-to-sql"],
    }


def test_the_code_names_a_folder_by_its_whole_path(
    tokens: SqlTokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "t5").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("models/t5", "~/models/t5", "./models/t5"):
        configuration = _configuration(base_model=name, base_model_revision="abc")
        code = loading_code(configuration, tokens, SEQ2SEQ, merged=False)
        assert f"base = AutoModelForSeq2SeqLM.from_pretrained('{tmp_path}/models/t5')" in code
        assert "base_model:" not in model_card(configuration, TRIAL, tokens, SEQ2SEQ, merged=False)


@pytest.mark.parametrize("technique", TRAINED)
@pytest.mark.parametrize("protocol", ["standard", "notebook"])
@pytest.mark.parametrize("merged", [False, True])
def test_the_code_is_python(tokens: SqlTokens, technique: str, protocol: str, merged: bool) -> None:
    code = loading_code(
        _configuration(technique, protocol=protocol), tokens, SEQ2SEQ, merged=merged
    )
    compile(code, "README.md", "exec")
    assert ("num_beams=4" in code) == (protocol == "notebook")
    assert ("four_bit" in code) == (TECHNIQUES[technique].quantized and not merged)
