"""The command `predict`: asks the model of a trial for SQL, or takes it away.

Finds the trial's model in the store and hands it to `trainables.inference`; which trial is meant is
`results.find_trial`'s to say.
"""
