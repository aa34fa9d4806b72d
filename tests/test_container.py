"""The Dockerfile: what it copies is there and is all that the package needs, and versions agree.

There is no daemon to build it with where these tests run.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from dockerfile_parse import DockerfileParser
from dockerfile_parse.constants import DOCKERFILE_FILENAME

TOP = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]


def _instructions(name: str) -> list[str]:
    parser = DockerfileParser(str(TOP / DOCKERFILE_FILENAME))
    return [each["value"] for each in parser.structure if each["instruction"] == name]


def _copied() -> list[str]:
    """What is copied, of each COPY all but the last word."""
    return [word for value in _instructions("COPY") for word in shlex.split(value)[:-1]]


def test_what_is_copied_is_there_and_is_all_that_a_build_is_sent() -> None:
    lines = (TOP / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*", "everything else is left out"
    assert sorted(_copied()) == sorted(line[1:] for line in lines if line.startswith("!"))
    for name in _copied():
        assert (TOP / name).exists(), name


def test_python_is_one_that_the_package_takes_and_the_tests_run_with() -> None:
    (image,) = _instructions("FROM")
    found = re.fullmatch(r"python:(\d+)\.(\d+)-slim-[a-z]+", image)
    assert found is not None, image
    version = (int(found[1]), int(found[2]))
    wanted = re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["requires-python"])
    assert wanted is not None
    assert version >= (int(wanted[1]), int(wanted[2]))


def test_torch_is_named_as_the_dockerfile_looks_for_it() -> None:
    assert any("grep '^torch==' constraints.txt" in value for value in _instructions("RUN"))
    lines = (TOP / "constraints.txt").read_text().splitlines()
    assert len([line for line in lines if line.startswith("torch==")]) == 1


def test_the_dependencies_that_it_installs_are_the_packages(tmp_path: Path) -> None:
    """Runs the line of the Dockerfile that lists them."""
    (step,) = (value for value in _instructions("RUN") if value.startswith("python -c "))
    words = shlex.split(step)
    code = words[words.index("-c") + 1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == PROJECT["dependencies"]


def test_its_command_is_one_of_the_packages() -> None:
    (command,) = _instructions("CMD")
    assert json.loads(command)[0] in PROJECT["scripts"]


@pytest.mark.slow
def test_the_package_is_whole_when_made_of_what_is_copied(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", *_copied()], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout.split()
    build = tmp_path / "build"
    for name in listed:
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        (build / name).write_bytes((TOP / name).read_bytes())
    making = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*making, str(tmp_path), str(build)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    packages = ("orchestrator/", "trainables/", "search_spaces/")
    shipped = (".py", ".yaml", ".json", ".safetensors", ".typed")
    missing = [
        name
        for name in listed
        if name.startswith(packages) and name.endswith(shipped) and name not in held
    ]
    assert missing == []
