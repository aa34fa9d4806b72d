"""What crosses the wall to `orchestrator` as a value: configurations, scores, reports, errors.

Standard library only, so that the orchestrator builds and reads them without loading torch.
"""
