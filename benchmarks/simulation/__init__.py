"""A sweep in simulated time: the real driver, with tabulated trials in place of Ray's processes.

What decides and what is stored is the product's own: `SweepSearcher`, `SweepScheduler`, proposals,
the standing read from the store, the judge and the final rows. Replaced are the processes and the
clock: a trial's reports come from a table, each after so many seconds of an injected clock, and
reach the scheduler in the order of time, as Ray Tune's event loop would pass them on. So thousands
of trials on dozens of slots take as long as the driver's own work on them.

Ray Tune's controller is not simulated; `benchmarks.scale` measures it beside.
"""

from benchmarks.simulation.curves import Curve, Learner, synthetic
from benchmarks.simulation.driver import Clock, Decision, Simulation
from benchmarks.simulation.stores import RowsInMemory, Unsynced

__all__ = [
    "Clock",
    "Curve",
    "Decision",
    "Learner",
    "RowsInMemory",
    "Simulation",
    "Unsynced",
    "synthetic",
]
