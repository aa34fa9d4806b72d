"""A Grafana board of a running sweep, as Grafana imports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.dashboard import catalogue
from orchestrator.dashboard.catalogue import Metric

UID = "finetuneSweep"
_SCHEMA_VERSION = 27
"""Of Ray's own boards (2.60), so that a Grafana that shows those shows this one."""
_SOURCE = "${datasource}"
_OF_SWEEP = 'sweep=~"$sweep"'
_WIDTH, _HEIGHT = 24, 8


@dataclass(frozen=True)
class _Panel:
    """A panel: queries with their legends."""

    title: str
    metrics: Sequence[tuple[Metric, str]]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 12
    height: int = _HEIGHT


_TRIAL = "{{trial}} {{technique}} {{stratum}}"
_RUNNING = [(catalogue.RUNNING, "running"), (catalogue.PLACES, "places")]
_PANELS = (
    _Panel("Running", _RUNNING, "short", "stat", 6, 4),
    _Panel("Ended", [(catalogue.ENDED, "{{outcome}}")], "short", "stat", 6, 4),
    _Panel("Best objective", [(catalogue.BEST, "{{sweep}}")], "none", "stat", 6, 4),
    _Panel("Time left", [(catalogue.SECONDS_LEFT, "{{sweep}}")], "s", "stat", 6, 4),
    _Panel("Objective", [(catalogue.OBJECTIVE, _TRIAL)], "none"),
    _Panel("Validation loss", [(catalogue.EVAL_LOSS, _TRIAL)], "none"),
    _Panel("Training loss", [(catalogue.TRAIN_LOSS, _TRIAL)], "none"),
    _Panel("Examples", [(catalogue.EXAMPLES, _TRIAL)]),
    _Panel("Examples a second", [(catalogue.SPEED, _TRIAL)]),
    _Panel("Memory of the device", [(catalogue.MEMORY, _TRIAL)], "bytes"),
    _Panel("Runs", [(catalogue.RUNS, "{{phase}} in all"), (catalogue.ENDED, "{{outcome}}")]),
    _Panel("Device time spent", [(catalogue.DEVICE_SECONDS, "{{sweep}}")], "s"),
)


def board() -> dict[str, Any]:
    """Returns the board: a variable for the data source, one for the sweep, and the panels."""
    panels = []
    x = y = height = 0
    for number, panel in enumerate(_PANELS, 1):
        if x + panel.width > _WIDTH:
            x, y = 0, y + height
        panels.append(_panel(panel, number, x, y))
        x, height = x + panel.width, panel.height
    return {
        "uid": UID,
        "title": "Fine-tuning sweeps",
        "version": 1,
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "annotations": {"list": []},
        "templating": {"list": [_data_source(), _sweep()]},
        "panels": panels,
    }


def _panel(panel: _Panel, number: int, x: int, y: int) -> dict[str, Any]:
    return {
        "id": number,
        "title": panel.title,
        "description": " ".join(metric.description for metric, _ in panel.metrics),
        "type": panel.kind,
        "datasource": _SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {},
        "targets": [
            {
                "expr": f"{metric.exported}{{{_OF_SWEEP}}}",
                "legendFormat": legend,
                "refId": chr(ord("A") + place),
            }
            for place, (metric, legend) in enumerate(panel.metrics)
        ],
    }


def _data_source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 2,
        "includeAll": False,
        "multi": False,
    }


def _sweep() -> dict[str, Any]:
    query = f"label_values({catalogue.RUNS.exported}, {catalogue.SWEEP})"
    return {
        "name": "sweep",
        "label": "Sweep",
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "StandardVariableQuery"},
        "refresh": 2,
        "hide": 0,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "sort": 2,
    }
