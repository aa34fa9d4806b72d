"""How far off the memory by formula is: against the peak of a trial's process, without Ray.

    python -m benchmarks.trial_memory            # minutes on two CPU cores

Each trial is a process of its own, on a CPU: steps over some rows, then an evaluation. Its peak is
the kernel's (`VmHWM`, Linux), reset when the model is loaded. `trainables.trial_memory` says
beforehand what it takes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import T5Config

from benchmarks.setting import machine, random_t5
from trainables.base_models.tokenizer import load_tokenizer
from trainables.contract.configuration import Scalar, TrialConfiguration
from trainables.techniques.registry import complete

_ROWS = 1024
_MEBIBYTE = 2**20


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--examples", type=int, default=128, help="that each trial is trained on")
    parser.add_argument("--technique", help="only this one")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(_measure(options.examples)))
        return
    print(machine(torch.device("cpu")))
    print()
    print("| base | trial | process | beside it alive | foretold | measured | ratio | of all |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    with TemporaryDirectory() as folder:
        for base, trial in _trials(Path(folder)):
            if options.technique not in (None, trial.technique):
                continue
            _compare(base, trial, options.examples)


def _trials(folder: Path) -> Iterator[tuple[str, TrialConfiguration]]:
    random_t5(
        T5Config(
            vocab_size=4000,
            d_model=512,
            d_kv=64,
            d_ff=1024,
            num_layers=6,
            num_heads=8,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
            decoder_start_token_id=0,
        )
    ).save_pretrained(folder)
    load_tokenizer("embedded").save_pretrained(folder)
    given: tuple[tuple[str, dict[str, Scalar]], ...] = (
        ("full", {}),
        ("full", {"batch_size": 64, "micro_batch_size": 16}),
        ("lora", {"rank": 16}),
        ("lora", {"rank": 64, "target_modules": "all-linear", "batch_size": 32}),
        ("prefix", {"batch_size": 32}),
        ("qlora", {"rank": 16}),
    )
    for name, base in (("embedded", "embedded"), ("T5, d_model 512, 6 + 6", str(folder))):
        for technique, parameters in given:
            yield (
                name,
                TrialConfiguration(
                    technique=technique,
                    parameters=complete(technique, parameters),
                    data_size=_ROWS,
                    budget_examples=_ROWS,
                    seed=0,
                    data_seed=0,
                    base_model=base,
                ),
            )


def _compare(base: str, trial: TrialConfiguration, examples: int) -> None:
    values = trial.to_dict()
    answer = _ask([values], "trainables.trial_memory", "cpu", "1", "1", "1")
    found = answer["trials"][0]
    if found["unknown"] is not None:
        raise SystemExit(f"not counted: {found['unknown']}")
    seen = _ask(values, "benchmarks.trial_memory", "--measure", "--examples", str(examples))
    beside, measured = found["total"] - found["process"], seen["peak"] - seen["process"]
    default = complete(trial.technique, {})
    words = [f"{k}={v}" for k, v in trial.parameters.items() if v != default[k] and k != "alpha"]
    print(
        f"| {base} | {' '.join([trial.technique, *words])} | {found['process'] / _MEBIBYTE:.0f} MiB"
        f" | {(found['least'] - found['process']) / _MEBIBYTE:.0f} MiB"
        f" | {beside / _MEBIBYTE:.0f} MiB | {measured / _MEBIBYTE:.0f} MiB"
        f" | {beside / measured:.2f} | {found['total'] / seen['peak']:.2f} |",
        flush=True,
    )


def _ask(given: object, module: str, *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", module, *options],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _measure(examples: int) -> dict[str, int]:
    """Returns the peak of this process, and what it held before it had a model."""
    from trainables.finetune import Finetuning
    from trainables.trial_memory import process_bytes

    trial = TrialConfiguration.from_dict(json.load(sys.stdin))
    process = process_bytes(trial)
    with closing(Finetuning(trial)) as running:
        Path("/proc/self/clear_refs").write_text("5")
        running.advance(min(examples, trial.budget_examples))
        running.evaluate("validation")
        lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line.split() for line in lines if line.startswith("VmHWM"))
    return {"process": process, "peak": int(peak[1]) * 1024}


if __name__ == "__main__":
    main()
