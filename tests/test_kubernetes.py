"""The manifest of a sweep on Kubernetes: its parts are what Kubernetes takes, and versions agree.

What KubeRay itself takes of a RayJob is checked for the keys that the manifest has. The whole
manifest was held against the definitions of KubeRay 1.6.2 and 1.7.0 when it was written.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships without types
import kubernetes_validate
import pytest
import typer
from ruamel.yaml import YAML

from orchestrator import program
from orchestrator.search_space import load
from orchestrator.search_space.shipped import locate
from orchestrator.state.stop_request import GRACE_SECONDS
from orchestrator.sweep.cli import app

TOP = Path(__file__).resolve().parents[1]
CLAIM, JOB = YAML(typ="safe").load_all((TOP / "docs" / "kubernetes" / "rayjob.yaml").read_text())
CLUSTER: dict[str, Any] = JOB["spec"]["rayClusterSpec"]
TEMPLATES: dict[str, Any] = {
    "head": CLUSTER["headGroupSpec"]["template"],
    **{group["groupName"]: group["template"] for group in CLUSTER["workerGroupSpecs"]},
}


def _only(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    """An object with no other keys than these."""
    return {
        "type": "object",
        "properties": properties,
        "required": required or list(properties),
        "additionalProperties": False,
    }


_TEXT, _COUNT = {"type": "string"}, {"type": "integer", "minimum": 0}
_POD = _only(spec={"type": "object"})
_PARAMETERS = {"type": "object", "additionalProperties": _TEXT}
RAY_JOB = _only(
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=_only(name={"type": "string", "maxLength": 47}),  # names of pods are made of it
    spec=_only(
        entrypoint=_TEXT,
        runtimeEnvYAML=_TEXT,
        shutdownAfterJobFinishes={"const": True},
        ttlSecondsAfterFinished=_COUNT,
        backoffLimit=_COUNT,
        rayClusterSpec=_only(
            rayVersion=_TEXT,
            authOptions=_only(mode={"const": "token"}),
            enableInTreeAutoscaling={"const": True},
            autoscalerOptions=_only(idleTimeoutSeconds=_COUNT),
            headGroupSpec=_only(rayStartParams=_PARAMETERS, template=_POD),
            workerGroupSpecs={
                "type": "array",
                "minItems": 1,
                "items": _only(
                    groupName=_TEXT,
                    replicas=_COUNT,
                    minReplicas=_COUNT,
                    maxReplicas=_COUNT,
                    rayStartParams=_PARAMETERS,
                    template=_POD,
                ),
            },
        ),
    ),
)


def _containers() -> list[dict[str, Any]]:
    return [each for pod in TEMPLATES.values() for each in pod["spec"]["containers"]]


def _words() -> list[str]:
    """The words of the sweep's command, after the command's name."""
    name, command, *words = shlex.split(JOB["spec"]["entrypoint"])
    assert name in tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["scripts"]
    assert (command, "sweep" in program.COMMANDS) == ("sweep", True)
    return words


def _options() -> dict[str, Any]:
    """What the sweep's command makes of its words."""
    return dict(typer.main.get_command(app).make_context("sweep", _words()).params)


def _version(package: str) -> str:
    lines = (TOP / "constraints.txt").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{package}=="))
    return line.partition("==")[2]


def test_the_job_has_no_key_or_value_that_kuberay_does_not_take() -> None:
    jsonschema.validate(JOB, RAY_JOB)


@pytest.mark.parametrize("name", TEMPLATES)
def test_its_pods_are_what_kubernetes_takes(name: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, **TEMPLATES[name]}
    kubernetes_validate.validate(pod, "1.31", strict=True)


def test_the_claim_is_one_that_all_nodes_mount() -> None:
    kubernetes_validate.validate(CLAIM, "1.31", strict=True)
    assert CLAIM["spec"]["accessModes"] == ["ReadWriteMany"]
    for pod in TEMPLATES.values():
        (volume,) = pod["spec"]["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == CLAIM["metadata"]["name"]


def test_its_command_is_a_sweep_that_the_package_has() -> None:
    options = _options()
    assert options["address"] == "auto"
    sweep = load(
        locate(options["file"]),
        options["overrides"],
        None,
        options["profile"],
        has_accelerator=False,  # as where the command runs
    )
    assert sweep.profile == "full"
    assert sweep.resources.kinds == ("cuda",)


def test_the_root_is_in_the_volume_of_every_pod() -> None:
    root = _options()["root"]
    for container in _containers():
        (mount,) = container["volumeMounts"]
        assert root.is_relative_to(mount["mountPath"])
        (cache,) = container["env"]
        assert Path(cache["value"]).is_relative_to(mount["mountPath"])


def test_trials_run_on_gpus_and_none_on_the_head() -> None:
    assert CLUSTER["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in CLUSTER["workerGroupSpecs"]:
        (container,) = group["template"]["spec"]["containers"]
        assert int(container["resources"]["limits"]["nvidia.com/gpu"]) > 0
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_versions_are_those_of_the_package() -> None:
    assert CLUSTER["rayVersion"] == _version("ray")
    (image,) = {each["image"] for each in _containers()}
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    assert re.fullmatch(rf".+/{project['name']}:{re.escape(project['version'])}-cuda", image)


def test_a_job_that_is_stopped_has_time_to_save() -> None:
    told = YAML(typ="safe").load(JOB["spec"]["runtimeEnvYAML"])["env_vars"]
    assert int(told["RAY_JOB_STOP_WAIT_TIME_S"]) > GRACE_SECONDS
