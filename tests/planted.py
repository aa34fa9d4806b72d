"""Files that do harm when they are unpickled, imported or run: they leave a mark."""

from __future__ import annotations

import pickle
import runpy
from pathlib import Path

PICKLES = (
    "adapter_model.bin",
    "pytorch_model.bin",
    "training_state.pt",
    "training_args.bin",
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
    "progress.pkl",
    "tokenizer.pkl",
)
"""Names under which training libraries keep, or kept, pickles beside the weights."""


class _Opens:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.path), "w")


class Planted:
    """Plants files that make `mark` when somebody trusts them."""

    def __init__(self, mark: Path) -> None:
        """Names the file that is made; its folder must exist."""
        self._mark = mark

    def payload(self) -> bytes:
        """Returns a pickle that makes the mark when it is loaded."""
        return pickle.dumps(_Opens(self._mark))

    def pickles(self, folder: Path, *names: str) -> None:
        """Plants a pickle under each name, having seen that it does what it is planted for."""
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.payload())
            with path.open("rb") as file:
                pickle.load(file)
            self._seen()

    def module(self, path: Path) -> None:
        """Plants Python code, having seen that it does what it is planted for."""
        path.write_text(
            f"open({str(self._mark)!r}, 'w').close()\n"
            "class Planted:\n"
            "    def __init__(self, *arguments, **keywords): pass\n"
        )
        runpy.run_path(str(path))
        self._seen()

    def asleep(self) -> bool:
        """Returns whether nothing that was planted has been loaded or run."""
        return not self._mark.exists()

    def _seen(self) -> None:
        assert self._mark.exists()
        self._mark.unlink()
