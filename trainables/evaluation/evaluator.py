"""Measures a model on rows: loss on the right SQL, then scores of the SQL that it writes itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from trainables.contract.reports import Evaluation, Metrics
from trainables.contract.scores import COLUMNS_OF_SCORES, METRICS, SCORES, UNJUDGED, of_kind
from trainables.data.encoded_rows import EncodedRows
from trainables.data.schema_groups import group_of
from trainables.data.spelling import SqlTokens
from trainables.data.tables import Example
from trainables.evaluation import text_scores
from trainables.evaluation.scored_rows import ScoredRows
from trainables.families.family import Decoding
from trainables.families.fit import SLACK
from trainables.inference.asking import Share, ask
from trainables.inference.generation import batches, decoding, generate, written
from trainables.runtime.smaller_batches import in_halves
from trainables.sql.execution import SqlExecutor
from trainables.training.adapted_model import AdaptedModel

_TEXTS_KEPT_A_ROW = 16
"""With their scores: what a model wrote at earlier rungs, and others of its pack."""


class Evaluator:
    """Scores models on the same rows, always in the same batches.

    The loss is taken with the prompt of training, whatever the protocol: it then compares with the
    training loss and between protocols. Targets are not cut for it, but to the positions that the
    model has.

    Args:
        examples: The rows.
        tokens: Encodes prompts and SQL.
        source_limit: Prompts are cut to so many tokens.
        target_limit: What training cuts targets to; limits how much is generated.
        protocol: "standard" or "notebook".
        executor: Runs the SQL; the caller closes it.
        answer_room: The most tokens that a target may have; None where any number will do.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        tokens: SqlTokens,
        *,
        source_limit: int,
        target_limit: int,
        protocol: str,
        executor: SqlExecutor,
        answer_room: int | None = None,
    ) -> None:
        self._examples = examples
        self._executor = executor
        self._tokens = tokens
        self._protocol = protocol
        self._target_limit = target_limit
        self._never_measured: frozenset[str] | None = None
        self._known = ScoredRows(_TEXTS_KEPT_A_ROW * len(examples))
        self._taught = EncodedRows(
            examples, tokens, source_limit=source_limit, target_limit=answer_room
        )
        self._asked = (
            self._taught
            if protocol == "standard"
            else EncodedRows(
                examples,
                tokens,
                source_limit=source_limit,
                target_limit=answer_room,
                protocol=protocol,
            )
        )

    def evaluate(
        self, adapted: AdaptedModel, heartbeat: Callable[[], None] | None = None
    ) -> Evaluation:
        """Returns loss, predictions and scores; the model is left in evaluation mode.

        Args:
            adapted: The model.
            heartbeat: Called after each batch, and while texts are scored about twice a second or
                more often. What it raises ends the evaluation.
        """
        (found,) = self.evaluate_all([adapted], heartbeat)
        return found

    def evaluate_all(
        self, models: Sequence[AdaptedModel], heartbeat: Callable[[], None] | None = None
    ) -> list[Evaluation]:
        """Returns what `evaluate` returns of each model.

        Args:
            models: One; or several that have passes of our own, on the same base.
            heartbeat: As of `evaluate`.
        """
        started = time.perf_counter()
        beat = heartbeat or _nothing
        passed = self._pass(models, beat, self._decoding())
        shared = (time.perf_counter() - started) / len(models)
        return [self._evaluation(loss, texts, beat, shared) for loss, texts in passed]

    def _evaluation(
        self,
        loss: float | None,
        predictions: Sequence[str],
        heartbeat: Callable[[], None],
        seconds: float,
    ) -> Evaluation:
        """Scores what a model has written.

        Args:
            loss: Of the model.
            predictions: What it has written.
            heartbeat: As of `evaluate`.
            seconds: What that took.
        """
        started = time.perf_counter()
        rows = self._scored(predictions, heartbeat)
        heartbeat()
        # Without the texts, of which it would also take a BLEU over all rows, shown nowhere.
        groups = [row["schema_group"] for row in rows]
        summary = text_scores.summarise([_scores(row) for row in rows], groups)
        found = self._of_rows(loss)
        for score in SCORES:
            found[score] = summary.mean.get(score)
            found[f"{score}_se"] = summary.se.get(score)
            found[f"{score}_rows"] = summary.n.get(score, 0)
            found[f"{score}_unjudged"] = sum(_is_unjudged(score, row) for row in rows)
        found["meteor_synonyms"] = summary.mean.get("meteor_synonyms")
        for row in rows:
            del row["meteor_synonyms"]
        seconds += time.perf_counter() - started
        return Evaluation(found | {"eval_seconds": seconds}, rows)

    def measure_loss(
        self, adapted: AdaptedModel, heartbeat: Callable[[], None] | None = None
    ) -> Evaluation:
        """Returns the loss that `evaluate` returns, without predictions, every score None.

        No SQL is written, which takes most of an evaluation's time; arguments as there. Of a score
        that no row can give, whatever is predicted, the report says so now: 0 rows.
        """
        (found,) = self.measure_losses([adapted], heartbeat)
        return found

    def measure_losses(
        self, models: Sequence[AdaptedModel], heartbeat: Callable[[], None] | None = None
    ) -> list[Evaluation]:
        """Returns what `measure_loss` returns of each model; arguments as of `evaluate_all`."""
        started = time.perf_counter()
        beat = heartbeat or _nothing
        passed = self._pass(models, beat)
        if self._never_measured is None:
            self._never_measured = self._cannot_be_measured(beat)
        seconds = (time.perf_counter() - started) / len(models)
        evaluations = []
        for loss, _ in passed:
            found = self._of_rows(loss)
            found |= dict.fromkeys((*COLUMNS_OF_SCORES, "meteor_synonyms"))
            for score in self._never_measured:
                found |= {f"{score}_rows": 0, f"{score}_unjudged": 0}
            evaluations.append(Evaluation(found | {"eval_seconds": seconds}, []))
        return evaluations

    def rehearse(self, models: Sequence[AdaptedModel]) -> None:
        """Takes the time that `evaluate_all` takes with trained models, whatever these write.

        A model that has hardly been trained does not end its statements, and what it writes takes
        longer to score. So statements are written up to the length of the longest reference, and
        the references scored in their place.

        Args:
            models: As of `evaluate_all`.
        """
        self._pass(models, _nothing, self._decoding(slack=0))
        rows = range(len(self._examples))
        references = [example.sql for example in self._examples]
        for _ in models:
            self._newly_scored(rows, references, _nothing)

    def _decoding(self, slack: int = SLACK) -> Decoding:
        lengths = self._taught.lengths(range(len(self._examples)))
        return decoding(
            self._protocol, [target for _, target in lengths], self._target_limit, slack
        )

    def _cannot_be_measured(self, heartbeat: Callable[[], None]) -> frozenset[str]:
        """Returns the scores of what SQL does that no row can give; mostly the first row has all.

        Whether a row can be measured is decided by its context and reference alone.
        """
        left = set(of_kind("execution"))
        for example in self._examples:
            contexts, reference = [example.sql_context], [example.sql]
            (judged,) = self._executor.judge(
                contexts, reference, reference, heartbeat, [_file(example)]
            )
            if judged.reason is not None and judged.reason.kind == UNJUDGED:
                return frozenset()
            left = {score for score in left if getattr(judged, score) is None}
            if not left:
                break
        return frozenset(left)

    def _of_rows(self, loss: float | None) -> Metrics:
        """Returns what an evaluation says of its rows, whatever is predicted, and their loss."""
        rows = range(len(self._examples))
        return {
            "eval_loss": loss,
            "eval_rows": len(rows),
            "eval_schemas": len(set(map(group_of, self._examples))),
            "eval_rows_cut": sum(self._asked.are_cut(rows, self._target_limit)),
        }

    def _pass(
        self,
        models: Sequence[AdaptedModel],
        heartbeat: Callable[[], None],
        how: Decoding | None = None,
    ) -> list[tuple[float | None, list[str]]]:
        """Returns of each model the loss over all target tokens, and its SQL for each row if it is
        to be written.

        `how` says how it is written. Where models are asked as they were taught, each prompt is
        encoded once for both.
        """
        everything = range(len(self._examples))
        lengths = self._taught.lengths(everything)
        together = how is not None and self._asked is self._taught
        totals = [0.0 for _ in models]
        texts = [[""] * len(everything) for _ in models]
        for adapted in models:
            adapted.model.eval()
        rows_of_models = [(model, row) for model in range(len(models)) for row in everything]
        for cut in batches(models[0].device, [lengths[row][0] for _, row in rows_of_models]):
            whole = sorted(rows_of_models[index] for index in cut)
            put = partial(self._put, models, how if together else None, heartbeat)
            for batch, (losses, answers) in in_halves(whole, put, models[0].device):
                for model, loss in losses.items():
                    totals[model] += loss
                for (model, row), text in zip(batch, answers, strict=together):
                    texts[model][row] = text
        if how is not None and not together:
            self._asked.lengths(everything)
            questions = self._asked.sources(everything)
            texts = [
                generate(adapted, self._tokens, questions, how, heartbeat=heartbeat)
                for adapted in models
            ]
        tokens = sum(target for _, target in lengths)
        return [
            (total / tokens if tokens else None, of_model)
            for total, of_model in zip(totals, texts, strict=True)
        ]

    def _put(
        self,
        models: Sequence[AdaptedModel],
        how: Decoding | None,
        heartbeat: Callable[[], None],
        batch: Sequence[tuple[int, int]],
    ) -> tuple[dict[int, float], list[str]]:
        """Puts rows to their models.

        Args:
            models: All of them.
            how: How SQL is written; None for none.
            heartbeat: Called after each pass.
            batch: Numbers of models, in order, each with that of a row.

        Returns:
            The summed losses by the number of the model, and the SQL of each row.
        """
        own = {model: [row for other, row in batch if other == model] for model, _ in batch}
        shares = [Share(models[m], self._taught.sources(rows)) for m, rows in own.items()]
        asked = ask(self._tokens.framing, shares)
        losses = asked.losses(self._taught.targets([row for _, row in batch]))
        heartbeat()
        answers = []
        if how is not None:
            answers = written(self._tokens, asked, how)
            heartbeat()
        return dict(zip(own, losses, strict=True)), answers

    def _scored(
        self, predictions: Sequence[str], heartbeat: Callable[[], None]
    ) -> list[dict[str, Any]]:
        """Returns each row with its prediction and scores, as lately found for the same text.

        A row that could not be judged is judged again: what stood in the way may be gone.
        """
        rows = [self._known.find(row, text) for row, text in enumerate(predictions)]
        new = [row for row, scored in enumerate(rows) if scored is None]
        texts = [predictions[row] for row in new]
        for row, text, scored in zip(
            new, texts, self._newly_scored(new, texts, heartbeat), strict=True
        ):
            rows[row] = scored
            if not any(_is_unjudged(score, scored) for score in SCORES):
                self._known.keep(row, text, scored)
        return [dict(scored) for scored in rows if scored is not None]

    def _newly_scored(
        self, rows: Sequence[int], predictions: Sequence[str], heartbeat: Callable[[], None]
    ) -> list[dict[str, Any]]:
        examples = [self._examples[row] for row in rows]
        references = [example.sql for example in examples]
        contexts = [example.sql_context for example in examples]
        texts = text_scores.score(predictions, references, contexts=contexts, heartbeat=heartbeat)
        executions = self._executor.judge(
            contexts, references, predictions, heartbeat, [_file(example) for example in examples]
        )
        cuts = self._asked.cuts(rows, self._target_limit)
        scored_rows: list[dict[str, Any]] = []
        for example, prediction, text, execution, (source_cut, target_cut) in zip(
            examples, predictions, texts, executions, cuts, strict=True
        ):
            scores: dict[str, Any] = {
                **text,
                "execution_accuracy": execution.execution_accuracy,
                "valid_sql": execution.valid_sql,
            }
            scored_rows.append(
                {
                    "example_id": example.example_id,
                    "sql_prompt": example.sql_prompt,
                    "sql_context": example.sql_context,
                    "reference": example.sql,
                    "prediction": prediction,
                    **{score: scores.get(score) for score in SCORES},
                    "execution_reason": None if execution.reason is None else execution.reason.kind,
                    "schema_group": group_of(example),
                    "source_cut": source_cut,
                    "target_cut": target_cut,
                    "meteor_synonyms": scores.get("meteor_synonyms"),
                }
            )
        return scored_rows


def _is_unjudged(score: str, row: Mapping[str, Any]) -> bool:
    """Returns whether a row lacks a score that another prediction could have had.

    A text can be measured whatever it says; what it does, where the row can be.
    """
    if row[score] is not None:
        return False
    return METRICS[score].kind == "text" or row["execution_reason"] == UNJUDGED


def _scores(row: Mapping[str, Any]) -> dict[str, Any]:
    return {score: row[score] for score in (*SCORES, "meteor_synonyms")}


def _file(example: Example) -> str | None:
    """Returns the database file that an example is about."""
    return None if example.database is None else example.database.file


def _nothing() -> None:
    pass
