"""Entry of `python -m orchestrator`."""

import sys

from orchestrator.errors import exit_codes
from orchestrator.program import run
from orchestrator.terminal.process import prepare

with exit_codes():  # Ctrl-C may come while the modules are loaded, which takes a second
    prepare()
    run(sys.argv[1:], "python -m orchestrator")
