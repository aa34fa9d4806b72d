"""Runs SQL from anyone in a child process, inside limits. Standard library only.

`process` is the parent's hold on the child; the other modules run in it. What the results mean for
a score is `sql.execution`'s.
"""
