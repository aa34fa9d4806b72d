"""Machines on one computer, for Ray clusters: each a network, mount, process and host name space.

They are joined by a bridge. What is below the `private` folders is each machine's own; the rest of
the file system is shared, as by a network file system. Made as root on Linux; elsewhere a test that
asks for machines is skipped with the reason.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

TOP = Path(__file__).resolve().parents[2]
PORT = 6379
_BRIDGE = "bridge"

_SETTINGS = {
    "RAY_AUTH_MODE": "token",
    # `ray start` inherits it from the tests' process, where the package has set it to 0.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # A node is given up after some seconds without a sign of life, instead of after half a minute.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "4",
    "RAY_health_check_timeout_ms": "1000",
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
}


class Machine:
    """One machine; its processes end with it.

    Attributes:
        name: Its host name.
        address: Its IP address on the bridge.
    """

    def __init__(self, name: str, address: str, namespace: str, switch: str) -> None:
        """Makes name spaces and network; nothing runs in it but a process that holds them."""
        self.name, self.address = name, address
        self._namespace, self._switch = namespace, switch
        self._port = f"to-{namespace.partition('-')[0]}"
        _ip("netns", "add", namespace)
        cable = ("type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", switch, "link", "add", self._port, *cable)
        _ip("-n", switch, "link", "set", self._port, "master", _BRIDGE, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("link", "set", "eth0", "up"),
            ("addr", "add", f"{address}/24", "dev", "eth0"),
        ):
            _ip("-n", namespace, *words)
        held = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self._holder = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *held, "sh", "-c", f"hostname {name}; echo; cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        self._init = _child(self._holder.pid)

    def command(self, words: Sequence[str | Path], folder: Path = TOP) -> list[str]:
        """Returns the command that runs another one in this machine."""
        spaces = ["--mount", "--uts", "--net", "--pid"]
        enter = ["nsenter", f"--target={self._init}", *spaces, f"--wd={folder}"]
        return [*enter, "--", *map(str, words)]

    def start(
        self, words: Sequence[str | Path], environment: Mapping[str, str], folder: Path = TOP
    ) -> subprocess.Popen[str]:
        """Starts a command in this machine, in a folder."""
        return subprocess.Popen(
            self.command(words, folder),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, words: Sequence[str | Path], environment: Mapping[str, str] = {}) -> str:
        """Runs a command in this machine and returns what it said."""
        done = subprocess.run(
            self.command(words),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def hide(self, folder: Path) -> None:
        """Gives the machine a folder of its own in the place of a shared one, empty."""
        folder.mkdir(parents=True, exist_ok=True)
        self.run(["mount", "-t", "tmpfs", "tmpfs", folder])

    def write(self, path: Path, text: str) -> None:
        """Writes a file in a folder of its own."""
        self.run(["sh", "-c", 'printf %s "$1" > "$2"', "sh", text, path])

    def name_loopback(self, scratch: Path) -> None:
        """Has its host name mean a loopback address, as Debian's installer does."""
        hosts = scratch / f"hosts-{self.name}"
        hosts.write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")
        self.run(["mount", "--bind", hosts, "/etc/hosts"])

    def cut(self) -> None:
        """Takes it off the network."""
        _ip("-n", self._switch, "link", "set", self._port, "down")

    def heal(self) -> None:
        """Puts it back on the network."""
        _ip("-n", self._switch, "link", "set", self._port, "up")

    def processes(self) -> dict[psutil.Process, str]:
        """Returns what runs in it, each process with its command."""
        space = Path(f"/proc/{self._init}/ns/pid").readlink()
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):  # it ends meanwhile
                if Path(f"/proc/{process.pid}/ns/pid").readlink() == space:
                    found[process] = " ".join(process.cmdline())
        return {
            process: command
            for process, command in found.items()
            if process.pid != self._init and command != "cat"
        }

    def end(self) -> None:
        """Ends it with everything that runs in it, as a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._init, signal.SIGKILL)
        self._holder.kill()
        self._holder.wait()
        unplug = ["ip", "-n", self._switch, "link", "del", self._port]
        subprocess.run(unplug, capture_output=True)
        subprocess.run(["ip", "netns", "del", self._namespace], capture_output=True)


class Machines:
    """Machines on one bridge, and the Ray cluster on some of them.

    Attributes:
        environment: Of every command in them.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], *, dashboard: bool = False
    ) -> None:
        """Makes the bridge."""
        self._dashboard = dashboard
        self._id = uuid.uuid4().hex[:6]
        self._switch = f"switch-{self._id}"
        self._folder = folder
        self._all: list[Machine] = []
        self._made = 0
        self._head: Machine | None = None
        self.environment = {
            **_SETTINGS,
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "HOME": str(folder),
            **environment,
        }
        # In a name space of its own, where no firewall of this computer's looks at what passes.
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", _BRIDGE, "type", "bridge")
        _ip("-n", self._switch, "link", "set", _BRIDGE, "up")

    @property
    def head(self) -> Machine:
        """The one that runs Ray's head."""
        assert self._head is not None
        return self._head

    @property
    def address(self) -> str:
        """What `--address` takes."""
        return f"{self.head.address}:{PORT}"

    def make(self, name: str, private: Sequence[Path] = ()) -> Machine:
        """Adds a machine without Ray.

        Args:
            name: Its host name.
            private: Folders that are its own.
        """
        self._made += 1
        number = self._made
        machine = Machine(name, f"10.211.7.{number}", f"m{number}-{self._id}", self._switch)
        self._all.append(machine)
        # Ray's own folder has the same name on all of them; each has its sockets in it.
        for folder in (Path("/tmp/ray"), *private):
            machine.hide(folder)
        machine.name_loopback(self._folder)
        return machine

    def add(
        self, name: str, *options: str, private: Sequence[Path] = (), **environment: str
    ) -> Machine:
        """Adds a machine and starts Ray on it, as the head if there is none.

        Args:
            name: Its host name.
            options: Of `ray start`.
            private: Folders that are its own.
            environment: Of Ray there, and so of what Ray runs.
        """
        machine = self.make(name, private)
        self.start_ray(machine, *options, **environment)
        return machine

    def start_ray(self, machine: Machine, *options: str, **environment: str) -> None:
        """Starts Ray on a machine, as the head if there is none; arguments as of `add`."""
        if self._head is None:
            self._head = machine
            dashboard = f"--include-dashboard={str(self._dashboard).lower()}"
            where = ["--head", f"--port={PORT}", dashboard]
        else:
            where = [f"--address={self.address}"]
        ray = Path(sys.executable).with_name("ray")
        fixed = [f"--node-ip-address={machine.address}", "--disable-usage-stats"]
        machine.run([ray, "start", *where, *fixed, *options], {**self.environment, **environment})

    def lose(self, machine: Machine) -> None:
        """Ends one machine; without its head a cluster has ended too, and `add` begins another."""
        machine.end()
        self._all.remove(machine)
        if machine is self._head:
            self._head = None

    def sweep(
        self, machine: Machine, *words: str | Path, folder: Path = TOP, **environment: str
    ) -> subprocess.Popen[str]:
        """Starts a command of the project's in a machine, with the cluster's token."""
        told = {"PYTHONPATH": str(TOP), **self.environment, **environment}
        # As the package has it where nobody sets it; nodes alone need it.
        told["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        return machine.start([sys.executable, "-m", *words], told, folder)

    def end(self) -> None:
        """Ends all of them and takes the network down."""
        for machine in self._all:
            machine.end()
        subprocess.run(["ip", "netns", "del", self._switch], capture_output=True)


@contextmanager
def machines(folder: Path, *, dashboard: bool = False, **environment: str) -> Iterator[Machines]:
    """Makes a bridge for machines; skips the test where that is not permitted.

    Args:
        folder: For what they need.
        dashboard: Whether the head has one, which worker groups need.
        environment: Of every command in them.
    """
    if why := obstacle():
        pytest.skip(f"machines cannot be made here: {why}")
    found = Machines(folder, environment, dashboard=dashboard)
    try:
        yield found
    finally:
        found.end()


def obstacle() -> str | None:
    """Returns why machines cannot be made here; None if they can."""
    if sys.platform != "linux":
        return "this is not Linux"
    if missing := [name for name in ("ip", "unshare", "nsenter") if shutil.which(name) is None]:
        return f"there is no command {missing[0]}"
    probe = f"probe-{uuid.uuid4().hex[:6]}"
    for words in (["unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "true"],):
        if (done := subprocess.run(words, capture_output=True, text=True)).returncode:
            return done.stderr.strip()
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if done.returncode:
        return done.stderr.strip()
    subprocess.run(["ip", "netns", "del", probe], check=True)
    return None


def kill(process: subprocess.Popen[str]) -> None:
    """Kills a command that was started in a machine, if it still runs."""
    if process.poll() is None:
        # What was started is the command that has entered the machine, and waits for the other.
        with contextlib.suppress(ProcessLookupError, IndexError, FileNotFoundError):
            os.kill(_child(process.pid), signal.SIGKILL)
    process.wait()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def _child(process: int) -> int:
    """Returns the first process below another one, in its name spaces the one that holds them."""
    listing = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(listing[0])
