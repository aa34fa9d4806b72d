"""Search space files as nobody should write them: the shipped ones, changed by a seed.

A file is changed as a structure (keys and values deleted, doubled, swapped, replaced, deepened, put
where they do not belong) and then as text (lines and characters likewise). Half of the changes aim
at a key that exists, with a value that is a near miss for it; the other half know nothing.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.search_space.distributions import DISTRIBUTIONS
from orchestrator.search_space.document import read
from orchestrator.search_space.messages import top_level_keys
from tests.orchestrator.search_space.nasty_values import (
    GROUPS,
    NAMES,
    NEAR_MISSES,
    NUMBERS,
    PARAMETERS,
    SCALARS,
    Raw,
)
from trainables.techniques.registry import TECHNIQUES

FOLDER = Path(__file__).resolve().parents[3] / "search_spaces"
SHIPPED = tuple(
    (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    for name in ("data_size", "notebooks", "rank", "smoke", "technique")
)


@dataclass(frozen=True)
class Start:
    """One start of the command: a file and options."""

    text: str
    overrides: tuple[str, ...]
    trials: int | None
    profile: str
    has_accelerator: bool

    def arguments(self) -> list[str]:
        """Returns the options as they stand on a command line."""
        options = [f"--set={override}" for override in self.overrides]
        options += [] if self.trials is None else [f"--trials={self.trials}"]
        return [*options, "--profile", self.profile]


def start(seed: int) -> Start:
    """Returns the start of the command that a seed makes; the same for the same seed."""
    rng = random.Random(seed)
    document = read(rng.choice(SHIPPED), "shipped").plain()
    for _ in range(rng.choice((0, 1, 1, 1, 1, 1, 2, 3))):
        document = rng.choice(_AIMED if rng.random() < 0.5 else _BLIND)(document, rng)
    text = dump(document)
    if rng.random() < 0.1:
        text = _edited(text, rng)
    overrides = [_override(rng) for _ in range(rng.choice((0,) * 8 + (1, 2)))]
    trials = rng.choice((None,) * 20 + (1, 7, 100, 10**4, 10**9, 10**300, 10**4000))
    profile = rng.choice(("auto", "embedded", "full"))
    return Start(text, tuple(overrides), trials, profile, rng.random() < 0.5)


def dump(value: Any) -> str:
    """Returns a structure as YAML: the top level in block style, the rest in flow style."""
    if not isinstance(value, dict) or not value:
        return f"{_flow(value)}\n"
    return "".join(f"{_name(name)}: {_flow(each)}\n" for name, each in value.items())


def _flow(value: Any) -> str:
    match value:
        case Raw():
            return value.text
        case dict():
            return "{" + ", ".join(f"{_name(n)}: {_flow(each)}" for n, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case _:
            return json.dumps(value)


def _name(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else json.dumps(name)


Change = Callable[[Any, random.Random], Any]


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Returns the paths of all values below the root."""
    children = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    found: list[tuple[str | int, ...]] = []
    for part, child in children[:200]:
        found += [(*path, part), *_places(child, (*path, part))]
    return found


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def _with(document: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """Returns a copy with a value put at a path; groups that are missing are made."""
    if not path:
        return new
    changed = copy.copy(document) if isinstance(document, dict | list) else {}
    part = path[0]
    if isinstance(changed, dict):
        changed[str(part)] = _with(changed.get(str(part)), path[1:], new)
    elif isinstance(part, int) and part < len(changed):
        changed[part] = _with(changed[part], path[1:], new)
    else:
        changed.append(new)
    return changed


def _any_place(document: Any, rng: random.Random) -> tuple[str | int, ...]:
    places = _places(document)
    return rng.choice(places) if places else ()


def _delete(document: Any, rng: random.Random) -> Any:
    path = _any_place(document, rng)
    if not path:
        return document
    parent = copy.copy(_at(document, path[:-1]))
    del parent[path[-1]]
    return _with(document, path[:-1], parent)


def _double(document: Any, rng: random.Random) -> Any:
    path = _any_place(document, rng)
    if not path:
        return document
    parent = _at(document, path[:-1])
    again = copy.deepcopy(parent[path[-1]])
    if isinstance(parent, list):
        return _with(document, path[:-1], [*parent, *[again] * rng.choice((1, 1, 50, 2000))])
    return _with(document, path[:-1], {**parent, rng.choice((*NAMES, *PARAMETERS)): again})


def _swap(document: Any, rng: random.Random) -> Any:
    one, other = _any_place(document, rng), _any_place(document, rng)
    if not one or not other or one[: len(other)] == other or other[: len(one)] == one:
        return document
    kept, moved = _at(document, one), _at(document, other)
    return _with(_with(document, one, moved), other, kept)


def _replace(document: Any, rng: random.Random) -> Any:
    return _with(document, _any_place(document, rng), _nasty(rng))


def _deepen(document: Any, rng: random.Random) -> Any:
    path = _any_place(document, rng)
    value = _at(document, path)
    for _ in range(rng.choice((1, 1, 2, 3, 12, 30))):
        value = rng.choice(([value], {rng.choice((*NAMES, *DISTRIBUTIONS)): value}))
    return _with(document, path, value)


def _rename(document: Any, rng: random.Random) -> Any:
    paths = [path for path in _places(document) if isinstance(path[-1], str)]
    if not paths:
        return document
    path = rng.choice(paths)
    parent = _at(document, path[:-1])
    old = str(path[-1])
    typo = old[:-1] + rng.choice("abcxyz.é\n")
    new = rng.choice((typo, typo, rng.choice(NAMES), rng.choice(top_level_keys())))
    renamed = {(new if name == old else name): each for name, each in parent.items()}
    return _with(document, path[:-1], renamed)


def _many(document: Any, rng: random.Random) -> Any:
    """Puts thousands of things somewhere."""
    count = rng.choice((500, 1000, 1001, 5000))
    what = rng.randrange(5)
    if what == 0:
        points = [{"technique": "lora", "data_size": 100 + n} for n in range(count)]
        return _with(document, ("points",), points)
    if what == 1:
        size = {"choice": list(range(100, 100 + count))}
        return _with(document, ("space", "data_size"), size)
    if what == 2:
        return _with(document, (), {**_group(document), **{f"k{n}": n for n in range(count)}})
    if what == 3:
        points = [{"technique": "lora", "data_size": 0, "rank": "x"}] * count
        return _with(document, ("points",), points)
    path = ("space", "technique", rng.choice(tuple(TECHNIQUES)))
    return _with(document, path, {f"{name}{n}": 1 for name in "abc" for n in range(count // 3)})


def _group(document: Any) -> dict[str, Any]:
    return document if isinstance(document, dict) else {}


def _set_key(document: Any, rng: random.Random) -> Any:
    """Gives a key that there is a value that it should not have."""
    return _with(document, _key(rng), _nasty(rng))


def _set_stopping(document: Any, rng: random.Random) -> Any:
    factor = rng.choice((*NUMBERS, 1.00001, 1.001, 1.01, 1.05, 1.1, 1.3, 2, 3, 4))
    rung = rng.choice((*NUMBERS, 1e-300, 1e-6, 0.001, 0.03, 0.1, 0.9, 0.99999))
    return _with(document, ("stopping",), {"first_rung": rung, "reduction_factor": factor})


def _set_parameter(document: Any, rng: random.Random) -> Any:
    techniques = list(TECHNIQUES)
    parameter = rng.choice(PARAMETERS)
    value = rng.choice((_nasty, _distribution, _distribution))(rng)
    if rng.random() < 0.2:
        return _with(document, ("space", "data_size"), value)
    return _with(document, ("space", "technique", rng.choice(techniques), parameter), value)


def _set_point(document: Any, rng: random.Random) -> Any:
    point: dict[str, Any] = {"technique": rng.choice(tuple(TECHNIQUES)), "data_size": 1000}
    for _ in range(rng.choice((1, 2))):
        name = rng.choice((*PARAMETERS, "technique", "data_size", "epochs"))
        point[name] = _nasty(rng) if rng.random() < 0.7 else _distribution(rng)
    given = _group(document).get("points")
    return _with(document, ("points",), [*(given if isinstance(given, list) else []), point])


def _set_profile(document: Any, rng: random.Random) -> Any:
    name = rng.choice(("embedded", "full", "auto", "embeded", ""))
    path = rng.choice(((), _key(rng)))
    value = rng.choice((_nasty, _distribution))(rng)
    return _with(document, ("profiles", name, *path), value)


def _set_well(document: Any, rng: random.Random) -> Any:
    """Changes something to what is unusual and right, or only just not."""
    for _ in range(rng.choice((1, 2, 3))):
        document = _with(document, *rng.choice(NEAR_MISSES)(rng))
    return document


def _set_size(document: Any, rng: random.Random) -> Any:
    """Asks for a lot of what is fine in little: trials, seeds, configurations of a grid."""
    key = rng.choice(("trials", "replicates", "seed"))
    changed = _with(document, (key,), rng.choice(NUMBERS))
    if rng.random() < 0.5:
        whole = {"randint": [1, rng.choice((2, 65, 1025))]}
        changed = _with(changed, ("space", "technique", "lora", "rank"), whole)
        changed = _with(changed, ("space", "data_size"), {"lograndint": [1, 10**9]})
        changed = _with(changed, ("search",), {"method": rng.choice(("grid", "random", "tpe"))})
    return changed


def _key(rng: random.Random) -> tuple[str, ...]:
    group = rng.choice(("", *GROUPS))
    if group:
        return group, rng.choice(GROUPS[group])
    return (rng.choice(top_level_keys()),)


def _nasty(rng: random.Random) -> Any:
    what = rng.random()
    if what < 0.75:
        return rng.choice(SCALARS)
    if what < 0.85:
        return [rng.choice(SCALARS) for _ in range(rng.choice((0, 1, 2, 3, 20)))]
    if what < 0.95:
        return {rng.choice(NAMES): rng.choice(SCALARS) for _ in range(rng.choice((0, 1, 2, 20)))}
    return _distribution(rng)


def _distribution(rng: random.Random) -> Any:
    name = rng.choice(tuple(DISTRIBUTIONS))
    values = (*NUMBERS, *NUMBERS, *(1, 2, 8, 64, 0.01, 0.2, 0.25, 1e-4), *SCALARS)
    if name == "choice":
        count = rng.choice((0, 1, 2, 2, 3, 30, 1500))
        return {name: [rng.choice(values) for _ in range(count)]}
    count = 3 if name == "quniform" else 2
    if rng.random() < 0.1:
        count = rng.choice((0, 1, 4))
    arguments = [rng.choice(values) for _ in range(count)]
    if rng.random() < 0.6:
        arguments[:2] = sorted(rng.sample(NUMBERS, min(2, len(arguments))))
    return {name: arguments}


_AIMED: tuple[Change, ...] = (
    *(_set_well, _set_well, _set_well, _set_well, _set_key, _set_stopping, _set_parameter),
    *(_set_parameter, _set_point, _set_profile, _set_size),
)
_BLIND: tuple[Change, ...] = (_delete, _double, _swap, _replace, _replace, _deepen, _rename, _many)


def _edited(text: str, rng: random.Random) -> str:
    """Changes a text without regard to what it means."""
    lines = text.splitlines(keepends=True) or [""]
    index = rng.randrange(len(lines))
    what = rng.randrange(7)
    if what == 0:
        del lines[index]
    elif what == 1:
        lines.insert(index, rng.choice(lines) * rng.choice((1, 3)))
    elif what == 2:
        other = rng.randrange(len(lines))
        lines[index], lines[other] = lines[other], lines[index]
    elif what == 3:
        lines[index] = " " * rng.randrange(1, 5) + lines[index]
    elif what == 4:
        lines.insert(index, rng.choice(("---\n", "...\n", "%YAML 1.1\n", "%TAG ! x:\n", "\t- a\n")))
    else:
        text = "".join(lines)
        at = rng.randrange(len(text) + 1)
        if what == 5:
            return text[:at]
        extra: str = rng.choice((*":{}[],&*!|>'\"%@`#?-\\\n\t\0\x1b\ufeff\u2028é", "\U0001f600"))
        return text[:at] + extra * rng.choice((1, 1, 40)) + text[at + rng.randrange(2) :]
    return "".join(lines)


def _override(rng: random.Random) -> str:
    path: tuple[str | int, ...] = _key(rng)
    what = rng.random()
    if what < 0.25:
        path = ("space", "technique", rng.choice(tuple(TECHNIQUES)), rng.choice(PARAMETERS))
    elif what < 0.4:
        index = rng.choice(("0", "1", "99", "-1", "9" * 30, "9" * 5000, "٣", "²", "x"))
        path = ("points", index, rng.choice((*PARAMETERS, "technique")))
    elif what < 0.5:
        path = (rng.choice(NAMES),) * rng.choice((1, 2, 20, 2000))
    value = rng.choice((_nasty, _distribution))(rng)
    return f"{'.'.join(map(str, path))}={_flow(value)}".replace("\0", "")
