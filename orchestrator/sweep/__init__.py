"""The command `sweep`: from a search space file to its answer.

Reads the options, checks what can be checked before Ray starts, runs or continues the sweep, shows
its progress and prints its result. How trials run is `ray_tune`'s; what is printed at the end is
`results`'.
"""
