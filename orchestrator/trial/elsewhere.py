"""What goes wrong with a trial whose model is in another process."""

from __future__ import annotations


class ModelLostError(Exception):
    """The process that has the trial's model is gone; the trial goes on from its last checkpoint.

    Args:
        account: Where the threads of that process stood when it was ended for hanging; "" where it
            ended otherwise.
        was_alone: Whether the trial was the only one in it, so that it may be why.
    """

    def __init__(self, account: str = "", *, was_alone: bool = False) -> None:
        super().__init__("the process that trained is gone")
        self.account = account
        self.was_alone = was_alone


class FailedElsewhereError(Exception):
    """The trial has failed in the process that has its model.

    Args:
        kind: As of `failure_kind`.
        error: What went wrong, in a line.
        trace: The same with its traceback.
    """

    def __init__(self, kind: str, error: str, trace: str) -> None:
        super().__init__(error)
        self.kind = kind
        self.error = error
        self.trace = trace
