"""Entry of `python -m orchestrator.predict`."""

from orchestrator.predict.cli import main

main()
