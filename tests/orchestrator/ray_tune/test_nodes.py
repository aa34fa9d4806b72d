"""Nodes of a cluster come, go and fail; a stand-in for Ray says which there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.nodes.demands import Demands
from orchestrator.ray_tune.nodes import Nodes
from orchestrator.ray_tune.placement import NoRoomError, Slots
from orchestrator.ray_tune.room import NoNodeError
from orchestrator.state.node_marker import NodeMarker
from tests.orchestrator import sweeps


class _Cluster:
    """Stands for Ray: which nodes there are, and how each answers."""

    def __init__(self, root: Path) -> None:
        self.nodes: dict[str, dict[str, float]] = {}
        self.faults: dict[str, list[str]] = {}
        self.kinds: dict[str, str] = {}
        self.silent: set[str] = set()
        self.asked: list[str] = []
        self.requested: list[int] = []
        self.root = root
        self.now = 0.0
        self.ahead: dict[str, float] = {}
        self.said: list[str] = []

    def add(self, name: str, *faults: str, kind: str = "cpu", cpus: float = 1.0) -> None:
        self.nodes[name] = {"CPU": cpus} | ({"GPU": 1.0} if kind != "cpu" else {})
        if kind == "mps":  # as Ray has it of a Mac
            self.nodes[name]["accelerator_type:M3-Max"] = 1.0
        self.kinds[name], self.faults[name] = kind, list(faults)

    def listed(self) -> list[dict[str, Any]]:
        return [
            {
                "NodeID": name,
                "NodeManagerHostname": name,
                "NodeManagerAddress": "10.0.0.1",
                "Resources": resources,
                "Alive": True,
            }
            for name, resources in self.nodes.items()
        ]

    def ask(self, node: Any) -> str:
        self.asked.append(node.id)
        return str(node.id)

    def wait(self, answers: list[str], timeout: float) -> tuple[list[str], list[str]]:
        assert timeout == 0
        return [each for each in answers if each not in self.silent], []

    def get(self, name: str) -> dict[str, Any]:
        self.root.joinpath(f"marker-{name}").touch()
        kind = self.kinds[name]
        system = "Darwin" if kind == "mps" else "Linux"
        clock = self.wall_clock() + self.ahead.get(name, 0.0)
        return {"kind": kind, "system": system, "faults": self.faults[name], "clock": clock}

    def wall_clock(self) -> float:
        return 1_800_000_000.0 + self.now

    def later(self, seconds: float) -> float:
        self.now += seconds
        return self.now


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Cluster:
    found = _Cluster(tmp_path)
    monkeypatch.setattr("ray.nodes", found.listed)
    monkeypatch.setattr("ray.wait", found.wait)
    monkeypatch.setattr("ray.get", found.get)
    monkeypatch.setattr(Nodes, "_ask", lambda self, node: found.ask(node))
    monkeypatch.setattr("time.sleep", found.later)
    monkeypatch.setattr("time.time", found.wall_clock)
    monkeypatch.setattr(
        "ray.autoscaler.sdk.request_resources", lambda bundles: found.requested.append(len(bundles))
    )
    return found


def _nodes(cluster: _Cluster, folder: Path, **changes: Any) -> Nodes:
    marker = NodeMarker(str(folder), "marker")
    demands = Demands(str(folder), "marker", "", {}, "", None, None, None, {})
    sweep = sweeps.toy(folder, **changes)
    return Nodes(sweep, demands, marker, "head:6379", cluster.said.append, lambda: cluster.now)


def _never() -> bool:
    return False


def _trials(found: Nodes) -> dict[str, int]:
    return {each.kind: each.trials for each in found.slots}


def test_a_node_that_fails_is_named_and_gets_nothing(cluster: _Cluster, tmp_path: Path) -> None:
    cluster.add("good", cpus=2)
    cluster.add("bad", "has no folder /x")
    found = _nodes(cluster, tmp_path)
    found.wait(_never)
    assert _trials(found) == {"cpu": 2}
    assert found.slots[0].nodes == ("good",)
    assert cluster.said == ["Node bad (10.0.0.1) is set aside: it has no folder /x."]


def test_where_all_fail_the_reasons_and_the_remedy_are_said(
    cluster: _Cluster, tmp_path: Path
) -> None:
    cluster.add("one", "has no folder /x")
    cluster.add("two", "cannot load this package")
    with pytest.raises(NoNodeError) as raised:
        _nodes(cluster, tmp_path).wait(_never)
    said = str(raised.value)
    assert "one (10.0.0.1): it has no folder /x\n" in said
    assert "two (10.0.0.1): it cannot load this package\n" in said
    assert "one folder that all of them have under the same path, for --root" in said


def test_a_node_whose_writing_does_not_come_here_fails(
    cluster: _Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.add("one")
    answer = {"kind": "cpu", "system": "Linux", "faults": [], "clock": cluster.wall_clock()}
    monkeypatch.setattr("ray.get", lambda name: answer)
    with pytest.raises(NoNodeError, match="what it writes is not here"):
        _nodes(cluster, tmp_path).wait(_never)


def test_a_clock_that_goes_wrong_is_named_and_the_node_gets_trials(
    cluster: _Cluster, tmp_path: Path
) -> None:
    for name, ahead in (("right", 59), ("behind", -2 * 86_400), ("ahead", 2 * 3_600)):
        cluster.add(name)
        cluster.ahead[name] = ahead
    found = _nodes(cluster, tmp_path)
    found.wait(_never)
    assert _trials(found) == {"cpu": 3}
    what = "the clock here; times in its rows are by it, no score depends on them."
    assert cluster.said == [
        f"Node behind (10.0.0.1) has a clock that is 48.0 hours behind {what}",
        f"Node ahead (10.0.0.1) has a clock that is 2.0 hours ahead of {what}",
    ]


def test_a_reason_that_is_a_sentence_gets_no_second_stop(cluster: _Cluster, tmp_path: Path) -> None:
    cluster.add("good")
    cluster.add("bad", "says that it was built without CUDA; install a build with it.")
    _nodes(cluster, tmp_path).wait(_never)
    assert cluster.said[0].endswith("install a build with it.")
    assert not cluster.said[0].endswith("..")


def test_a_head_without_cpus_waits_says_so_and_asks_for_a_node(
    cluster: _Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.add("head", cpus=0.0)

    def sleep(seconds: float) -> None:
        cluster.later(seconds)
        if cluster.now > 30:
            cluster.add("late", cpus=4)

    monkeypatch.setattr("time.sleep", sleep)
    found = _nodes(cluster, tmp_path)
    found.wait(_never)
    assert cluster.asked == ["late"]
    assert len(cluster.said) == 1
    assert "No node of head:6379 has 1 CPU for a trial yet; waiting" in cluster.said[0]
    assert cluster.requested == [1]
    assert found.next({}, 9) == found.slots[0]
    assert cluster.requested == [1, 9]


def test_a_wait_ends_with_the_sweep(cluster: _Cluster, tmp_path: Path) -> None:
    found = _nodes(cluster, tmp_path)
    found.wait(lambda: cluster.now > 5)
    assert found.slots == ()


def test_a_trial_that_fits_no_node_is_refused(cluster: _Cluster, tmp_path: Path) -> None:
    cluster.add("one")
    with pytest.raises(NoRoomError, match="2 accelerators and 2 CPUs, but the nodes of head:6379"):
        _nodes(cluster, tmp_path, resources={"accelerators": 2}).wait(_never)
    with pytest.raises(NoRoomError, match="accelerators of cuda"):
        _nodes(cluster, tmp_path, resources={"kinds": ["cuda"]}).wait(_never)
    with pytest.raises(NoRoomError, match=r"and 4 CPUs, but the nodes .* have 1 CPU \(one\)"):
        _nodes(cluster, tmp_path, resources={"cpus": 4}).wait(_never)


def test_slots_follow_nodes_that_join_and_are_gone(cluster: _Cluster, tmp_path: Path) -> None:
    cluster.add("one")
    found = _nodes(cluster, tmp_path)
    found.wait(_never)
    before = found.next({}, 5)
    assert before is not None
    assert found.next({"cpu": 1}, 5) is None
    cluster.add("two", cpus=2)
    cluster.now += 2
    found.look()
    assert cluster.said.pop() == (
        "Node two (10.0.0.1) has joined. Now 3 trials at a time on 2 nodes, 1 CPU each."
    )
    after = found.next({"cpu": 1}, 5)
    assert after is not None
    assert after.nodes == ("one", "two")
    assert found.takes(after)
    assert not found.takes(before)
    del cluster.nodes["one"]
    cluster.now += 2
    found.look()
    assert not found.takes(after)
    assert "Node one (10.0.0.1) is gone" in cluster.said.pop()
    del cluster.nodes["two"]
    cluster.now += 2
    found.look()
    assert found.next({}, 5) is None
    assert cluster.said.pop().endswith("Now there is none; waiting for another.")


def test_a_node_that_failed_is_asked_again_and_said_once(cluster: _Cluster, tmp_path: Path) -> None:
    cluster.add("one")
    cluster.add("late", "has no folder /x")
    found = _nodes(cluster, tmp_path)
    found.wait(_never)
    for _ in range(3):
        cluster.now += 61
        found.look()
        cluster.now += 2
        found.look()
    assert cluster.asked.count("late") == 4
    assert len(cluster.said) == 1
    cluster.faults["late"] = []
    cluster.now += 61
    found.look()
    assert _trials(found) == {"cpu": 2}


def test_a_node_on_which_a_trial_could_not_run_gets_no_other(
    cluster: _Cluster, tmp_path: Path
) -> None:
    cluster.add("one")
    cluster.add("two")
    found = _nodes(cluster, tmp_path)
    found.wait(_never)
    found.set_aside("one", "fails a trial with DeviceUnavailable: no driver")
    found.set_aside("one", "fails another")
    cluster.now += 1000
    found.look()
    assert found.slots[0].nodes == ("two",)
    assert len(cluster.said) == 1
    with pytest.raises(NoNodeError, match="no driver"):
        found.set_aside("two", "has no folder /x")


def test_a_node_that_does_not_answer_holds_up_nothing_for_long(
    cluster: _Cluster, tmp_path: Path
) -> None:
    cluster.add("one")
    cluster.add("dumb")
    cluster.silent.add("dumb")
    found = _nodes(cluster, tmp_path)
    found.wait(_never)
    assert _trials(found) == {"cpu": 1}
    assert cluster.now < 60
    cluster.now += 10_000
    found.look()
    assert "Node dumb (10.0.0.1) is set aside: it did not answer" in cluster.said.pop()


def test_each_kind_of_device_has_slots_of_its_own(cluster: _Cluster, tmp_path: Path) -> None:
    cluster.add("gpu", kind="cuda", cpus=4)
    cluster.add("mac", kind="mps", cpus=4)
    cluster.add("cpu", cpus=4)
    found = _nodes(cluster, tmp_path)
    found.wait(_never)
    taken: list[Slots | None] = [found.next({}, 9), found.next({"cuda": 1}, 9)]
    assert [each and each.kind for each in taken] == ["cuda", "mps"]
    assert found.next({"cuda": 1, "mps": 1}, 9) is None
