"""How soon a sweep has its answer, against running everything, and how often it is another answer.

    python -m benchmarks.same_decision --folder FOLDER             # perhaps 40 minutes
    python -m benchmarks.same_decision --folder FOLDER --seeds 0   # one seed; the rest another time
    python -m benchmarks.same_decision --folder FOLDER --quick     # does it run?
    python -m benchmarks.same_decision --folder FOLDER --replay    # the decisions alone

The question: which of 48 adapters (4 ranks, 2 choices of layers, 6 learning rates) is the best? For
each seed two real sweeps (`python -m orchestrator.sweep`) on the built-in model and corpus, in
turns:

sweep        tries all of them too, or as many as Optuna may propose (--search tpe --trials 16), and
             halving stops the losers by their loss: at 10 % of the budget the best quarter goes on,
             at 40 % the best quarter of these. Its answer is the best completed trial.
everything   all 48 to the end. It knows the true best, and how good the sweep's answer truly is:
             the same configuration under the same seed gives the same numbers in both.

A seed decides the order of proposals, the adapters' initial values, the batches, and which rows are
trained on and which scored. The target is an answer in a fifth of the time that is within one
standard error (over the validation rows) of the true best in four of five seeds.

Time is counted from the start of the first trial to the end of the last one; the command's own time
stands beside it, with the start of Python and Ray, the same few seconds for both. Without early
stopping trials are still scored at each quarter; a person who runs everything may do without, so
the time of these scores is taken off, in proportion to what the trials recorded. What is in FOLDER
already is not run again: an interrupted benchmark continues.

--replay trains each configuration once, without Ray, records loss, score and time at every rung,
and replays the sweep's decisions on these curves, one trial at a time, by the same study and the
same halving. It says what the decisions save and whether they are right; only the real sweeps say
what a user waits.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from benchmarks.same_decision import replay, sweeps
from benchmarks.same_decision.decision import Ran, table
from benchmarks.same_decision.question import QUICK, WAYS, Question


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what is missing and prints the table of the seeds."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.same_decision",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, required=True, help="keeps what was run")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)), help="(0 to 4)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="(both)")
    parser.add_argument("--replay", action="store_true", help="the decisions alone, without Ray")
    parser.add_argument(
        "--search", choices=("tpe", "random", "grid"), default="grid", help="(grid)"
    )
    parser.add_argument("--trials", type=int, help="configurations that the sweep tries (48)")
    parser.add_argument("--quick", action="store_true", help="4 tiny trials a seed: does it run?")
    given = parser.parse_args(arguments)
    question = dataclasses.replace(QUICK if given.quick else Question(), search=given.search)
    if given.search == "grid":
        question = dataclasses.replace(question, trials=question.size)
    if given.trials:
        question = dataclasses.replace(question, trials=given.trials)
    ran: dict[int, dict[str, Ran]] = {}
    for seed in given.seeds:
        if given.replay:
            curves = replay.record(question, seed, given.folder)
            ran[seed] = {
                "sweep": replay.replay(replay.asked(question, "sweep", seed), curves),
                "everything": replay.everything(curves),
            }
            continue
        ran[seed] = {}
        for way in given.ways if seed % 2 == 0 else reversed(given.ways):
            ran[seed][way] = sweeps.run(question, way, seed, given.folder)
            print(f"seed {seed}, {way}: {ran[seed][way].seconds:.0f} s", flush=True)
    if all(len(ways) == len(WAYS) for ways in ran.values()):
        print(f"\n{'Replayed, not run. ' if given.replay else ''}{table(ran)}")


if __name__ == "__main__":
    main()
