"""Tells whether a base model can be loaded and trained for a sweep, before anything starts.

    python -m trainables.base_check < configuration.json

prints one JSON object, empty or with `error`. Tokenizer and model are loaded as a trial loads them,
but the values of the weights are only looked at. A command of its own, because it takes torch and
transformers, and whoever schedules trials must not load these libraries.
"""

from __future__ import annotations

import json
import logging
import sys
from importlib.metadata import version

from trainables.base_models.config_faults import unknown_value
from trainables.base_models.description import describe
from trainables.base_models.loading import check_values, load_skeleton
from trainables.base_models.locations import GIVE_A_CHECKPOINT
from trainables.base_models.tokenizer import (
    BaseModelUnavailable,
    first_line,
    framing_of,
    load_family,
    load_tokenizer,
)
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.errors import UserError
from trainables.data.spelling import SqlTokens
from trainables.families.framing import check_vocabulary
from trainables.training.adapted_model import check_lengths


def check_base(configuration: TrialConfiguration) -> None:
    """Checks that a base model's files belong together, and that it can be trained.

    Args:
        configuration: Any trial of the sweep.

    Raises:
        UserError: They do not, or leave a prompt no token; says why in a line.
    """
    name, revision = configuration.base_model, configuration.base_model_revision
    try:
        tokenizer = load_tokenizer(name, revision)
        framing = framing_of(load_family(name, revision), tokenizer)
        SqlTokens(tokenizer, framing)  # refuses one that keeps too few characters
        skeleton = load_skeleton(name, revision)
        config = skeleton.config.to_dict()
        check_vocabulary(tokenizer, framing, config, name)
        check_lengths(configuration, config, framing)
        check_values(skeleton, name, revision)
    except UserError:
        raise
    except ValueError as error:
        raise BaseModelUnavailable(str(error)) from error
    except Exception as error:  # whatever a library makes of files that it did not write
        config = describe(name, revision) or {}
        if isinstance(error, KeyError) and (fault := unknown_value(error, config)) is not None:
            raise BaseModelUnavailable(f'The base model "{name}" {fault}.') from error
        raise BaseModelUnavailable(
            f'The base model "{name}" cannot be loaded: its files mean nothing to transformers'
            f" {version('transformers')} ({first_line(error)}); {GIVE_A_CHECKPOINT}."
        ) from error


def main() -> None:
    """Answers one configuration on standard input."""
    logging.disable(logging.WARNING)  # what is missing is said in the answer
    configuration = TrialConfiguration.from_dict(json.load(sys.stdin))
    try:
        check_base(configuration)
        answer = {}
    except UserError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
