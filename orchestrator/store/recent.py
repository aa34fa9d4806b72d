"""Contents of files that were read or written lately, for places where a request costs more."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable


class Recent:
    """Keeps contents by names that tell them for certain, the latest that there is room for.

    Safe to use from several threads.
    """

    def __init__(self, most_bytes: int, largest_bytes: int) -> None:
        """Begins with none.

        Args:
            most_bytes: Of all that is kept.
            largest_bytes: A larger content is not kept.
        """
        self._most = most_bytes
        self._largest = largest_bytes
        self._size = 0
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def get(self, name: Hashable) -> bytes | None:
        """Returns a content, None where it is not kept."""
        with self._one_at_a_time:
            if name not in self._kept:
                return None
            self._kept.move_to_end(name)
            return self._kept[name]

    def put(self, name: Hashable, content: bytes) -> None:
        """Keeps a content, in the place of those that nobody has asked for the longest."""
        if len(content) > self._largest:
            return
        with self._one_at_a_time:
            self._size += len(content) - len(self._kept.pop(name, b""))
            self._kept[name] = content
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])
