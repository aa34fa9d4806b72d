"""Values that a search space file should not hold, and some that it only just may."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainables.techniques.registry import TECHNIQUES


@dataclass(frozen=True)
class Raw:
    """YAML that stands in a file as it is."""

    text: str


NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 16, 100, 1000, 10**6, 10**9, 10**12, 10**13, 2**31 - 1, 2**31, 2**53 + 1),
    *(2**63 - 1, 2**63, 10**18, 10**19, 10**299, -(10**30), 0.0, -0.0, 0.1, 0.5, 0.999999999999),
    *(1.0, 1.5, 2.0, 1e-3, 1e-9, 1e-11, 1e-13, 1e-320, 5e-324, 1e16, 1e18, 1e300, -1e300),
    *(1.7976931348623157e308, 1.0000000001, 1.0000000000000002, 0.30000000000000004, 33.0),
)
SCALARS: tuple[Any, ...] = (
    *NUMBERS,
    *(True, False, None, "", " ", "1", "1e-3", "8", "null", "true", "nan", "2024-01-01", "12:30"),
    *("lora", "q,v", "q,q", "all", "linear", "embedded", "full", "rouge_l", "eval_loss", "grid"),
    *("max", "min", "tpe", "standard", "both", "~", "~nobody/x", "/", "/dev/zero", "..", "a/b/c"),
    *("x.csv", "/tmp/x.parquet", "a" * 300, "b" * 1500, "c" * 3000, "d" * 30_000, "a/" * 200),
    *("[b]bold[/b]", "[/]", "{x}", "{}", "{0!r:>{width}}", "%s", "$HOME", "`id`", "é", "\u202e"),
    *(
        "日本語",
        "\N{GRINNING FACE}",
        "a\nb",
        "a\tb",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeff",
    ),
    Raw(".nan"),
    Raw(".inf"),
    Raw("-.inf"),
    Raw("2024-01-01"),
    Raw("1_000"),
    Raw("0x" + "f" * 299),
    Raw("0o" + "7" * 250),
    Raw("9" * 300),
    Raw("9" * 5000),
    Raw("1e999"),
    Raw("1e-999"),
    Raw('"\\0"'),
    Raw('"\\ud800"'),
    Raw('"\\UFFFFFFFF"'),
    Raw('"\\x41\\e"'),
    Raw("!!int 3"),
    Raw("&a 1"),
    Raw("*a"),
    Raw("!!python/object/apply:os.system [echo]"),
    Raw("|\n  x"),
    Raw("? a"),
    Raw("[" * 40),
    Raw("{" * 30),
)
NAMES = ("x", "", " ", "<<", "~", "1", "é", "a.b", "technique", "choice", "k" * 150, "\x1b", "[b]")

GROUPS: dict[str, tuple[str, ...]] = {
    "objective": ("metric", "mode"),
    "budget": ("examples",),
    "search": ("method",),
    "stopping": ("first_rung", "reduction_factor"),
    "evaluation": ("validation_rows", "test_rows", "protocol"),
    "resources": ("accelerators", "cpus", "kinds", "pack"),
    "limits": (
        *("max_concurrent", "max_attempts", "heartbeat_minutes", "checkpoints"),
        "checkpoint_gigabytes",
    ),
    "lengths": ("source", "target"),
}
PARAMETERS = sorted({name for technique in TECHNIQUES.values() for name in technique.parameters})


def _one_of(*values: Any) -> Callable[[random.Random], Any]:
    return lambda rng: rng.choice(values)


def _at(*path: str, value: Callable[[random.Random], Any]) -> Callable[[random.Random], Any]:
    return lambda rng: (path, value(rng))


def _step(rng: random.Random) -> Any:
    step = rng.choice((1e-9, 1e-5, 1e-4, 0.001, 0.01, 0.1, 0.25, 0.3, 1 / 3))
    first, count = rng.randrange(12), rng.choice((1, 2, 3, 40, 100_000, 10**6))
    nudge = rng.choice((0, 0, 0, 1e-12, 1e-10, 1e-7))
    return {"quniform": [first * step, (first + count) * step - nudge, step]}


_RATES = _one_of(
    {"loguniform": [1e-12, 10]},
    {"uniform": [0, 1]},
    {"uniform": [1e-320, 1]},
    {"quniform": [0.1, 1, 0.1]},
    {"quniform": [0.1, 1, 1e-6]},
    {"choice": [1e-12, 1e-3, 10]},
    {"choice": [1, 1.0]},
    {"choice": [0.5] * 3},
    3,
)
_WHOLES = _one_of(
    {"randint": [1, 2]},
    {"randint": [2, 2]},
    {"randint": [1e0, 6.4e1]},
    {"randint": [0.2, 0.9]},
    {"lograndint": [1, 1025]},
    {"lograndint": [0, 9]},
    {"quniform": [1, 9, 1]},
    {"choice": [1, 2, 3.0, 64]},
    {"choice": list(range(1, 1001))},
    {"choice": [4, True]},
    1024,
)
NEAR_MISSES: tuple[Callable[[random.Random], Any], ...] = (
    *(_at("space", "technique", "lora", name, value=_WHOLES) for name in ("rank", "alpha")),
    *(
        _at("space", "technique", "full", name, value=value)
        for name in ("learning_rate", "warmup", "weight_decay", "gradient_clipping")
        for value in (_RATES, _step)
    ),
    _at("space", "technique", "lora", "dropout", value=_step),
    _at("space", "technique", "lora", "batch_size", value=_one_of(1, 2400, 20001, 65536)),
    _at("space", "data_size", value=_one_of(1, 10**9, {"lograndint": [1, 10**9]}, 50)),
    _at("budget", "examples", value=_one_of(1, 16, 17, 160, 10**9, 10**9 + 1, 2e4)),
    _at("stopping", "first_rung", value=_one_of(1e-9, 0.001, 0.02, 0.021, 0.5, 0.999999)),
    _at("stopping", "reduction_factor", value=_one_of(1.001, 1.05, 1.1, 1.5, 2, 2.5, 100, 101)),
    _at("evaluation", "test_rows", value=_one_of(1, 200, None, 10**6)),
    _at("evaluation", "validation_rows", value=_one_of(1, 200, 10**6)),
    _at("replicates", value=_one_of(1, 3, 100, 1000, 1001)),
    _at("trials", value=_one_of(1, 9999, 10_000, 10_001, 3.0)),
    _at("seed", value=_one_of(0, 2**31 - 1, 7e3)),
    _at("search", value=_one_of({"method": "grid"}, {"method": "random"}, {}, None)),
    _at("resources", "accelerators", value=_one_of(0.01, 0.3, 2, 1024, 1.5)),
    _at("resources", "pack", value=_one_of("auto", "Auto", 1, 64, 65, 8.0)),
    _at("limits", "heartbeat_minutes", value=_one_of(0.01, 10080)),
    _at("limits", "checkpoint_gigabytes", value=_one_of(5e-324, 1e6, 1)),
    _at("question", value=_one_of("[b]?[/b]", "a\nb", "x" * 2000, "\x1b[31m", "\u202e")),
    _at("base_model", value=_one_of("embedded", "google/flan-t5-small", "a/" * 200 + "b")),
    _at("profiles", value=_one_of(None, {}, {"full": None}, {"embedded": {"seed": 3}})),
    _at("points", value=_one_of([], None, [{"technique": "full", "data_size": 50}])),
    _at("stopping", value=_one_of(None)),
)
"""Draw a path and a value for it: what is unusual and right, or only just not."""
