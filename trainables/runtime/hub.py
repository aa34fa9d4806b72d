"""The Hugging Face hub: its local cache, and one question with a deadline.

The deadline holds even where a name server or a proxy hangs. Loads neither torch nor transformers,
and the hub's client, which takes 0.4 s, only where the hub or its cache is asked.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.contract.errors import NO_DOWNLOAD, UserError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

HUB_SECONDS = 4.0  # for one question to the hub; a sweep asks two, model and data set


class Unavailable(UserError):  # noqa: N818 - a state of the world, not a fault of the program
    """A base model or data set cannot be had; the message says what to do."""


def remedies(command: str, local: str) -> str:
    """Returns the end of a message about something of the hub's.

    Args:
        command: Puts it into the local cache.
        local: How to do with something local instead.
    """
    return (
        f"cache it first, where the hub can be reached, with `{command}`; or {local}; or "
        f"{NO_DOWNLOAD}."
    )


def cached_file(name: str, file: str, revision: str | None) -> Path | None:
    """Returns where the hub's local cache holds a file of a model, None where it does not."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, file, revision=revision)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def ask(what: str, revision: str | None, remedies: str, question: Callable[[HfApi], Any]) -> Any:
    """Returns the hub's answer to a question, after at most `HUB_SECONDS`.

    Args:
        what: What is asked about, to begin a message with.
        revision: The revision asked for.
        remedies: The end of a message.
        question: The request.

    Raises:
        Unavailable: There is no such thing, or no answer.
    """
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        raise Unavailable(
            f"{what} is not in the local cache, and HF_HUB_OFFLINE is set: {remedies}"
        )
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def request() -> None:
        try:
            answers.put(question(HfApi()))
        except Exception as error:  # the thread has no caller to raise to
            answers.put(error)

    # A request's own timeout does not cover looking up the host's name, hence the thread.
    threading.Thread(target=request, daemon=True, name="hub-availability").start()
    try:
        answer = answers.get(timeout=HUB_SECONDS)
    except queue.Empty:
        answer = TimeoutError(f"no answer in {HUB_SECONDS:g} s")
    if not isinstance(answer, Exception):
        return answer
    raise Unavailable(f"{what} {_reason(answer, revision)}: {remedies}") from answer


def _reason(error: Exception, revision: str | None) -> str:
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, GatedRepoError):
        return "is on the Hugging Face hub for users with permission only (`hf auth login`)"
    if isinstance(error, RevisionNotFoundError):
        return f'has no revision "{revision}" on the Hugging Face hub'
    if isinstance(error, (RepositoryNotFoundError, HFValidationError)):
        return "is neither a local path nor on the Hugging Face hub"
    first_line = str(error).strip().split("\n")[0]
    return f"is not in the local cache, and the Hugging Face hub cannot be reached ({first_line})"
