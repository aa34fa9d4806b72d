"""Entry of `python -m orchestrator.sweep`."""

from orchestrator.sweep.cli import app

app(prog_name="python -m orchestrator.sweep")
