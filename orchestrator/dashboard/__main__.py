"""Entry of `python -m orchestrator.dashboard`."""

from orchestrator.errors import exit_codes
from orchestrator.terminal.process import prepare

with exit_codes():  # Ctrl-C may come while the modules are loaded, which takes a second
    prepare()
    from orchestrator.dashboard.cli import main

    main()
