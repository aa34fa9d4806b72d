"""Trials by the Hugging Face Trainer: the study's loop, and one tuned as its guide suggests.

Both load the model anew for each trial and adapt it with PEFT, seeded like ours, so that all three
ways start from the same weights. Both keep the linear decay without warm-up, the clipping and the
AdamW that are the Trainer's defaults; the trials ask the same of ours. Two corrections make the
losses comparable: see `_trainer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import (
    AutoModelForSeq2SeqLM,
    DataCollatorForSeq2Seq,
    PrinterCallback,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
)

from benchmarks.phases import Phases
from benchmarks.same_work.trial import Ended
from trainables.base_models.loading import compute_dtype
from trainables.base_models.locations import locate
from trainables.base_models.tokenizer import load_tokenizer
from trainables.contract.configuration import TrialConfiguration
from trainables.data.prompt import prompt
from trainables.data.spelling import SqlTokens, collapse_white_space
from trainables.data.splits import Splits, load_splits
from trainables.data.tables import Example
from trainables.evaluation import text_scores
from trainables.families.batch import IGNORED_LABEL
from trainables.techniques.registry import TECHNIQUES

STUDY_BATCH = 2
STUDY_TOKENS = 256
GENERATION_BATCH = 64

Features = dict[str, list[int]]


def study(configuration: TrialConfiguration, rungs: Sequence[int], device: torch.device) -> Ended:
    """Runs a trial as the study's notebooks do.

    Every row is padded to the limits; batches of `STUDY_BATCH` rows, accumulated to the trial's
    batch size; one look at the validation rows at the end, where SQL is generated one row at a time
    with 4 beams.

    Args:
        configuration: The trial.
        rungs: Of no use: the study looks at a model only when it is trained.
        device: Where it runs.
    """
    phases = Phases()
    with phases("load"):
        splits, tokenizer, model = _loaded(configuration, device, torch.float32)
    with phases("tokenise"):
        limits = {"padding": "max_length"}
        training = _features(splits.training_rows(configuration.data_size), configuration, limits)
        held_out = _features(splits.validation, configuration, limits)
    batch = int(str(configuration.parameters["batch_size"]))
    with _trainer(
        configuration,
        device,
        model,
        training,
        held_out,
        per_device_train_batch_size=STUDY_BATCH,
        gradient_accumulation_steps=batch // STUDY_BATCH,
        per_device_eval_batch_size=STUDY_BATCH,
    ) as trainer:
        with phases("train"):
            trainer.train()
        with phases("evaluate"):
            trainer.evaluate()
    texts = []
    with phases("generate"), torch.inference_mode():
        for example in splits.validation:
            asked = tokenizer(prompt(example), return_tensors="pt").to(device)
            output = model.eval().generate(
                **asked,
                num_beams=4,
                max_length=STUDY_TOKENS,
                early_stopping=True,
                no_repeat_ngram_size=2,
            )
            texts.append(tokenizer.decode(output[0], skip_special_tokens=True))
    return _ended(phases, model, tokenizer, splits, configuration, texts)


def tuned(configuration: TrialConfiguration, rungs: Sequence[int], device: torch.device) -> Ended:
    """Runs a trial as a person who knows the Trainer does.

    Rows are tokenised once for all trials, grouped by length and padded to the longest of a batch;
    the loss is taken at every rung in large batches; SQL is generated at the end, greedily, in
    batches of rows of like length. On CUDA in bfloat16.

    Args:
        configuration: The trial.
        rungs: Examples at which the loss is taken, evenly apart.
        device: Where it runs.
    """
    phases = Phases()
    dtype = compute_dtype(device)
    with phases("load"):
        trains_base = TECHNIQUES[configuration.technique].trains_base
        weights = torch.float32 if trains_base else dtype
        splits, tokenizer, model = _loaded(configuration, device, weights)
    with phases("tokenise"):
        training, held_out = _tokenised_once(_rows_of(configuration))
    batch = int(str(configuration.parameters["batch_size"]))
    with _trainer(
        configuration,
        device,
        model,
        training,
        held_out,
        DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=IGNORED_LABEL),
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=GENERATION_BATCH,
        train_sampling_strategy="group_by_length",
        eval_strategy="steps",
        eval_steps=rungs[0] // batch,
        bf16=dtype is torch.bfloat16,
    ) as trainer:
        trainer.evaluate = phases.wrap(trainer.evaluate, "evaluate")
        with phases("train"):
            trainer.train()
    with (
        phases("generate"),
        torch.inference_mode(),
        torch.autocast(device.type, torch.bfloat16, enabled=dtype is torch.bfloat16),
    ):
        texts = _generated(model.eval(), tokenizer, splits.validation, configuration, device)
    return _ended(phases, model, tokenizer, splits, configuration, texts)


def validation_loss(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Example],
    configuration: TrialConfiguration,
) -> float:
    """Returns the mean cross-entropy per target token in nats, as `trainables` defines it.

    The Trainer's own figure is a mean of batch means, which weighs short statements more.
    """
    tokens = SqlTokens(tokenizer)
    prompts = [collapse_white_space(prompt(row)) for row in rows]
    sources = tokens.prompt_ids(prompts, configuration.source_tokens)
    targets = tokens.statement_ids([row.sql for row in rows])
    total, count = 0.0, 0
    for source, target in zip(sources, targets, strict=True):
        with torch.inference_mode():
            output = model.eval()(
                input_ids=torch.tensor([list(source)], device=model.device),
                labels=torch.tensor([list(target)], dtype=torch.int64, device=model.device),
            )
        total += float(output.loss) * len(target)
        count += len(target)
    return total / count


def _loaded(
    configuration: TrialConfiguration, device: torch.device, dtype: torch.dtype
) -> tuple[Splits, Any, Any]:
    splits = _splits(_rows_of(configuration))
    name = configuration.base_model
    tokenizer: Any = load_tokenizer(name)
    base = AutoModelForSeq2SeqLM.from_pretrained(locate(name).source, dtype=dtype)
    torch.manual_seed(configuration.seed)
    technique = TECHNIQUES[configuration.technique]
    return splits, tokenizer, technique.adapt(base, configuration.parameters).to(device)


RowsOf = tuple[str, int, int, int | None, int, int, int, str, str]


def _rows_of(configuration: TrialConfiguration) -> RowsOf:
    """Returns what decides which token ids a trial sees."""
    return (
        configuration.dataset,
        configuration.data_seed,
        configuration.validation_rows,
        configuration.test_rows,
        configuration.data_size,
        configuration.source_tokens,
        configuration.target_tokens,
        configuration.base_model,
        configuration.split_by,
    )


def _splits(rows: RowsOf) -> Splits:
    dataset, data_seed, validation_rows, test_rows, *_, split_by = rows
    return load_splits(dataset, None, data_seed, validation_rows, test_rows, split_by)


@lru_cache(maxsize=4)
def _tokenised_once(rows: RowsOf) -> tuple[list[Features], list[Features]]:
    splits, (size, source, target, base, _) = _splits(rows), rows[4:]
    tokenizer = load_tokenizer(base)
    return (
        _encoded(splits.training_rows(size), tokenizer, source, target),
        _encoded(splits.validation, tokenizer, source, target),
    )


def _features(
    rows: Sequence[Example], configuration: TrialConfiguration, options: dict[str, Any]
) -> list[Features]:
    return _encoded(
        rows,
        load_tokenizer(configuration.base_model),
        configuration.source_tokens,
        configuration.target_tokens,
        **options,
    )


def _encoded(
    rows: Sequence[Example], tokenizer: Any, source: int, target: int, **options: Any
) -> list[Features]:
    asked = tokenizer([prompt(row) for row in rows], truncation=True, max_length=source, **options)
    taught = tokenizer(
        text_target=[row.sql for row in rows], truncation=True, max_length=target, **options
    )
    return [
        {
            "input_ids": ids,
            "attention_mask": mask,
            "labels": [
                token if kept else IGNORED_LABEL for token, kept in zip(*label, strict=True)
            ],
        }
        for ids, mask, *label in zip(
            asked["input_ids"],
            asked["attention_mask"],
            taught["input_ids"],
            taught["attention_mask"],
            strict=True,
        )
    ]


@contextmanager
def _trainer(
    configuration: TrialConfiguration,
    device: torch.device,
    model: Any,
    training: list[Features],
    held_out: list[Features],
    collator: Any = None,
    **arguments: Any,
) -> Iterator[Any]:
    parameters = configuration.parameters
    with TemporaryDirectory() as folder:
        trainer = Seq2SeqTrainer(
            model=model,
            args=Seq2SeqTrainingArguments(
                output_dir=folder,
                num_train_epochs=configuration.budget_examples / configuration.data_size,
                learning_rate=parameters["learning_rate"],
                weight_decay=parameters["weight_decay"],
                max_grad_norm=parameters["gradient_clipping"],
                seed=configuration.seed,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
                use_cpu=device.type == "cpu",
                dataloader_pin_memory=device.type == "cuda",
                **arguments,
            ),
            train_dataset=training,
            eval_dataset=held_out,
            data_collator=collator,
        )
        trainer.remove_callback(PrinterCallback)
        # T5 takes any keyword but does not divide its loss by the number of target tokens, which
        # the Trainer therefore leaves to it: accumulated gradients would be sums, not means.
        trainer.model_accepts_loss_kwargs = False
        steps = configuration.budget_examples // int(str(parameters["batch_size"]))
        trainer.create_optimizer()
        # The Trainer takes each step at the rate of its beginning; over 30 steps the half step that
        # the linear decay is then ahead of ours would show in the loss.
        trainer.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
            trainer.optimizer, lambda step: max(0.0, 1 - (step + 0.5) / steps)
        )
        yield trainer


def _generated(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Example],
    configuration: TrialConfiguration,
    device: torch.device,
) -> list[str]:
    prompts = [prompt(row) for row in rows]
    order = sorted(range(len(rows)), key=lambda row: -len(prompts[row]))
    texts = [""] * len(rows)
    for start in range(0, len(order), GENERATION_BATCH):
        chosen = order[start : start + GENERATION_BATCH]
        asked = tokenizer(
            [prompts[row] for row in chosen],
            truncation=True,
            max_length=configuration.source_tokens,
            padding=True,
            return_tensors="pt",
        ).to(device)
        output = model.generate(**asked, max_new_tokens=configuration.target_tokens)
        for row, text in zip(
            chosen, tokenizer.batch_decode(output, skip_special_tokens=True), strict=True
        ):
            texts[row] = text
    return texts


def _ended(
    phases: Phases,
    model: Any,
    tokenizer: Any,
    splits: Splits,
    configuration: TrialConfiguration,
    texts: list[str],
) -> Ended:
    with phases("score"):
        scored = text_scores.score(texts, [row.sql for row in splits.validation])
        means = text_scores.summarise(scored).mean
    with phases("write"), TemporaryDirectory() as folder:
        model.save_pretrained(Path(folder))
    phases.stop()
    return Ended(
        phases.seconds,
        phases.cpu_seconds,
        validation_loss(model, tokenizer, splits.validation, configuration),
        float(means["rouge_l"] or 0.0),
        float(means["exact_match"] or 0.0),
    )
