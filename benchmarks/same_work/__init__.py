"""The same trials: as the study ran them, by a tuned loop, and by this project, alone and packed.

`python -m benchmarks.same_work --help` says how.
"""
