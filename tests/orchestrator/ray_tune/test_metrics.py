"""What Prometheus reads of a running sweep."""

from __future__ import annotations

import contextlib
import time
import urllib.request
from pathlib import Path

import pytest
import ray
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.dashboard import catalogue
from orchestrator.ray_tune.cluster import cluster
from orchestrator.ray_tune.metrics import SweepMetrics
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_report import RunReport
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from tests.orchestrator import sweeps

SECONDS = 60
LORA: Configuration = {"technique": "lora", "data_size": 100, "rank": 4, "learning_rate": 0.5}


def _samples(address: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    with urllib.request.urlopen(address, timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("ray_finetune_"):
                labels = {k: v for k, v in sample.labels.items() if k in catalogue.LABELS}
                found.setdefault(sample.name, []).append((labels, sample.value))
    return found


def test_events_do_not_ask_for_the_whole_sweep_again_and_time_does(tmp_path: Path) -> None:
    stored = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    asked: list[float] = []
    now = [0.0]

    def of_sweep() -> dict[catalogue.Metric, dict[str, float | None]]:
        asked.append(now[0])
        return {catalogue.RUNNING: {"": 1.0}}

    metrics, proposal = SweepMetrics(stored, of_sweep, lambda: now[0]), Proposal(1, 0, 0, LORA)
    for second in range(12):
        now[0] = second
        for _ in range(100):  # a controller's step after each event
            metrics.started(proposal)
            metrics.reported(proposal, RunReport(90, 0.25, 1.5))
            metrics.ended(proposal, {})
            metrics.passed()
    assert asked == [0, 5, 10]


@pytest.mark.ray
@pytest.mark.slow
def test_prometheus_reads_the_sweep_and_its_trials(tmp_path: Path) -> None:
    rates = {"rank": {"choice": [4, 8]}, "learning_rate": {"loguniform": [0.01, 1.0]}}
    space = {"technique": {"lora": rates}, "data_size": 100}
    stored = latest(sweeps.toy(tmp_path, ask=["rank"], space=space), Store(tmp_path / "store"))
    of_sweep: dict[catalogue.Metric, dict[str, float | None]] = {
        catalogue.RUNS: {"tuning": 9, "confirming": 4},
        catalogue.ENDED: {"completed": 2, "failed": 1},
        catalogue.RUNNING: {"": 2},
        catalogue.PLACES: {"": 2},
        catalogue.BEST: {"": 0.5},
        catalogue.DEVICE_SECONDS: {"": 12.5},
        catalogue.SECONDS_LEFT: {"": None},
    }
    report = RunReport(
        90, 0.25, 1.5, train_seconds=3.0, train_loss=2.0, memory_bytes=1 << 20, eval_rows=10
    )
    with cluster(None, dashboard=True):
        metrics = SweepMetrics(stored, lambda: of_sweep)
        metrics.reported(Proposal(1, 0, 0, LORA), report)
        metrics.passed()
        (node,) = ray.nodes()
        address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        until = time.monotonic() + SECONDS
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        while len(found) < len(catalogue.METRICS) - 1 and time.monotonic() < until:
            time.sleep(0.5)  # an agent exports what it is handed every few seconds
            with contextlib.suppress(OSError):  # it may only now be starting
                found = _samples(address)
    # Nothing is known of the time that is left.
    known = {metric.exported for metric in catalogue.METRICS} - {catalogue.SECONDS_LEFT.exported}
    assert set(found) == known
    assert found[catalogue.BEST.exported] == [({"sweep": stored.id}, 0.5)]
    ended = {labels["outcome"]: value for labels, value in found[catalogue.ENDED.exported]}
    assert ended == {"completed": 2, "failed": 1}
    trial = {"trial": stored.trial_id(1), "technique": "lora", "stratum": "rank=4"}
    of_trial = {**trial, "sweep": stored.id}
    assert found[catalogue.OBJECTIVE.exported] == [(of_trial, 0.25)]
    assert found[catalogue.SPEED.exported] == [(of_trial, 30.0)]
    assert found[catalogue.MEMORY.exported] == [(of_trial, 1 << 20)]
