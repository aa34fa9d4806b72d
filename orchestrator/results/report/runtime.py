"""The JavaScript that draws a page's plots: Vega, Vega-Lite and vega-embed in one text.

Putting it together takes seconds of a processor, so it is kept:

    $FINETUNE_SWEEP_CACHE/plots/<version of vl-convert>.js    a line with its digest, the script

A file that is cut or changed is made anew.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from contextlib import suppress
from pathlib import Path

from trainables.runtime.cache_folder import cache_folder
from trainables.runtime.staging import staged_beside

_ASKED = "window.vegaEmbed = vegaEmbed;"


def runtime() -> str:
    """Returns the text of a script that defines `vegaEmbed`."""
    folder = cache_folder("plots")
    file = folder and folder / f"{importlib.metadata.version('vl-convert-python')}.js"
    kept = file and _kept(file)
    if kept:
        return kept
    # Loads an engine that is not needed while the script is there.
    import vl_convert

    made: str = vl_convert.javascript_bundle(_ASKED)
    if file:
        with suppress(OSError):
            _keep(file, made)
    return made


def _kept(file: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        digest, _, script = file.read_bytes().decode().partition("\n")
        if digest == _digest(script):
            return script
    return None


def _keep(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with staged_beside(file, folder=False) as staged:
        staged.write_bytes(f"{_digest(script)}\n{script}".encode())
        staged.replace(file)


def _digest(script: str) -> str:
    return hashlib.sha256(f"{_ASKED}{script}".encode()).hexdigest()
