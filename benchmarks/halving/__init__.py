"""Which rungs and which reduction factor stop trials best, by simulation on recorded curves.

`python -m benchmarks.halving --help` says how.
"""
