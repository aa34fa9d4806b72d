"""What crosses the wall to `orchestrator`: configurations, names of scores, reports.

Standard library only, so that the orchestrator builds and reads them without loading torch.
"""
