"""MLflow's side of `benchmarks.store_cost`: a script for an environment of its own.

    python benchmarks/mlflow_store.py write STORE.db FIRST LAST REPORTS METRICS
    python benchmarks/mlflow_store.py read STORE.db

`write` logs trials FIRST to LAST - 1 as MLflow's own client does it fastest: one `log_batch` for
the parameters and one a report. Prints the seconds of each report and of all of it as JSON. `read`
prints the seconds that `search_runs` took for the 50 best runs.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import time
from typing import Any

EXPERIMENT = "store_cost"
SHOWN = 50


def write(client: Any, first: int, last: int, reports: int, metrics: int) -> dict[str, Any]:
    """Logs trials; returns `reports` (seconds each) and `total` (seconds)."""
    entities = importlib.import_module("mlflow.entities")
    found = client.get_experiment_by_name(EXPERIMENT)
    experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
    seconds = []
    began = time.perf_counter()
    for number in range(first, last):
        quality = random.Random(number).random()
        run = client.create_run(experiment).info.run_id
        parameters = [entities.Param(f"parameter_{index}", "0.001") for index in range(16)]
        client.log_batch(run, params=parameters)
        for step in range(reports):
            values = [
                entities.Metric(f"metric_{index}", quality * (step + 1) / reports, 0, step)
                for index in range(metrics)
            ]
            before = time.perf_counter()
            client.log_batch(run, metrics=values)
            seconds.append(time.perf_counter() - before)
        client.set_terminated(run)
    return {"reports": seconds, "total": time.perf_counter() - began}


def read(client: Any) -> dict[str, Any]:
    """Asks for the best runs; returns `seconds` and `runs`."""
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    before = time.perf_counter()
    runs = client.search_runs([experiment], order_by=["metrics.metric_0 DESC"], max_results=SHOWN)
    return {"seconds": time.perf_counter() - before, "runs": len(runs)}


def main() -> None:
    """Does what the arguments say and prints one line of JSON."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    mlflow = importlib.import_module("mlflow")  # not in the environment that is type-checked
    verb, file, *numbers = sys.argv[1:]
    client = mlflow.MlflowClient(f"sqlite:///{file}")
    found = write(client, *map(int, numbers)) if verb == "write" else read(client)
    print(json.dumps({**found, "version": mlflow.__version__}))


if __name__ == "__main__":
    main()
