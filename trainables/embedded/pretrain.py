"""Pretrains the embedded base model by denoising.

    python -m trainables.embedded.pretrain
        An hour on one CPU thread; replaces the shipped model.
    python -m trainables.embedded.pretrain --minutes 5 --out /tmp/base
        A first look: fine-tuning finds something to build on after five minutes.
    python -m trainables.embedded.pretrain --steps 20000 --device cuda
        About the same length, on a GPU.

The model sees questions, schemas and statements with spans cut out of them and learns to restore
these. It never sees a question together with its SQL, so all that it later knows of answering is
fine-tuning's (see `denoising`). `transformers` alone can read the folder; it is saved every few
minutes and can be tried while training goes on.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from trainables.embedded import corpus, denoising
from trainables.embedded.tokenizer import END, PADDING, SENTINELS, build

BASE = Path(__file__).parent / "base"
_WARMUP = 0.02
"""Fraction of the run in which the learning rate rises."""
_COOLDOWN = 0.3
"""Fraction of the run, at its end, in which the learning rate falls."""
_FLOOR = 0.01
"""The lowest learning rate, as a fraction of the peak."""
_POOL = 32
"""Batches that are drawn at once and sorted by length, so that little is padded."""
_IGNORED = -100
_SECONDS_BETWEEN_LINES = 15.0


@dataclass(frozen=True)
class Settings:
    """What decides the weights, besides the corpus.

    Attributes:
        steps: Optimiser steps; None where `minutes` decides.
        minutes: Wall-clock minutes of training, used where `steps` is None.
        batch_size: Documents per step.
        learning_rate: Peak rate, relative to the size of each weight matrix (Adafactor).
        width: The model's d_model; a multiple of 32.
        layers: Layers of the encoder, and of the decoder.
        documents: Distinct documents; they are corrupted anew whenever they come.
        seed: Seeds weights, documents, their order and their spans.
        device: A torch device.
        save_minutes: Minutes between two saves.
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


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Builds the tokenizer over the corpus's words and the prompt's."""
    texts = [
        f"{row['sql_prompt']} {row['sql_context']} {row['sql']}"
        for row in (*corpus.rows("train"), *corpus.rows("test"))
    ]
    return build([*texts, "Question: Context:"])


def build_model(vocabulary: int, width: int, layers: int) -> T5ForConditionalGeneration:
    """Builds the model with random weights: T5 with gated GELU, as Flan-T5 has it.

    It has no dropout: at this size and with fresh documents there is nothing to overfit, and each
    technique brings its own.

    Args:
        vocabulary: Number of tokens.
        width: d_model; a multiple of 32, the width of a head.
        layers: Layers of the encoder, and of the decoder.
    """
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=vocabulary,
            d_model=width,
            d_kv=32,
            d_ff=2 * width,
            num_heads=width // 32,
            num_layers=layers,
            num_decoder_layers=layers,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            decoder_start_token_id=PADDING,
            pad_token_id=PADDING,
            eos_token_id=END,
        )
    )


def batches(
    tokenizer: PreTrainedTokenizerFast, settings: Settings
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yields batches of corrupted documents without end, the same ones for a seed.

    Yields:
        Source tokens [b, s], padded with `PADDING`, and target tokens [b, t], padded with -100.
    """
    rng = random.Random(settings.seed)
    chosen = list(islice(denoising.documents(denoising.SEED + settings.seed), settings.documents))
    pieces = [
        tokenizer([getattr(document, piece) for document in chosen], add_special_tokens=False)
        for piece in ("before", "part", "after")
    ]
    encoded = list(zip(*(piece["input_ids"] for piece in pieces), strict=True))
    sentinels = tokenizer.convert_tokens_to_ids([f"<extra_id_{n}>" for n in range(SENTINELS)])
    size = settings.batch_size
    while True:
        pool = [
            denoising.corrupt(before, part, after, sentinels, rng)
            for before, part, after in rng.choices(encoded, k=size * _POOL)
        ]
        pool.sort(key=lambda pair: (len(pair[0]), len(pair[1])))
        starts = list(range(0, len(pool), size))
        rng.shuffle(starts)
        for start in starts:
            sources, targets = zip(*pool[start : start + size], strict=True)
            yield _padded(sources, PADDING), _padded(targets, _IGNORED)


def pretrain(settings: Settings, out: Path, say: Callable[[str], None] = print) -> float:
    """Trains from random weights and saves model and tokenizer to a folder, now and then and at the
    end.

    Args:
        settings: What to train.
        out: The folder; made if need be, its files are replaced.
        say: Called with each line of progress.

    Returns:
        The mean loss of the last 200 steps, in nats per token.
    """
    torch.manual_seed(settings.seed)
    tokenizer = build_tokenizer()
    device = torch.device(settings.device)
    model = build_model(len(tokenizer), settings.width, settings.layers).to(device)
    say(f"{model.num_parameters():,} parameters, {len(tokenizer):,} tokens, on {device}")
    # Adafactor scales each step by the matrix's size, as in T5's own pretraining: T5's embeddings
    # start sixty times larger than its query projections, so that one rate for both (AdamW) is
    # too small for the former or too large for the latter.
    optimizer = torch.optim.Adafactor(model.parameters(), lr=settings.learning_rate)
    model.train()
    losses: list[float] = []
    began = said = saved = time.monotonic()
    for step, (source, target) in enumerate(batches(tokenizer, settings)):
        now = time.monotonic()
        done = _done(settings, step, now - began)
        if done >= 1.0:
            break
        if now - said >= _SECONDS_BETWEEN_LINES:
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
    model: T5ForConditionalGeneration,
    optimizer: torch.optim.Optimizer,
    source: torch.Tensor,
    target: torch.Tensor,
) -> float:
    """Does one step on source tokens [b, s] and target tokens [b, t]; returns its loss."""
    loss = model(input_ids=source, attention_mask=source.ne(PADDING).long(), labels=target).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def _padded(rows: Sequence[list[int]], padding: int) -> torch.Tensor:
    """Closes each row with the end token and pads to the longest: [b, longest + 1]."""
    tensors = [torch.tensor([*row, END]) for row in rows]
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


def _save(model: T5ForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    # safetensors makes its file readable by its owner only, which git would not show and a shared
    # install would.
    (out / "model.safetensors").chmod(0o644)


def _parse(arguments: Sequence[str] | None) -> tuple[Settings, Path]:
    default = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m trainables.embedded.pretrain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--minutes",
        type=float,
        default=default.minutes,
        help="wall-clock length; more is better (default %(default)s)",
    )
    length.add_argument(
        "--steps", type=int, help="length in optimiser steps: the same weights every time"
    )
    parser.add_argument(
        "--out", type=Path, default=BASE, help="folder to save to (default: the shipped model's)"
    )
    parser.add_argument("--device", default=default.device, help="cpu, cuda or mps (default cpu)")
    for name, meaning in (
        ("seed", "of weights, documents and spans"),
        ("batch_size", "documents per step"),
        ("learning_rate", "peak, relative to each matrix's size"),
        ("width", "d_model, a multiple of 32; cost grows with its square"),
        ("layers", "layers of encoder and decoder each"),
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
    out = given.pop("out")
    if given["width"] < 32 or given["width"] % 32:
        parser.error(
            f"--width is {given['width']}, but must be a multiple of 32: heads are that wide"
        )
    return Settings(**given), out


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    settings, out = _parse(arguments)
    if settings.device == "cpu":
        # The model is too small to share among threads: two were slower than one.
        torch.set_num_threads(1)
    pretrain(settings, out, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
