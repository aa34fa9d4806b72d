"""What is said to who asks a model is about the model."""

from __future__ import annotations

import logging
from importlib import import_module


def test_a_kernel_that_is_not_there_is_not_spoken_of() -> None:
    import_module("trainables.inference")
    # Where bitsandbytes says so as it is imported, which `peft` does for every technique.
    assert not logging.getLogger("bitsandbytes.backends.cpu.ops").isEnabledFor(logging.WARNING)
