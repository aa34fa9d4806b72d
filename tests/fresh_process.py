"""What a process of its own has loaded once it has imported something."""

from __future__ import annotations

import subprocess
import sys


def loaded(imported: str, *libraries: str) -> set[str]:
    """Returns those of some libraries that are loaded after an import.

    Args:
        imported: Modules, separated by commas.
        libraries: Names that are looked for.
    """
    code = f"import {imported}, sys; print(*({set(libraries)!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
