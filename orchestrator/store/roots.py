"""The files under a root, by its address."""

from __future__ import annotations

import hashlib
import os
import re
from functools import cache
from pathlib import Path

from orchestrator.store.errors import StoreUnusableError
from orchestrator.store.files import FileSystem, LocalFiles
from orchestrator.store.place import ENDPOINTS, BucketAddress, Root, StoreFiles
from trainables.runtime.cache_folder import VARIABLE, cache_folder

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_PART = re.compile(r"[A-Za-z0-9_.=+@-]+")


def open_root(root: Root, system: FileSystem | None = None) -> StoreFiles:
    """Returns the files under a root; nothing is made, and nobody is asked.

    Args:
        root: Its address.
        system: The operating system's calls, replaced in tests.
    """
    if isinstance(root, Path):
        return LocalFiles(root, system)
    return _in_bucket(root)


def is_there(root: Root) -> bool:
    """Returns whether there is something at a root already.

    Raises:
        StoreUnusableError: The bucket is not there, or cannot be read.
    """
    return root.exists() if isinstance(root, Path) else bool(open_root(root).folders(""))


def local_folder(root: Root) -> Path:
    """Returns the folder for files of a root that stay on the machine that writes them.

    Of a root that is a folder it is that folder. Of one in a bucket it is a cache: what is lost
    with it is fetched again, or was of use to nobody but the running processes.

    Raises:
        StoreUnusableError: The root is in a bucket, and this machine is to keep no cache.
    """
    if isinstance(root, Path):
        return root
    folder = cache_folder("buckets")
    if folder is None:
        raise StoreUnusableError(
            f"{VARIABLE} is empty, so nothing is kept on this machine, but a sweep in {root} needs"
            f" a folder here for its log and for checkpoints that it goes on from; set {VARIABLE}"
            " to one."
        )
    # A bucket's name says which one it is on one server alone.
    servers = [os.environ.get(name, "") for name in ENDPOINTS]
    digest = hashlib.sha256("\n".join([str(root), *servers]).encode()).hexdigest()
    return folder / f"{root.bucket}-{digest[:16]}"


def bucket_address(text: str) -> BucketAddress:
    """Returns the address that a text says.

    Args:
        text: As `s3://bucket/prefix`; the prefix may be absent.

    Raises:
        ValueError: It says none; says why not, in a sentence.
    """
    scheme, _, rest = text.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme.lower() != "s3" or not _BUCKET.fullmatch(bucket):
        raise ValueError(
            f"{text!r} names no bucket; an address is s3://BUCKET or s3://BUCKET/PATH, and BUCKET"
            " has 3 to 63 ASCII letters, digits and ._-, with a letter or digit at both ends."
        )
    prefix = prefix.removesuffix("/")
    parts = prefix.split("/") if prefix else []
    if not all(_PART.fullmatch(part) and part not in (".", "..") for part in parts):
        raise ValueError(
            f"{text!r} has a part between '/' that is empty, '.' or '..', or has a character other"
            " than ASCII letters, digits and _.=+@-"
        )
    return BucketAddress(bucket, prefix)


@cache
def _in_bucket(address: BucketAddress) -> StoreFiles:
    """Returns the files of a bucket: one object a process, which keeps its connections."""
    # A folder's readers and writers need not wait for obstore.
    from orchestrator.store.bucket import BucketFiles

    return BucketFiles(address)
