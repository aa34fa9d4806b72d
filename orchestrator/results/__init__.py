"""Questions to the experiment store: `python -m orchestrator.results --help`."""
