"""What the embedded base models' pretraining has in common: the loop and the command line."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from trainables.embedded import corpus
from trainables.embedded.tokenizer import PADDING
from trainables.families.family import ModelFamily

POOL = 32
"""Batches that are drawn at once and sorted by length, so that little is padded."""
IGNORED = -100
"""Label of a position that is not learnt."""
_WARMUP = 0.02
"""Fraction of the run in which the learning rate rises."""
_COOLDOWN = 0.3
"""Fraction of the run, at its end, in which the learning rate falls."""
_FLOOR = 0.01
"""The lowest learning rate, as a fraction of the peak."""
_SECONDS_BETWEEN_LINES = 15.0

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]
"""Input tokens [b, s], padded with `PADDING`, and labels [b, t], padded with `IGNORED`."""


@dataclass(frozen=True)
class Settings:
    """What decides the weights, besides the corpus.

    Attributes:
        steps: Optimiser steps; None where `minutes` decides.
        minutes: Wall-clock minutes of training, used where `steps` is None.
        batch_size: Documents per step.
        learning_rate: Peak rate, as the objective's optimiser takes it.
        width: Of the model; a multiple of 32, the width of a head.
        layers: Layers of each stack.
        documents: Distinct documents; they come in a new order again and again.
        seed: Seeds weights, documents, their order and their spans.
        device: A torch device.
        save_minutes: Minutes between two saves.
        resume: Whether to begin with the weights in the folder, not with random ones; the
            optimiser's state is not kept, and the rate rises and falls anew.
    """

    steps: int | None = None
    minutes: float = 60.0
    batch_size: int = 32
    learning_rate: float = 1e-2
    width: int = 128
    layers: int = 2
    documents: int = 60_000
    seed: int = 0
    device: str = "cpu"
    save_minutes: float = 5.0
    resume: bool = False


@dataclass(frozen=True)
class Objective:
    """What is pretrained, and on what.

    Attributes:
        program: Its module.
        description: What `--help` says.
        family: Of the model.
        folder: Of the shipped model.
        defaults: Its settings.
        tokenizer: Builds the tokenizer.
        model: Builds the model of random weights for so many tokens.
        optimizer: Of a model's parameters.
        batches: Yields batches without end, the same ones for a seed.
    """

    program: str
    description: str
    family: ModelFamily
    folder: Path
    defaults: Settings
    tokenizer: Callable[[], PreTrainedTokenizerFast]
    model: Callable[[int, Settings], PreTrainedModel]
    optimizer: Callable[[PreTrainedModel, Settings], torch.optim.Optimizer]
    batches: Callable[[PreTrainedTokenizerFast, Settings], Batches]


def texts_of_corpus() -> list[str]:
    """Returns all texts of the corpus, each row in one: every word is to be a token."""
    return [
        f"{row['sql_prompt']} {row['sql_context']} {row['sql']}"
        for row in (*corpus.rows("train"), *corpus.rows("test"))
    ]


def run(
    objective: Objective, settings: Settings, out: Path, say: Callable[[str], None] = print
) -> float:
    """Trains from random weights, and saves model and tokenizer now and then and at the end.

    Args:
        objective: What is trained.
        settings: How.
        out: The folder; made if need be, its files are replaced. To resume, it holds the model.
        say: Called with each line of progress.

    Returns:
        The mean loss of the last 200 steps, in nats per token.
    """
    torch.manual_seed(settings.seed)
    tokenizer = objective.tokenizer()
    device = torch.device(settings.device)
    if settings.resume:
        model, _ = objective.family.load(str(out), local_files_only=True, dtype=torch.float32)
    else:
        model = objective.model(len(tokenizer), settings)
    model.to(device)
    say(f"{model.num_parameters():,} parameters, {len(tokenizer):,} tokens, on {device}")
    optimizer = objective.optimizer(model, settings)
    model.train()
    losses: list[float] = []
    began = said = saved = time.monotonic()
    for step, (source, target) in enumerate(objective.batches(tokenizer, settings)):
        now = time.monotonic()
        done = _done(settings, step, now - began)
        if done >= 1.0:
            break
        if done > 0.0 and now - said >= _SECONDS_BETWEEN_LINES:
            left = (now - began) * (1.0 - done) / done / 60.0
            say(f"step {step:>6,}  loss {_recent(losses):.3f}  {left:.1f} minutes left")
            said = now
        if now - saved >= settings.save_minutes * 60.0:
            _save(model, tokenizer, out)
            saved = now
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _rate(done)
        losses.append(_step(model, optimizer, source.to(device), target.to(device)))
    _save(model, tokenizer, out)
    say(f"{len(losses):,} steps, loss {_recent(losses):.3f}, saved to {out}")
    return _recent(losses)


def _step(
    model: PreTrainedModel,
    optimizer: torch.optim.Optimizer,
    source: torch.Tensor,
    target: torch.Tensor,
) -> float:
    """Does one step on source tokens [b, s] and target tokens [b, t]; returns its loss."""
    mask = source.ne(PADDING).long()
    loss = model(input_ids=source, attention_mask=mask, labels=target, use_cache=False).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def padded(rows: Sequence[Sequence[int]], padding: int) -> torch.Tensor:
    """Returns rows as one tensor [b, longest], padded on the right."""
    tensors = [torch.tensor(row) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=padding)


def _done(settings: Settings, step: int, seconds: float) -> float:
    """Returns the fraction of the run that lies behind."""
    if settings.steps is not None:
        return step / settings.steps
    return seconds / (60.0 * settings.minutes)


def _rate(done: float) -> float:
    """Returns the learning rate as a fraction of its peak: rise, plateau, linear fall."""
    return min(1.0, (done + 1e-4) / _WARMUP, max(_FLOOR, (1.0 - done) / _COOLDOWN))


def _recent(losses: list[float]) -> float:
    recent = losses[-200:]
    return sum(recent) / len(recent) if recent else float("nan")


def _save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    # safetensors makes its file readable by its owner only, which git would not show and a shared
    # install would.
    (out / "model.safetensors").chmod(0o644)


def _parse(objective: Objective, arguments: Sequence[str] | None) -> tuple[Settings, Path]:
    default = objective.defaults
    parser = argparse.ArgumentParser(
        prog=f"python -m {objective.program}",
        description=objective.description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--minutes",
        type=float,
        help="wall-clock length; more is better",
    )
    length.add_argument(
        "--steps",
        type=int,
        help="length in optimiser steps: the same weights every time (default"
        f" {default.steps or f'{default.minutes:g} minutes'})",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=objective.folder,
        help="folder to save to (default: the shipped model's)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="begin with the weights that are in the folder"
    )
    parser.add_argument("--device", default=default.device, help="cpu, cuda or mps (default cpu)")
    for name, meaning in (
        ("seed", "of weights, documents and spans"),
        ("batch_size", "documents per step"),
        ("learning_rate", "peak"),
        ("width", "of the model, a multiple of 32; cost grows with its square"),
        ("layers", "layers of each stack"),
        ("documents", "distinct documents"),
    ):
        value = getattr(default, name)
        parser.add_argument(
            "--" + name.replace("_", "-"),
            type=type(value),
            default=value,
            help=f"{meaning} (default %(default)s)",
        )
    given = vars(parser.parse_args(arguments))
    if given["minutes"] is None:
        given["minutes"] = default.minutes
        given["steps"] = default.steps if given["steps"] is None else given["steps"]
    out = given.pop("out")
    if given["width"] < 32 or given["width"] % 32:
        parser.error(
            f"--width is {given['width']}, but must be a multiple of 32: heads are that wide"
        )
    return Settings(**given), out


def command(objective: Objective, arguments: Sequence[str] | None = None) -> None:
    """Runs the command line of an objective."""
    settings, out = _parse(objective, arguments)
    if settings.device == "cpu":
        # The model is too small to share among threads: two were slower than one.
        torch.set_num_threads(1)
    run(objective, settings, out, lambda line: print(line, flush=True))
