"""A trial's own look at the node that it has come to, on a cluster of several.

A node that has passed its check may lose its share, or its device, while the sweep runs. What goes
wrong on it then is no trial's fault: the trial goes on elsewhere, and no attempt is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from orchestrator.state.attempts import NODE
from orchestrator.state.node_marker import NodeMarker
from orchestrator.trial.failure_kind import failure_kind
from orchestrator.trial.full_disk import full_disk

_NODE_DEATH = re.compile(r"died because its node has died|\bPreemptionError\b")
_WAITED_IN_VAIN = "worker group startup timed out"
"""In the words of Ray (2.60)."""
_UNFIT = re.compile(r"UnfitNodeError: node ([0-9a-f]+) (.*)")


class UnfitNodeError(Exception):
    """A trial cannot run on the node that it has come to; another one may take it.

    Args:
        node_id: The node.
        reason: What is wrong there, a predicate.
    """

    def __init__(self, node_id: str, reason: str) -> None:
        super().__init__(f"node {node_id} {reason}")


def unfit_node(error: str) -> tuple[str, str] | None:
    """Returns node and reason if Ray's text of an error holds an `UnfitNodeError`, else None."""
    found = _UNFIT.search(error)
    return None if found is None else (found[1], found[2])


def is_of_lost_node(error: str) -> bool:
    """Returns whether Ray's text of an error says that the process was lost with its node."""
    return _NODE_DEATH.search(error) is not None


def has_waited_in_vain(error: str) -> bool:
    """Returns whether Ray's text of an error says that a group got no nodes and never began."""
    return _WAITED_IN_VAIN in error


def check_root(marker: NodeMarker | None) -> None:
    """Checks that what this process writes goes where the driver reads.

    Args:
        marker: The driver's; None where there is no other node than the driver's.

    Raises:
        UnfitNodeError: It does not.
    """
    if marker is not None and (unseen := marker.unseen()) is not None:
        raise UnfitNodeError(ray.get_runtime_context().get_node_id(), unseen)


@contextmanager
def on_fit_node(marker: NodeMarker | None) -> Iterator[None]:
    """Turns an error that is this node's fault, and not the trial's, into an `UnfitNodeError`.

    Raises:
        UnfitNodeError: This node is not at the driver's root, or lacks what the trial needs.
    """
    check_root(marker)  # before anything is put on record: it would go into another folder
    try:
        yield
    except UnfitNodeError:
        raise
    except Exception as error:
        check_root(marker)
        if marker is None:
            raise
        if failure_kind(error) == NODE:
            said = " ".join(str(error).split())
            reason = f"fails a trial with {type(error).__name__}: {said}"
        elif (disk := full_disk(error, marker.folder)) is not None:
            reason = f"has no space left on its own disk at {disk}"
        else:
            raise
        raise UnfitNodeError(ray.get_runtime_context().get_node_id(), reason) from error
    check_root(marker)
