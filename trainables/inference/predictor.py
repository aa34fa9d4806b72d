"""Answers questions with a model that a trial trained.

    predictor = Predictor(configuration, Path("experiments/checkpoints/..."))
    predictor.predict(["How many users are there?"], ["CREATE TABLE users (id INT);"])

The model is set up as in the trial and asked as in its evaluation, so that a row of the data set
gets the SQL that the trial's predictions have; only the limit on new tokens is wider, since there
is no reference to set it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers.utils import logging

from trainables.contract.configuration import TrialConfiguration
from trainables.data.prompt import prompt
from trainables.data.spelling import SqlTokens, collapse_white_space
from trainables.data.tables import Example
from trainables.families.family import Decoding
from trainables.families.framing import TokenIds
from trainables.inference.generation import decoding, generate
from trainables.runtime.device import choose_device
from trainables.runtime.seeding import isolated
from trainables.training import checkpoint
from trainables.training.adapted_model import prepare


class Predictor:
    """A trial's model, ready to be asked.

    Args:
        configuration: The trial.
        checkpoint_folder: What the trial saved; None for a technique that does not train.
        device: A device, or "auto" for the best there is.

    Raises:
        BaseModelUnavailable: The base model cannot be loaded.
        CheckpointError: The checkpoint is damaged or another model's.
        ValueError: There is no checkpoint, but the technique trains.
    """

    def __init__(
        self,
        configuration: TrialConfiguration,
        checkpoint_folder: Path | None,
        device: torch.device | str = "auto",
    ) -> None:
        self._configuration = configuration
        chosen = choose_device(device)
        with isolated(chosen):
            self._adapted = prepare(configuration, chosen)
        if checkpoint_folder is not None:
            checkpoint.load_weights(self._adapted, checkpoint_folder)
        elif self._adapted.trainable_parameters:
            raise ValueError(
                f"A trial of the technique {configuration.technique!r} needs its checkpoint."
            )
        self._adapted.model.eval()
        self._tokens = SqlTokens(self._adapted.tokenizer, self._adapted.framing)

    def predict(
        self, questions: Sequence[str], contexts: Sequence[str], protocol: str | None = None
    ) -> list[str]:
        """Returns the SQL for each question about the schema beside it.

        Args:
            questions: In plain words.
            contexts: CREATE statements, one text a question.
            protocol: "standard" or "notebook"; None for the trial's own.
        """
        limit = self._configuration.source_tokens
        sources = self._tokens.prompt_ids(self._prompts(questions, contexts, protocol), limit)
        return self._generate(sources, protocol)

    def prompt_tokens(
        self, questions: Sequence[str], contexts: Sequence[str], protocol: str | None = None
    ) -> list[int]:
        """Returns how many tokens each prompt has before it is cut to the trial's limit."""
        prompts = self._prompts(questions, contexts, protocol)
        return [len(ids) for ids in self._tokens.prompt_ids(prompts)]

    def _generate(self, sources: Sequence[TokenIds], protocol: str | None) -> list[str]:
        how = open_decoding(self._configuration, protocol)
        with isolated(self._adapted.device):
            return generate(self._adapted, self._tokens, sources, how)

    def _prompts(
        self, questions: Sequence[str], contexts: Sequence[str], protocol: str | None
    ) -> list[str]:
        used = protocol or self._configuration.protocol
        return [
            collapse_white_space(prompt(Example("", question, context, ""), used))
            for question, context in zip(questions, contexts, strict=True)
        ]


def open_decoding(configuration: TrialConfiguration, protocol: str | None = None) -> Decoding:
    """Returns how a question without a reference is answered: up to the longest trained target.

    Args:
        configuration: The trial.
        protocol: "standard" or "notebook"; None for the trial's own.
    """
    longest = configuration.target_tokens
    return decoding(protocol or configuration.protocol, [longest], longest)


def be_quiet() -> None:
    """Keeps progress bars and remarks to developers off a command's standard error."""
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    warnings.simplefilter("ignore", FutureWarning)  # between PEFT and transformers
