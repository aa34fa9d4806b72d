"""The former place of `trainables.techniques.registry.complete`."""

from trainables.techniques.registry import complete

__all__ = ["complete"]
