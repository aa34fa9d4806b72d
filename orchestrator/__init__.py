"""Schedules and remembers: from a search space file to trials, an experiment store, an answer.

    search_space   a YAML file becomes a `Sweep`, checked whole before anything starts
    search         what to try next (an Optuna study) and whom to stop (successive halving)
    confirmation   which of what was tried is trained again, under new seeds, on test rows
    ray_tune       Ray Tune places the trials on the cluster and asks `search` at every event
    trial          one attempt at a trial in its process: calls a learner and records its rungs
    nodes          what a machine must have before it gets a trial
    price          what a sweep will take, and what is left of it while it runs
    outcomes       what became of it: judged, concluded with one final row, or tried again
    store, state   the three Parquet tables, and a sweep's files beside them
    results        the answer, comparisons and SQL over the store, by `statistics`; `predict` asks a
                   trained model
    tracking       the same rows in the tools that people have; `dashboard` names the metrics of a
                   running sweep and has a Grafana board of them
    sweep          the command that drives all of it; `init` writes a search space for a table,
                   `program` is one name for all commands, `terminal` what they share

Knows Ray, Optuna and Parquet, never torch: what learns is in `trainables`. What crosses that wall
as a value lies in `trainables.contract`; `techniques.registry` and the checks of models and data
are asked as well, and load no torch.
"""

from __future__ import annotations

import os

# Ray reads these when it is first imported, by whichever module that is, hence here. Without the
# first one some of a local cluster's ports listen on every address of the machine; the second keeps
# its metrics of use at home.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
