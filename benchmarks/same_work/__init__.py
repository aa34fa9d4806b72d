"""The same trials three ways: as the study ran them, by a tuned loop, and by this project.

`python -m benchmarks.same_work --help` says how.
"""
