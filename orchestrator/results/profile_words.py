"""What a sweep's profile is called where the model or the data are not those of its name."""

from __future__ import annotations

from trainables.contract.configuration import BUILT_IN_MODELS, EMBEDDED


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
    built_in = {"model": base_model in BUILT_IN_MODELS, "data": dataset == EMBEDDED}
    if profile == EMBEDDED:
        words, other = "your own", [what for what, is_so in built_in.items() if not is_so]
    else:
        words, other = "the built-in", [what for what, is_so in built_in.items() if is_so]
    return f"{profile} with {words} {' and '.join(other)}" if other else profile
