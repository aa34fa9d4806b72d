"""Rows of which a part of the model computes the same, whoever's they are."""

from __future__ import annotations

from collections.abc import Sequence

from trainables.families.framing import TokenIds
from trainables.passes.parts import Parts


def first_alike(rows: Sequence[TokenIds], parts: Parts, layers: str, *, own: bool) -> list[int]:
    """Returns for each row the first one with which some layers compute the same, mostly itself.

    Those are equal rows of members who train nothing there.

    Args:
        rows: Token ids.
        parts: Whose rows they are.
        layers: What the full names of the layers begin with.
        own: Whether each row has numbers of its own in any case, as by dropout.
    """
    first: dict[bytes, int] = {}
    found: list[int] = []
    for part in parts:
        of_part = range(part.rows.start, part.rows.stop)
        if own or any(name.startswith(layers) for name in part.adapter.updates):
            found += of_part
        else:
            found += [first.setdefault(rows[row].tobytes(), row) for row in of_part]
    return found
