"""The layers that `target_modules` names: by portable names, or by the model's own.

Portable names mean the same in every family: the four layers of an attention (`q`, `k`, `v`, `o`),
`attention` for all of them, `feed-forward`, and `all-linear` (or `all`) for every linear layer of
the blocks. Where a model computes queries, keys and values in one layer, each of the three names
it. A model's own name is that of a layer, alone or with what stands before it, as PEFT takes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from trainables.contract.errors import nearest
from trainables.families.architecture import FEED_FORWARD, KEY, OUTPUT, QUERY, VALUE

ATTENTION = "attention"
ALL_LINEAR = "all-linear"
ALL = "all"

PORTABLE: Mapping[str, frozenset[str]] = {
    **{name: frozenset((name,)) for name in (QUERY, KEY, VALUE, OUTPUT)},
    ATTENTION: frozenset((QUERY, KEY, VALUE, OUTPUT)),
    FEED_FORWARD: frozenset((FEED_FORWARD,)),
    ALL_LINEAR: frozenset((QUERY, KEY, VALUE, OUTPUT, FEED_FORWARD)),
    ALL: frozenset((QUERY, KEY, VALUE, OUTPUT, FEED_FORWARD)),
}
"""Name -> the names in `Architecture.linear_layers` of the layers that it stands for."""

OWN_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
"""What a model's own name of a layer looks like."""


def chosen(
    target_modules: str, layers: Mapping[str, tuple[str, ...]], base: str
) -> tuple[str, ...]:
    """Returns the full names of the layers that get an adapter, in the order of the model.

    Args:
        target_modules: Names, separated by commas.
        layers: The base's linear layers, from `Architecture.linear_layers`.
        base: What the base is called in a message.

    Raises:
        ValueError: It has no layer of some name; the message lists those that it has.
    """
    names = [name.strip() for name in target_modules.split(",") if name.strip()]
    found: set[str] = set()
    absent = []
    for name in names:
        # A model's own name goes first: T5's are `q`, `k`, `v` and `o` too, and mean the same.
        own = {layer for layer in layers if layer == name or layer.endswith(f".{name}")}
        portable = PORTABLE.get(name, frozenset())
        own |= {layer for layer, meant in layers.items() if portable.intersection(meant)}
        if not own:
            absent.append(name)
        found |= own
    if absent:
        raise ValueError(_absent(target_modules, absent, layers, base))
    return tuple(layer for layer in layers if layer in found)


def _absent(target_modules: str, absent: Iterable[str], layers: Iterable[str], base: str) -> str:
    has = sorted({layer.rpartition(".")[2] for layer in layers})
    near = [nearest(name, [*has, *PORTABLE]) for name in absent]
    hint = "".join(f' Did you mean "{name}"?' for name in near if name)
    return (
        f'target_modules is "{target_modules}", but {base}, has no layer {", ".join(absent)}: it'
        f" has {', '.join(has)}; {', '.join(PORTABLE)} name layers of any model.{hint}"
    )
