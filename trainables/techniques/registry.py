"""The closed list of the techniques there are.

Standard library only, as the techniques' own files are until a model is at hand.
"""

from __future__ import annotations

from collections.abc import Mapping

from trainables.contract.configuration import Scalar
from trainables.techniques.full import Full
from trainables.techniques.lora import Lora
from trainables.techniques.prefix import Prefix
from trainables.techniques.pretrained import Pretrained
from trainables.techniques.qlora import Qlora
from trainables.techniques.technique import Technique

BASELINE: Technique = Pretrained()
"""What `baseline: true` runs, and what the others are compared with."""

TECHNIQUES: Mapping[str, Technique] = {
    technique.name: technique for technique in (BASELINE, Full(), Lora(), Qlora(), Prefix())
}
"""Name -> technique, in the order in which techniques are always listed."""

TRAINED: tuple[str, ...] = tuple(name for name, each in TECHNIQUES.items() if each.trains)
"""The names of the techniques that train."""


def complete(technique: str, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Fills in every parameter of a technique that is not given.

    Args:
        technique: One of `TECHNIQUES`.
        given: The parameters that were chosen, by name.

    Returns:
        Every parameter of the technique, in its order, none of them None.

    Raises:
        ValueError: The technique is unknown, or parameters are unknown or invalid; the message
            lists all of them.
    """
    if technique not in TECHNIQUES:
        raise ValueError(
            f'The technique is "{technique}", but must be one of {", ".join(TECHNIQUES)}.'
        )
    return TECHNIQUES[technique].complete(given)


def is_untuned(trial: Mapping[str, object]) -> bool:
    """Says whether a trial is the base model as it is.

    Args:
        trial: Anything with a `technique`: a configuration, a point, a row of the store. A
            technique that is not known here, as of a newer store, is taken to train.
    """
    technique = TECHNIQUES.get(str(trial.get("technique")))
    return technique is not None and not technique.trains
