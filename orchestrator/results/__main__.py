"""Entry of `python -m orchestrator.results`."""

from orchestrator.results.cli import main

main()
