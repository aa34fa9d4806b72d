"""How soon a sweep has its answer, and whether it is the answer of running everything.

`python -m benchmarks.same_decision --help` says how.
"""
