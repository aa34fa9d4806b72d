"""Prints how often what a sweep states is false, in worlds of known truth.

    python -m benchmarks.calibration --sweeps 1000

Of the default design: three ranks by two data sizes, six rates each, confirmed by 6 x 3 runs on 500
test rows. `false`: sweeps with a claim of a difference that is not there, or lies the other way,
against what the statement is about; `covers`: intervals that hold the true value, each of the level
that it was judged at (97.5 or 95 %, after Holm's steps); `all`: sweeps of which all do.
"""

from __future__ import annotations

import argparse
import zlib

import numpy as np

from benchmarks.calibration.statements import Tally, counted, exact_interval
from benchmarks.calibration.sweep import simulate
from benchmarks.calibration.worlds import WORLDS, World

_HEAD = (
    "| world | (i) false % | covers % | all % | rank found % | (ii) stated % | false % | covers %"
    " | all % | rank found % | half width | score covers % | rivals false % |"
)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweeps", type=int, default=1000)
    parser.add_argument("--world", help="only those whose name holds this")
    given = parser.parse_args()
    print(_HEAD, "|---|" + "---:|" * 12, sep="\n", flush=True)
    for world in WORLDS:
        if given.world is None or given.world in world.name:
            print(row(world, given.sweeps), flush=True)


def row(world: World, sweeps: int) -> str:
    """Returns a world's line of the table; its draws depend on its name alone."""
    random = np.random.default_rng(zlib.crc32(world.name.encode()))
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
