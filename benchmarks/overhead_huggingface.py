"""Trials that train next to nothing, by Hugging Face's `Trainer.hyperparameter_search`.

One weight, three steps; after each step an evaluation of one row and a checkpoint, as the other
ways report and store three times. The `optuna` backend runs trials in this process, one after
another, and keeps its study in memory; the `ray` backend gives each trial to Ray Tune, which starts
a process for it.
"""

from __future__ import annotations

import time
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

REPORTS = 3


class _OneWeight(nn.Module):
    """Multiplies by one weight, in the form that the Trainer asks of a model."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        predicted = self.weight * x
        return {"loss": (predicted - labels).square().mean(), "logits": predicted}


class _Ends(TrainerCallback):
    """Notes when trials end, in the process that trains."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.times.append(time.perf_counter())


def optuna_backend(trials: int) -> list[float]:
    """Runs the trials one after another in this process; returns when each ended, in seconds."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ends = _Ends()
    with TemporaryDirectory() as folder:
        trainer = _trainer(folder)
        trainer.add_callback(ends)
        trainer.hyperparameter_search(
            backend="optuna",
            n_trials=trials,
            direction="minimize",
            hp_space=lambda trial: {"learning_rate": trial.suggest_float("learning_rate", 0, 1)},
        )
    return ends.times


def ray_backend(trials: int) -> list[float]:
    """Runs the trials one at a time under Ray Tune; returns when each ended, in seconds."""
    import ray
    from ray import tune

    times: list[float] = []

    class Ends(tune.Callback):
        def on_trial_complete(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    with TemporaryDirectory() as folder:
        _trainer(folder).hyperparameter_search(
            backend="ray",
            n_trials=trials,
            direction="minimize",
            hp_space=lambda _: {"learning_rate": tune.uniform(0, 1)},
            max_concurrent_trials=1,
            storage_path=folder,
            verbose=0,
            callbacks=[Ends()],
        )
    ray.shutdown()
    return times


def _trainer(folder: str) -> Any:
    rows = [{"x": torch.ones(()), "labels": torch.ones(())} for _ in range(REPORTS)]
    trainer = Trainer(
        model_init=_OneWeight,
        args=TrainingArguments(
            output_dir=folder,
            max_steps=REPORTS,
            per_device_train_batch_size=1,
            eval_strategy="steps",
            eval_steps=1,
            save_strategy="steps",
            save_steps=1,
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
        ),
        train_dataset=rows,
        eval_dataset=rows[:1],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer
