"""What to try next, and whom to stop: decisions without a running Ray and without files.

Proposals and their names, the Optuna study and the space as it sees it, successive halving. Ray
Tune asks through `ray_tune.searcher` and `ray_tune.scheduler`; what was decided is kept by `state`.
"""
