"""A machine that has nothing but a bucket."""

from __future__ import annotations

import json

from orchestrator.store.place import BucketAddress
from tests.orchestrator.machines import Machine, Machines


def add_bucket(made: Machines) -> tuple[Machine, BucketAddress]:
    """Adds a machine that serves a bucket, and has all others that come find it.

    Returns:
        The machine, and the address of a root in the bucket.
    """
    machine = made.make("bucket")
    server = made.sweep(machine, "tests.bucket_server", machine.address)
    assert server.stdout is not None
    said = json.loads(server.stdout.readline())
    made.environment.update(said["environment"])
    return machine, BucketAddress(said["bucket"], "some/root")
