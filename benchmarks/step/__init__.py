"""What one optimiser step costs: tokens a second, model FLOP utilisation, where the time goes.

`python -m benchmarks.step --help` says how.
"""
