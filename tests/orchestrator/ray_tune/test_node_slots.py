"""How many trials the nodes of a cluster hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.ray_tune.node_slots import Node, kinds_of, node_slots
from tests.orchestrator import sweeps


def _node(name: str, kind: str = "cpu", cpus: float = 8, devices: float = 0) -> Node:
    resources = {"CPU": cpus} | ({"GPU": devices} if devices else {})
    return Node(name, name, "10.0.0.1", resources, kind)


GPU, OTHER_GPU = _node("a", "cuda", 16, 4), _node("b", "cuda", 2, 4)
MAC, SMALL, LARGE = _node("c", "mps", 8, 1), _node("d", cpus=1), _node("e", cpus=3)


@pytest.mark.parametrize(
    ("nodes", "resources", "limit", "found"),
    [
        ([SMALL, LARGE], {}, None, [("cpu", 4, ("d", "e"))]),
        # No process of a trial has its CPUs on two nodes.
        ([SMALL, LARGE], {"cpus": 2}, None, [("cpu", 1, ("e",))]),
        ([GPU, OTHER_GPU], {}, None, [("cuda", 6, ("a", "b"))]),
        ([GPU], {"accelerators": 0.3}, None, [("cuda", 12, ("a",))]),
        ([GPU, OTHER_GPU], {"accelerators": 2}, None, [("cuda", 3, ("a", "b"))]),
        ([GPU, MAC], {}, None, [("cuda", 4, ("a",)), ("mps", 1, ("c",))]),
        ([GPU, MAC], {"accelerators": 2}, None, [("cuda", 2, ("a",))]),
        # CPUs beside accelerators only where they are named.
        ([GPU, LARGE], {}, None, [("cuda", 4, ("a",))]),
        ([GPU, LARGE], {"kinds": ["cuda", "cpu"]}, None, [("cuda", 4, ("a",)), ("cpu", 3, ("e",))]),
        ([GPU, MAC, LARGE], {"kinds": ["mps"]}, None, [("mps", 1, ("c",))]),
        ([GPU, LARGE], {"kinds": "cpu"}, None, [("cpu", 19, ("a", "e"))]),
        ([GPU, MAC], {}, 2, [("cuda", 2, ("a",)), ("mps", 1, ("c",))]),
        ([], {}, None, []),
        ([SMALL], {"cpus": 2}, None, []),
    ],
)
def test_trials_of_each_kind(
    tmp_path: Path,
    nodes: list[Node],
    resources: dict[str, Any],
    limit: int | None,
    found: list[tuple[str, int, tuple[str, ...]]],
) -> None:
    sweep = sweeps.toy(tmp_path, resources=resources, limits={"max_concurrent": limit})
    slots = node_slots(sweep, nodes, kinds_of(sweep, nodes))
    assert [(each.kind, each.trials, each.nodes) for each in slots] == found
    for each in slots:
        assert ("GPU" in each.resources) == (each.kind != "cpu")
        assert each.selector == {"ray.io/node-id": f"in({','.join(each.nodes)})"}


@pytest.mark.parametrize(
    ("cpus", "found"),
    [
        ((2, 4, 1), [("cpu", 3, ("linux", "other-linux"))]),
        ((8, 2, 1), [("cpu", 4, ("mac",))]),
        # One on each would make a group that cannot speak.
        ((1, 1, 0), []),
    ],
)
def test_a_group_is_of_one_system(
    tmp_path: Path, cpus: tuple[int, int, int], found: list[tuple[str, int, tuple[str, ...]]]
) -> None:
    mac, linux, other = cpus
    nodes = [
        _node("mac", "mps", mac, 1).found_to_be("cpu", "Darwin"),
        _node("linux", cpus=linux),
        _node("other-linux", cpus=other + 1),
    ]
    if not other:
        nodes.pop()
    sweep = sweeps.toy(tmp_path, resources={"kinds": ["cpu"], "accelerators": 2})
    slots = node_slots(sweep, nodes, kinds_of(sweep, nodes))
    assert [(each.kind, each.trials, each.nodes) for each in slots] == found
