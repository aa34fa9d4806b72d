"""The README of an exported model: what it is, how good it is, and code that loads and asks it.

The code needs transformers and PEFT alone (and bitsandbytes for a base in four bits). It writes out
what `SqlTokens` does for the model's tokenizer, found by asking `SqlTokens` about each character.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainables.base_models.locations import locate
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.scores import METRICS, SCORES
from trainables.data.locations import is_on_hub
from trainables.data.prompt import prompt
from trainables.data.spelling import SqlTokens
from trainables.data.tables import Example
from trainables.families.family import CHOOSING, TOKENS_OF_GENERATION, ModelFamily
from trainables.inference.markdown import code, markdown, yaml_text
from trainables.inference.predictor import open_decoding
from trainables.techniques.registry import TECHNIQUES

EMBEDDED_COPY = "base"
"""Folder of the built-in base model in an export that needs it."""

ANSWER = "answer.json"
"""File beside the card with the figures of what the sweep answered."""

_FOUR_BIT = [
    "four_bit = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type='nf4',",
    "                              bnb_4bit_use_double_quant=True,",
    "                              bnb_4bit_compute_dtype=torch.float32)",
]
# As `load_base_model` does. bitsandbytes 0.50 packs the weights at the first evaluation, by
# `functional._convert_weight_packed_for_cpu`.
_WITHOUT_PACKING = [
    "for layer in base.modules():",
    "    if isinstance(layer, Linear4bit):",
    "        layer.support_avx512bf16_for_cpu = False  # see below",
]
_WITHOUT_ITS_CHOICES = [
    f"tokens = {TOKENS_OF_GENERATION!r}",
    "kept = {name: getattr(base.generation_config, name, None) for name in tokens}",
    "base.generation_config = GenerationConfig(**kept)",
]
_FOUR_BIT_REMARK = (
    "The loop over `base.modules()` matters on CPUs with AVX512-BF16: bitsandbytes would compute in"
    " bfloat16 there, with other numbers than the scores below were measured with, and would fail"
    " where a layer's outputs are no multiple of 32 or its inputs no multiple of 64.\n"
)


@dataclass(frozen=True)
class Spelling:
    """How text is written for a tokenizer, as far as a few lines of code can say it.

    Attributes:
        written: Characters of a prompt that are written otherwise.
        stand_ins: Single characters that the model emits for others.
        mark: Begins an escape: mark, code point in hexadecimal, semicolon.
    """

    written: dict[str, str]
    stand_ins: dict[str, str]
    mark: str


def spelling(tokens: SqlTokens) -> Spelling:
    """Returns how `tokens` writes the printable ASCII characters, and what it reserves."""

    def alone(character: str) -> str:
        return tokens.encode(f"a{character}b")[1:-1]

    mark = alone("\u0301")[0]  # an accent without a letter is always an escape
    visible = [character for character in string.printable if not character.isspace()]
    # A line break, and a space that would be lost, occur in SQL but not in a prompt.
    in_sql = {character: alone(character) for character in [*visible, "\n"]}
    in_sql[" "] = tokens.encode("a  b")[2:-1]
    stand_ins = {text: original for original, text in in_sql.items() if len(text) == 1}
    stand_ins = {text: original for text, original in stand_ins.items() if text != original}
    written = {c: alone(c) for c in [*visible, *stand_ins, mark] if alone(c) != c}
    return Spelling(written, stand_ins, mark)


def model_card(
    configuration: TrialConfiguration,
    trial: Mapping[str, Any],
    tokens: SqlTokens,
    family: ModelFamily,
    *,
    merged: bool,
    answer: Sequence[str] = (),
) -> str:
    """Returns the README of an exported model, in Markdown with the hub's header.

    Args:
        configuration: The trial.
        trial: Its final row in the experiment store.
        tokens: The encoding of the model's tokenizer.
        family: Of the model.
        merged: Whether whole weights are exported, not an adapter.
        answer: What the sweep answers, a sentence or more a line.
    """
    metric = trial["objective_metric"]
    kind = "whole weights" if merged else "a PEFT adapter"
    base = _base(configuration)
    if locate(configuration.base_model).is_embedded and not merged:
        base += f", of which `{EMBEDDED_COPY}/` is a copy"
    sections = [
        _header(configuration, merged),
        f"# {markdown(trial['sweep_name'])}: {configuration.technique}, {markdown(metric)} "
        f"{_score(trial, metric) or 'not measured'}\n",
        f"Writes SQL for a question about a database: {kind}, trained from {base}.\n",
        f"It is trial {code(trial['trial_id'])} of sweep {code(trial['sweep_id'])}, which asked:\n"
        f"{markdown(_sentence(trial['question']))} It {_end(trial)}.\n",
        *(["## What the sweep answered\n", _listed(answer)] if answer else []),
        "## How to ask it\n",
        f"```python\n{loading_code(configuration, tokens, family, merged=merged)}```\n",
        *([_FOUR_BIT_REMARK] if _loads_four_bit(configuration, merged) else []),
        _spelling_remark(spelling(tokens)),
        "## Scores\n",
        _scores(trial),
        "## Parameters\n",
        _parameters(configuration, trial),
    ]
    return "\n".join(sections)


def loading_code(
    configuration: TrialConfiguration, tokens: SqlTokens, family: ModelFamily, *, merged: bool
) -> str:
    """Returns a Python program that defines `ask(question, context)`, run in the export's folder.

    Args:
        configuration: The trial.
        tokens: The encoding of the model's tokenizer.
        family: Of the model.
        merged: Whether whole weights are exported, not an adapter.
    """
    how = open_decoding(configuration)
    spelt = spelling(tokens)
    asking = family.asking_code(tokens.framing, configuration.source_tokens, how)
    quantized = _loads_four_bit(configuration, merged)
    settled = not merged and _chooses_otherwise(configuration)
    imports = [family.auto_class, "AutoTokenizer"]
    imports += ["GenerationConfig"] if settled else []
    imports += ["BitsAndBytesConfig"] if quantized else []
    lines = ["import re", ""]
    used = " ".join(asking)
    lines += ["import torch"] if quantized or "torch." in used else []
    lines += ["import transformers"] if "transformers." in used else []
    lines += ["from bitsandbytes.nn import Linear4bit"] if quantized else []
    lines += [] if merged else ["from peft import PeftModel"]
    lines += [f"from transformers import {', '.join(imports)}", ""]
    lines += ["tokenizer = AutoTokenizer.from_pretrained('.')"]
    if merged:
        lines += [f"model = {family.auto_class}.from_pretrained('.').eval()"]
    else:
        lines += _FOUR_BIT if quantized else []
        lines += [f"base = {family.auto_class}.from_pretrained({_base_arguments(configuration)})"]
        lines += _WITHOUT_ITS_CHOICES if settled else []
        lines += _WITHOUT_PACKING if quantized else []
        lines += ["model = PeftModel.from_pretrained(base, '.').eval()"]
    # The template itself, with the names of the arguments where the texts go.
    template = prompt(Example("", "{question}", "{context}", ""), configuration.protocol)
    lines += ["", "", "def ask(question, context):"]
    body = [f"prompt = ' '.join(f{template!r}.split())"]
    if spelt.written:
        body += [f"prompt = prompt.translate(str.maketrans({spelt.written!r}))"]
    body += [
        *asking,
        *decoding_code(spelt),
        "return text.strip()",
    ]
    lines += [f"    {line}" for line in body]
    return "\n".join(lines) + "\n"


def decoding_code(spelt: Spelling) -> list[str]:
    """Returns one or two lines that turn `text`, as the tokenizer decodes it, into SQL."""
    lines = []
    if spelt.stand_ins:
        lines += [f"text = text.translate(str.maketrans({spelt.stand_ins!r}))"]
    # At most 10ffff, the last code point; longer escapes are none.
    pattern = re.escape(spelt.mark) + "(0?[0-9a-f]{1,5}|10[0-9a-f]{4});"
    lines += [f"text = re.sub({pattern!r}, lambda found: chr(int(found[1], 16)), text)"]
    return lines


def _chooses_otherwise(configuration: TrialConfiguration) -> bool:
    """Returns whether the base's own files would choose tokens otherwise than the trial did."""
    location = locate(configuration.base_model, configuration.base_model_revision)
    for name in ("generation_config.json", "config.json"):
        path = location.file(name)
        if path is not None and CHOOSING & json.loads(path.read_text(encoding="utf-8")).keys():
            return True
    return False


def _loads_four_bit(configuration: TrialConfiguration, merged: bool) -> bool:
    return TECHNIQUES[configuration.technique].quantized and not merged


def _spelling_remark(spelt: Spelling) -> str:
    lines = len(decoding_code(spelt))
    kept = "".join(spelt.stand_ins.values()).replace("\n", "").replace(" ", "")
    parts = ["The tokenizer does not keep every character."]
    if kept:
        parts += [f"Without stand-ins it would lose {' '.join(f'`` {c} ``' for c in kept)}."]
    parts += [
        f"What it lacks is written as a stand-in or as `{spelt.mark}`, a code point in hexadecimal"
        f" and `;`, and the {'line' if lines == 1 else 'two lines'} before `return` turn"
        f"{'s' if lines == 1 else ''} that back into SQL. The code writes a prompt's ASCII"
        " characters so; write others that the tokenizer lacks as such an escape.\n"
    ]
    return " ".join(parts)


def _header(configuration: TrialConfiguration, merged: bool) -> str:
    lines = ["---", f"library_name: {'transformers' if merged else 'peft'}"]
    if locate(configuration.base_model).is_on_hub:
        lines += [f"base_model: {yaml_text(configuration.base_model)}"]
    if is_on_hub(configuration.dataset):
        lines += ["datasets:", f"- {yaml_text(configuration.dataset)}"]
    return "\n".join([*lines, "tags:", "- text-to-sql", "---", ""])


def _base(configuration: TrialConfiguration) -> str:
    base = locate(configuration.base_model, configuration.base_model_revision)
    if base.is_embedded:
        return f"the small model {code(base.name)} that is built into the sweep's package"
    return code(base.name) + (f" (revision {code(base.revision)})" if base.revision else "")


def _base_arguments(configuration: TrialConfiguration) -> str:
    base = locate(configuration.base_model, configuration.base_model_revision)
    # A folder by its whole path: the code is run in the export's folder.
    arguments = [repr(EMBEDDED_COPY if base.is_embedded else base.source)]
    if base.revision:
        arguments += [f"revision={base.revision!r}"]
    if TECHNIQUES[configuration.technique].quantized:
        arguments += ["quantization_config=four_bit"]
    return ", ".join(arguments)


def _sentence(text: str) -> str:
    """Returns a text that another sentence can follow."""
    whole = text.rstrip()
    return whole if whole.endswith((".", "!", "?", "…")) else f"{whole}."


def _listed(lines: Sequence[str]) -> str:
    listed = [f"- {markdown(line)}" for line in lines]
    return "\n".join([*listed, "", f"`{ANSWER}` has the figures.", ""])


def _end(trial: Mapping[str, Any]) -> str:
    seen = f"{trial['examples_seen']:,} examples" if trial["examples_seen"] else "no example"
    words = {"completed": "completed its training", "stopped": "was stopped early"}
    return f"{words.get(trial['outcome'], 'ended as ' + markdown(trial['outcome']))}, after {seen}"


def _score(trial: Mapping[str, Any], name: str, prefix: str = "") -> str:
    """Returns e.g. "0.8123 ± 0.0101", the standard error behind the sign; "" if not measured."""
    value, error = trial.get(prefix + name), trial.get(f"{prefix}{name}_se")
    if value is None:
        return ""
    return f"{value:.4f}" + (f" ± {error:.4f}" if error is not None else "")


def _scores(trial: Mapping[str, Any]) -> str:
    lines = [
        "Mean over rows ± its standard error. The trial was chosen among others on the validation"
        " rows; the test rows were scored once.\n",
        f"| score | {trial['eval_rows'] or 0} validation rows | {trial['test_rows'] or 0} test rows"
        " | what it is |",
        "|---|---|---|---|",
    ]
    for name in SCORES:
        measured = [_score(trial, name) or "-", _score(trial, name, "test_") or "-"]
        if measured != ["-", "-"]:
            lines += [f"| {name} | {' | '.join(measured)} | {METRICS[name].description} |"]
    if trial.get("eval_loss") is not None:
        description = METRICS["eval_loss"].description
        lines += [f"| eval_loss | {trial['eval_loss']:.4f} | - | {description} |"]
    return "\n".join([*lines, ""])


def _parameters(configuration: TrialConfiguration, trial: Mapping[str, Any]) -> str:
    values: dict[str, Any] = {
        "technique": configuration.technique,
        **configuration.parameters,
        "data_size": configuration.data_size,
        "budget_examples": configuration.budget_examples,
        "seed": configuration.seed,
        "base_model": configuration.base_model,
        "base_model_revision": configuration.base_model_revision,
        "dataset": configuration.dataset,
        "dataset_revision": configuration.dataset_revision,
        "dataset_fingerprint": trial["dataset_fingerprint"],
        "protocol": configuration.protocol,
        "source_tokens": configuration.source_tokens,
        "target_tokens": configuration.target_tokens,
        "trainable_parameters": trial["trainable_parameters"],
        "total_parameters": trial["total_parameters"],
        "device": trial["device_name"] or trial["device_kind"],
    }
    lines = [
        f"| {markdown(name)} | {markdown(value)} |"
        for name, value in values.items()
        if value is not None
    ]
    return "\n".join(["| parameter | value |", "|---|---|", *lines, ""])
