"""What a run's numbers depend on, by content: never by the name of a file or of a sweep.

Two runs with the same `content_id` have the same numbers: bit for bit on one type of CPU with the
same versions of the packages, else to rounding (`docs/decisions/0008`). METEOR also needs WordNet
on both machines or on neither, which each row says (`meteor_synonyms`) and adoption looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from orchestrator.search.identity import digest_name
from trainables.base_models.fingerprint import joined_fingerprint
from trainables.contract.configuration import EMBEDDED, TrialConfiguration
from trainables.contract.scores import SCORING_VERSION
from trainables.contract.splits import SPLIT_VERSION
from trainables.contract.versions import PROMPT_VERSION, TRAINING_VERSION

_NAMES = (
    *("base_model", "base_model_revision", "dataset", "dataset_revision"),
    *("columns", "databases", "bad_rows"),
)
"""Of a trial's configuration what only says where and how content is found. What it comes to is in
the fingerprints."""


@dataclass(frozen=True)
class Versions:
    """Versions of what the package does to rows, base and predictions.

    Attributes:
        prompt: `trainables.contract.versions.PROMPT_VERSION`.
        split: `trainables.contract.splits.SPLIT_VERSION`; None for the built-in corpus, which keeps
            its split.
        scoring: `trainables.contract.scores.SCORING_VERSION`.
        training: `trainables.contract.versions.TRAINING_VERSION`.
    """

    prompt: int
    split: int | None
    scoring: int
    training: int


@dataclass(frozen=True)
class Base:
    """Which base model it is.

    Attributes:
        fingerprint: 16 hexadecimal digits of weights and settings together.
        weights: SHA-256 of its weights (`trainables.base_models.fingerprint`); None where only a
            trial has seen it.
        settings: That of its configuration and tokenizer.
    """

    fingerprint: str
    weights: str | None = None
    settings: str | None = None

    @classmethod
    def of(cls, weights: str, settings: str) -> Base:
        """Returns the base model with these parts."""
        return cls(joined_fingerprint(weights, settings), weights, settings)


@dataclass(frozen=True)
class Content:
    """What all runs of a sweep depend on beside their configurations.

    Attributes:
        versions: Of the package.
        rows: Fingerprint of the data set's rows as they are read; None while nobody has read them.
        base: The base model; None while it is not on this machine.
    """

    versions: Versions
    rows: str | None = None
    base: Base | None = None


def present_versions(dataset: str) -> Versions:
    """Returns the versions of this package, for runs on a data set."""
    split = None if dataset == EMBEDDED else SPLIT_VERSION
    return Versions(PROMPT_VERSION, split, SCORING_VERSION, TRAINING_VERSION)


def content_id(
    configuration: TrialConfiguration, rungs: Sequence[int], content: Content | None
) -> str | None:
    """Returns a run's identifier by all that its numbers depend on, `n-<16 base32 characters>`.

    Whether it is scored on test rows is in it, and so are its seed and that of the rows; what it is
    for, which trial of which sweep it is, and where rows and base lie are not.

    Args:
        configuration: The run, every default filled in.
        rungs: Examples after which it reports.
        content: What it runs on; None where nothing of it is on record.

    Returns:
        None while rows or base are not known.
    """
    if content is None or content.rows is None or content.base is None:
        return None
    fields = configuration.to_dict()
    own = {name: fields[name] for name in fields if name not in _NAMES}
    own["parameters"] = {name: _plain(value) for name, value in own["parameters"].items()}
    depends_on = {
        "configuration": own,
        "rungs": list(rungs),
        "rows": content.rows,
        "base": content.base.fingerprint,
        "versions": asdict(content.versions),
    }
    return f"n-{digest_name(depends_on, 16)}"


def _plain(value: object) -> object:
    """Returns 4 for 4.0, which trains alike, and any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
