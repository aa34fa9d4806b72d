"""How many trials run at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.ray_tune.placement import NoRoomError, local_accelerators, slots
from tests.orchestrator import sweeps


@pytest.mark.parametrize(
    ("cluster", "resources", "limit", "trials", "workers", "kind"),
    [
        ({"CPU": 2.0}, {}, None, 2, 1, "cpu"),
        ({"CPU": 8.0}, {"cpus": 3}, None, 2, 1, "cpu"),
        ({"CPU": 16.0, "GPU": 4.0}, {}, None, 4, 1, "cuda"),
        ({"CPU": 2.0, "GPU": 4.0}, {}, None, 2, 1, "cuda"),
        ({"CPU": 16.0, "GPU": 2.0}, {"accelerators": 0.5}, None, 4, 1, "cuda"),
        # A third and a third and a third of one device; the same of the other.
        ({"CPU": 16.0, "GPU": 2.0}, {"accelerators": 0.3}, None, 6, 1, "cuda"),
        ({"CPU": 16.0, "GPU": 4.0}, {"accelerators": 2}, None, 2, 2, "cuda"),
        ({"CPU": 4.0}, {"accelerators": 2}, None, 2, 2, "cpu"),
        ({"CPU": 16.0, "GPU": 4.0}, {}, 3, 3, 1, "cuda"),
        ({"CPU": 16.0, "GPU": 4.0}, {"kinds": ["cpu"]}, None, 16, 1, "cpu"),
        ({"CPU": 16.0, "GPU": 4.0}, {"kinds": ["cpu", "cuda"]}, None, 4, 1, "cuda"),
    ],
)
def test_trials_never_take_more_than_there_is(
    tmp_path: Path,
    cluster: dict[str, float],
    resources: dict[str, float],
    limit: int | None,
    trials: int,
    workers: int,
    kind: str,
) -> None:
    sweep = sweeps.toy(tmp_path, resources=resources, limits={"max_concurrent": limit})
    found = slots(sweep, cluster, apple=False)
    assert (found.trials, found.workers, found.kind) == (trials, workers, kind)
    for resource, each in found.resources.items():
        assert each * found.workers * found.trials <= cluster[resource]


def test_an_apple_machine_has_one_device(tmp_path: Path) -> None:
    assert slots(sweeps.toy(tmp_path), {"CPU": 8.0, "GPU": 1.0}, apple=True).kind == "mps"


@pytest.mark.parametrize(
    ("cluster", "resources", "words"),
    [
        ({"CPU": 2.0}, {"cpus": 4}, "takes 4 CPUs"),
        ({"CPU": 8.0, "GPU": 1.0}, {"accelerators": 2}, "takes 2 accelerators"),
        ({"CPU": 8.0}, {"kinds": ["cuda", "mps"]}, "runs on cuda or mps"),
        ({"CPU": 8.0, "GPU": 1.0}, {"kinds": "mps"}, "runs on mps"),
    ],
)
def test_a_trial_that_fits_nowhere_is_refused(
    tmp_path: Path, cluster: dict[str, float], resources: dict[str, float], words: str
) -> None:
    with pytest.raises(NoRoomError, match=words):
        slots(sweeps.toy(tmp_path, resources=resources), cluster, apple=False)


@pytest.mark.parametrize(("visible", "count"), [(None, 2), ("", 0), ("-1", 0), ("1", 1)])
def test_accelerators_are_counted_without_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, count: int
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H200 (UUID: a)'\necho 'GPU 1: NVIDIA H200'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert local_accelerators() == count
