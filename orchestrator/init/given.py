"""What was given to `init`, by the names under which it was given: its file is not written yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.init.template import Asked
from orchestrator.search_space import Problem, SpecError
from trainables.base_models.locations import SET_A_FOLDER
from trainables.contract.configuration import BUILT_IN_MODELS, EMBEDDED

_REMEDIES = {
    "with `--set dataset=FILE`": "as the argument dataset",
    f"with `{SET_A_FOLDER}`": "as the argument base_model",
    "use `--profile embedded`": f"give `{EMBEDDED}`",
}
"""What is said to who runs a sweep -> the same to who writes its file."""


def check_given(dataset: str | None, base_model: str | None) -> None:
    """Checks that no argument is empty, as a variable is that a shell does not know.

    Raises:
        UserError: One is, or a base model stands in the place of the data set.
    """
    for name, value in (("dataset", dataset), ("base_model", base_model)):
        if value is not None and not value.strip():
            raise UserError(f"The argument {name} is empty; give one, or leave it out.")
    if dataset in BUILT_IN_MODELS and dataset != EMBEDDED:
        raise UserError(
            f"{dataset} is a base model, not a data set; give it as the second argument, after a"
            f" table or `{EMBEDDED}`."
        )


def options_of(asked: Asked, databases: Path | None) -> dict[str, str]:
    """Returns key of the file -> the argument or option that its value comes from."""
    return {
        **{
            f"columns.{key}": f"--set columns.{key}={value}" for key, value in asked.columns.items()
        },
        "dataset": "argument dataset",
        "base_model": "argument base_model",
        "databases": f"--databases {databases}",
        "seed": f"--seed {asked.seed}",
    }


@contextmanager
def told_as_given(target: Path, given: Mapping[str, str]) -> Iterator[None]:
    """Names what was given to this command where a file that is not written yet would be named.

    Args:
        target: That file.
        given: Key of the file -> the argument or option that its value comes from.

    Raises:
        UserError: One was raised within, with its remedies as those of this command.
    """
    try:
        yield
    except SpecError as error:
        raise SpecError([_of_option(each, target, given) for each in error.problems]) from error
    except UserError as error:
        words = str(error)
        for remedy_of_sweep, own in _REMEDIES.items():
            words = words.replace(remedy_of_sweep, own)
        if words == str(error):
            raise
        raise UserError(words) from error


def _of_option(problem: Problem, target: Path, given: Mapping[str, str]) -> Problem:
    for key, option in given.items():
        if problem.place == str(target) and problem.message.startswith(f"{key}:"):
            return replace(problem, place=option, line=None)
    return problem
