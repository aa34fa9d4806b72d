"""What a SQL statement means: its normal form, its dialect, and what it does when it runs.

Hostile statements run in `sandbox`, in a child process.
"""
