"""The value of `--root` and of what is like it: a folder, or a place in a bucket."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orchestrator.store.place import Root
from orchestrator.store.roots import bucket_address
from orchestrator.terminal.options import path
from trainables.contract.addresses import scheme_of


def root_address(text: Any) -> Root:
    """Parses the address of a store for `typer.Option`."""
    scheme = scheme_of(str(text))
    if scheme is None:
        return path(text)
    if scheme != "s3":
        raise typer.BadParameter(
            f"{str(text)!r} is an address ({scheme}://), but must be a folder of this machine, or a"
            " place in a bucket (s3://BUCKET/PATH)."
        )
    try:
        return bucket_address(str(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


# A `Root`: typer knows no unions, and the parser makes one.
RootOption = Annotated[
    Any,
    typer.Option(
        "--root",
        parser=root_address,
        metavar="DIR|s3://BUCKET/PATH",
        help="The experiment store: a folder, or a place in a bucket (default: experiments).",
    ),
]
