"""What is trained again when tuning has ended: the choice of it, by what tuning stored.

The runs are Ray's (`orchestrator.ray_tune`), the record of what was chosen is
`orchestrator.state.confirmation_log`, and what follows from the scores is
`orchestrator.results`.
"""
