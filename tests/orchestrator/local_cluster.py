"""A Ray cluster of a head and two nodes on this machine, for tests to join, kill parts of and ask.

`python -m tests.orchestrator.local_cluster` prints `{"address": ...}`, then answers each line on
standard input with a line of JSON, until its end:

    lose    kills a node; answers with its id
    add     adds a node; answers with its id
    used    the ids of the nodes that have run something
    left    what is taken: placement groups, actors, resources and nodes that an autoscaler would
            not give back, once nothing more gets free
    busy    the nodes, other than the head, that an autoscaler would not give back now
    site    the address of the dashboard, to which jobs are submitted
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 60


class Nodes:
    """The cluster as a test sees it.

    Attributes:
        address: What `--address` takes.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Waits until the process that holds the cluster has started it."""
        self._process = process
        self.address: str = self._answer()["address"]

    def ask(self, command: str) -> Any:
        """Sends a command and returns the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(("{", "[", '"')):
                return json.loads(line)
        raise AssertionError("the cluster's process has ended")


@contextmanager
def cluster(environment: Mapping[str, str]) -> Iterator[Nodes]:
    """Starts the cluster; its trials' processes get these environment variables."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.orchestrator.local_cluster"],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "RAY_AUTH_MODE": "token", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Nodes(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


class _Holder:
    """The cluster as its process sees it."""

    def __init__(self) -> None:
        from orchestrator.ray_tune.access import protect_token  # before Ray, for its settings

        protect_token()
        from ray.cluster_utils import Cluster

        self._cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "include_dashboard": True,
                "dashboard_host": "127.0.0.1",
            },
        )
        self._nodes = [self._cluster.add_node(num_cpus=1) for _ in range(2)]

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def lose(self) -> str:
        node = self._nodes.pop(0)
        self._cluster.remove_node(node, allow_graceful=False)
        return str(node.node_id)

    def add(self) -> str:
        self._nodes.append(self._cluster.add_node(num_cpus=1))
        return str(self._nodes[-1].node_id)

    def used(self) -> list[str]:
        return sorted({str(actor.node_id) for actor in self._actors()})

    def left(self) -> dict[str, Any]:
        from ray.util.state import list_placement_groups

        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            groups = list_placement_groups(self._dashboard, detail=True)
            free = self._cluster.global_state.available_resources()
            total = self._cluster.global_state.cluster_resources()
            found = {
                "placement groups": [g.state for g in groups if g.state != "REMOVED"],
                "actors": [
                    # Ray Train keeps two of its own for the next driver; they take nothing.
                    a.class_name
                    for a in self._actors()
                    if a.state != "DEAD" and not a.is_detached
                ],
                "CPUs": total["CPU"] - free.get("CPU", 0.0),
                "nodes": self.busy(),
            }
            if not any(found.values()) or time.monotonic() > deadline:
                return found
            time.sleep(0.2)

    def site(self) -> str:
        return self._dashboard

    def busy(self) -> list[str]:
        """The nodes, other than the head, that the autoscaler is told are not idle."""
        import ray._raylet
        from ray.autoscaler.v2.sdk import get_cluster_resource_state
        from ray.core.generated.autoscaler_pb2 import NodeStatus

        raylet: Any = ray._raylet  # compiled: its types do not say what it has
        state = get_cluster_resource_state(raylet.GcsClient(address=self.address))
        alive = {node.node_id for node in self._nodes}
        return [
            node.node_id.hex()
            for node in state.node_states
            if node.node_id.hex() in alive and node.status != NodeStatus.IDLE
        ]

    def _actors(self) -> list[Any]:
        from ray.util.state import list_actors

        return list(list_actors(self._dashboard, detail=True, limit=1000))

    @property
    def _dashboard(self) -> str:
        return f"http://{self._cluster.webui_url}"


def main() -> None:
    """Starts the cluster and answers until standard input ends."""
    holder = _Holder()
    print(json.dumps({"address": holder.address}), flush=True)
    for line in sys.stdin:
        print(json.dumps(getattr(holder, line.strip())()), flush=True)


if __name__ == "__main__":
    main()
