"""What the commands share in talking to a person: how something is said, never what.

`options` refuses wrong values, `console` keeps the terminal free of other programs' output,
`output` prints an answer as a table, JSON or CSV, and `values` writes numbers and configurations.
How a command ends is in `orchestrator.errors`; what is said is up to the commands.
"""
