"""One attempt at a trial, in its own process and without Ray: whoever drives it gives a `report`.

Chooses the checkpoint to go on from, calls the learner, records every rung before it is told, keeps
the watchdog quiet and ends cleanly on SIGTERM. Where the process runs is `ray_tune`'s to decide.
"""
