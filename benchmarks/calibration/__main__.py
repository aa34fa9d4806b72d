"""Prints how often what a sweep states is false, in worlds of known truth.

    python -m benchmarks.calibration --sweeps 1000
    python -m benchmarks.calibration --sweeps 60 --stores      each a store, asked by command
    python -m benchmarks.calibration --sweeps 1000 --groups   of `compare`
    python -m benchmarks.calibration --sweeps 1000 --around   tuned with early stopping

Of the default design: three ranks by two data sizes, six rates each, confirmed by 6 x 3 runs on 500
test rows. `false`: sweeps with a claim of a difference that is not there, or lies the other way,
against what the statement is about; `covers`: intervals that hold the true value, each of the level
that it was judged at (97.5 or 95 %, after Holm's steps); `all`: sweeps of which all do.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.calibration.around import counted as counted_around
from benchmarks.calibration.groups import SIZES, groups_of, of_models, replicated, tallied
from benchmarks.calibration.statements import Tally, counted, exact_interval
from benchmarks.calibration.stores import answered, compared, write
from benchmarks.calibration.sweep import simulate
from benchmarks.calibration.worlds import STRATA, WORLDS, World

_HEAD = (
    "| world | (i) false % | covers % | all % | rank found % | (ii) stated % | false % | covers %"
    " | all % | rank found % | half width | score covers % | rivals false % |"
)
_AROUND_HEAD = (
    "| world | (i) false % | covers % | all % | rank found % | (ii) stated % | false % | covers %"
    " | all % | rank found % | half width |"
)
_STORES_HEAD = "| world | answer: false % | covers % | rank found % | compare: false % | covers % |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweeps", type=int, default=1000)
    parser.add_argument("--world", help="only those whose name holds this")
    parser.add_argument("--stores", action="store_true", help="write stores and ask the commands")
    parser.add_argument("--groups", action="store_true", help="compare groups, replicates, models")
    parser.add_argument("--around", action="store_true", help="confirmed at rates around the best")
    parser.add_argument("--seed", type=int, default=0, help="of all draws, beside the world's name")
    given = parser.parse_args()
    if given.groups:
        print_groups(given.sweeps)
        return
    if given.stores:
        print(_STORES_HEAD, "|---|" + "---:|" * 5, sep="\n", flush=True)
        for world in WORLDS:
            if given.world is None or given.world in world.name:
                print(stores_row(world, given.sweeps), flush=True)
        return
    if given.around:
        print(_AROUND_HEAD, "|---|" + "---:|" * 10, sep="\n", flush=True)
        for world in WORLDS:
            if world.rates == 6 and (given.world is None or given.world in world.name):
                print(around_row(world, given.sweeps, given.seed), flush=True)
        return
    print(_HEAD, "|---|" + "---:|" * 12, sep="\n", flush=True)
    for world in WORLDS:
        if given.world is None or given.world in world.name:
            print(row(world, given.sweeps, given.seed), flush=True)


def row(world: World, sweeps: int, seed: int = 0) -> str:
    """Returns a world's line of the table; its draws depend on its name and the seed alone."""
    random = _random(world, seed)
    tallies = counted(simulate(world, random) for _ in range(sweeps))
    one, two = tallies["configurations"], tallies["values"]
    cells = [
        *(world.name, *_of(one)),
        f"{100 * two.sweeps / sweeps:.0f}",
        *(_of(two) if two.sweeps else ["-"] * 4),
        f"{np.mean(two.half_widths or one.half_widths):.3f}",
        f"{100 * tallies['scores'].covered / tallies['scores'].intervals:.1f}",
        _false(tallies["rivals"]),
    ]
    return "| " + " | ".join(cells) + " |"


def around_row(world: World, sweeps: int, seed: int) -> str:
    """Returns a world's line where sweeps are tuned with early stopping, by `confirm.around`."""
    one, two = counted_around(world, _random(world, seed), sweeps)
    cells = [world.name, *_of(one), f"{100 * two.sweeps / sweeps:.0f}", *_of(two)]
    cells.append(f"{np.mean(two.half_widths):.3f}")
    return "| " + " | ".join(cells) + " |"


def _random(world: World, seed: int) -> np.random.Generator:
    """Returns a world's generator; that of seed 0 is by its name alone."""
    own = zlib.crc32(world.name.encode())
    return np.random.default_rng([own, seed] if seed else own)


def stores_row(world: World, sweeps: int) -> str:
    """Returns a world's line where every sweep is a store, and the commands are asked."""
    random = np.random.default_rng(zlib.crc32(world.name.encode()))
    asked, pairs = Tally(), Tally()
    for _ in range(sweeps):
        sweep = simulate(world, random)
        with TemporaryDirectory() as folder:
            write(sweep, Path(folder))
            found = answered(sweep, Path(folder))
            asked.count(found.values(), found.get("rank"))
            pairs.count([compared(sweep, Path(folder), len(STRATA) - 1, 0)])
    cells = [
        *(world.name, _false(asked), f"{100 * asked.covered / asked.intervals:.1f}"),
        f"{100 * asked.claimed / asked.sweeps:.1f}",
        *(_false(pairs), f"{100 * pairs.covered / pairs.intervals:.1f}"),
    ]
    return "| " + " | ".join(cells) + " |"


def print_groups(sweeps: int) -> None:
    """Prints how often `compare` errs."""
    random = np.random.default_rng(0)
    print("| compared | false % | covers % |", "|---|---:|---:|", sep="\n", flush=True)
    rows = {
        f"{a} v {b} configurations, no difference": [groups_of(random, a, b) for _ in range(sweeps)]
        for a, b in SIZES
    }
    for count in (2, 3, 5):
        name = f"two equal configurations, {count} seeds each"
        rows[name] = [replicated(random, count) for _ in range(sweeps)]
    rows["two models of one configuration, as models"] = [of_models(random) for _ in range(sweeps)]
    for name, statements in rows.items():
        tally = tallied(statements)
        print(f"| {name} | {_false(tally)} | {100 * tally.covered / tally.sweeps:.1f} |")


def _of(tally: Tally) -> list[str]:
    return [
        _false(tally),
        f"{100 * tally.covered / tally.intervals:.1f}",
        f"{100 * tally.whole / tally.sweeps:.1f}",
        f"{100 * tally.claimed / tally.sweeps:.1f}",
    ]


def _false(tally: Tally) -> str:
    low, high = exact_interval(tally.false, tally.sweeps)
    return f"{100 * tally.false / tally.sweeps:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
