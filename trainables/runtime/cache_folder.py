"""Where this package keeps on disk what it can work out again, so that it need not.

`$FINETUNE_SWEEP_CACHE`, by default `finetune-sweep` in `$XDG_CACHE_HOME`, or in `~/.cache`. It may
be deleted at any time; where the variable is empty nothing is kept.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "FINETUNE_SWEEP_CACHE"


def cache_folder(part: str) -> Path | None:
    """Returns the folder of one kind of what is kept, or None where nothing is to be.

    Args:
        part: Name of the folder.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given).expanduser() / part if given else None
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(home).expanduser() / "finetune-sweep" / part
    except RuntimeError:  # there is no home
        return None
