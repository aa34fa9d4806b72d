"""A Ray cluster for as long as a sweep runs: started on this machine, or joined."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.air._internal import usage
from ray.exceptions import AuthenticationError
from ray.tune.execution import class_cache

from orchestrator.ray_tune import access, memory_kills, session_folder
from orchestrator.terminal.console import quiet

# What Ray Tune and Ray Train (2.60) do by default, where that is not what a sweep needs.
_TUNE_SETTINGS = {
    # Tune's own CSV, JSON and TensorBoard files: the store has everything.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # A stopped function that is still in a long step is waited for; after the default of 2 s the
    # next trial in its process would fail.
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",
    # Ctrl-C raises KeyboardInterrupt in the driver, which says how to continue.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Relative paths in a search space file mean the folder that the sweep was started in.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_STATE_TRACKING": "1",
    # A group whose nodes are gone, or taken by another sweep, is placed anew after this.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "300",
}

TRIAL_SETTINGS = {
    # The trials share the machine's cores; the tokenizer would take them all.
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # A trial compiles nothing. bitsandbytes (0.50), which PEFT imports, wraps functions in
    # `torch.compile`, for which torch (2.13) would load TorchInductor: two CPU seconds a process.
    "TORCHDYNAMO_DISABLE": "1",
}

_LOCAL_SETTINGS = {
    # Ray (2.60) would start a process a core, a CPU second each, in an environment without the
    # settings above, so that none could become a trial's.
    "RAY_prestart_worker_first_driver": "0",
}


@contextmanager
def cluster(
    address: str | None, dashboard: bool, dashboard_host: str = access.LOOPBACK
) -> Iterator[dict[str, Any]]:
    """Starts a local Ray cluster, or connects to one, and leaves it at the end.

    Args:
        address: Of a running cluster; None starts one on this machine, on loopback only.
        dashboard: Whether a local cluster has a dashboard.
        dashboard_host: The address that a local cluster's dashboard listens on.

    Yields:
        `{"resources": Ray's total resources, "dashboard": its address or None}`.

    Raises:
        AccessError: The cluster cannot be joined, or others could use the one started here.
    """
    tune_settings = {name: os.environ.get(name, value) for name, value in _TUNE_SETTINGS.items()}
    os.environ.update(tune_settings)
    local: dict[str, Any] = {}
    if address is None:
        access.check_dashboard(dashboard_host)
        access.protect_token()
        session_folder.keep_short()
        for name, value in _LOCAL_SETTINGS.items():
            os.environ.setdefault(name, value)
        local = {"include_dashboard": dashboard, "dashboard_host": dashboard_host}
    else:
        access.check_address(address)
    _keep_credentials()
    memory_kills.survive()
    if os.environ.get("RAY_USAGE_STATS_ENABLED") == "0":
        count_no_callbacks()
    try:
        context = ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {**tune_settings, **TRIAL_SETTINGS}},
            **local,
        )
    except (AuthenticationError, ConnectionError, ValueError) as error:
        if address is None:
            raise
        raise access.AccessError(
            f"The Ray cluster at {address} (--address) cannot be joined:"
            f" {str(error).strip().splitlines()[0].rstrip('.')}. Is it running, is this the port"
            f" that `ray start --head` printed, and does it share this machine's Ray token"
            f" (RAY_AUTH_MODE=token, RAY_AUTH_TOKEN)? {access.OTHER_PORTS}"
        ) from error
    try:
        if address is None:
            access.check_loopback_only(ray.util.get_node_ip_address())
        yield {"resources": ray.cluster_resources(), "dashboard": context.dashboard_url or None}
    finally:
        ray.shutdown()


def is_up() -> bool:
    """Returns whether the cluster that was started or joined has a node, as far as Ray knows."""
    return any(node["Alive"] for node in ray.nodes())


def has_accelerator(address: str) -> bool:
    """Returns whether a running cluster has a node with an accelerator.

    Args:
        address: Of the cluster; it is joined for a moment.

    Raises:
        AccessError: It cannot be joined.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        quiet(Path(folder) / "ray.log"),
        cluster(address, dashboard=False) as joined,
    ):
        return bool(joined["resources"].get("GPU"))


def count_no_callbacks() -> None:
    """Keeps Ray Tune (2.60) from counting the driver's callbacks by kind, for statistics of use.

    To tell the kinds it imports the integrations of MLflow and Weights & Biases, and so these where
    they are installed: three CPU seconds between the start of Ray and the first trial. In a release
    that counts in another way the seconds come back, and nothing else changes.
    """
    usage.tag_callbacks = lambda callbacks: False


def _keep_credentials() -> None:
    """Keeps Ray Tune (2.60) from copying AWS credentials into the trials' runtime environments.

    Those are shown by the dashboard and the State API and written to Ray's logs below its temporary
    folder, which other users can read. Trials on this machine inherit the environment anyway; other
    nodes have their own, as for every other token.
    """
    class_cache.ENV_VARS_TO_PROPAGATE.difference_update(
        {name for name in class_cache.ENV_VARS_TO_PROPAGATE if name.startswith("AWS_")}
    )
