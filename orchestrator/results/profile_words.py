"""What a sweep's profile is called where the model or the data are not those of its name."""

from __future__ import annotations

from trainables.contract.configuration import EMBEDDED


def profile_words(profile: str | None, base_model: str | None, dataset: str | None) -> str:
    """Returns a profile's name, and beside it what is not the profile's own.

    Args:
        profile: "embedded" or "full".
        base_model: The name of the sweep's base model.
        dataset: The name of its data set.

    Returns:
        E.g. "embedded", "embedded with your own model and data", "full with the built-in data"; "-"
        where the store does not say it.
    """
    if profile is None:
        return "-"
    names = {"model": base_model, "data": dataset}
    if profile == EMBEDDED:
        words, other = "your own", [what for what, name in names.items() if name != EMBEDDED]
    else:
        words, other = "the built-in", [what for what, name in names.items() if name == EMBEDDED]
    return f"{profile} with {words} {' and '.join(other)}" if other else profile
