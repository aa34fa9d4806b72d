"""What became of a trial, and what follows: its final row, another attempt, a kept model.

Written by the driver alone, from what the trial stored. Where files lie is `state`'s; the rows are
`store`'s.
"""
