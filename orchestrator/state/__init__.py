"""The files of a sweep beside its tables, and every path of them.

Proposals, attempts, checkpoints, the lock, requests to stop, device seconds. No other room joins a
path under `state/`, `checkpoints/` or `staging/`. The three tables are `store`'s.
"""
