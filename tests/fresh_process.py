"""What a process of its own has loaded once it has imported something."""

from __future__ import annotations

import os
import subprocess
import sys


def loaded(imported: str, *libraries: str, **environment: str) -> set[str]:
    """Returns those of some libraries that are loaded after an import.

    Args:
        imported: Modules, separated by commas.
        libraries: Names that are looked for.
        environment: Variables that the process has beside those of this one.
    """
    code = f"import {imported}, sys; print(*({set(libraries)!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return set(done.stdout.split())
