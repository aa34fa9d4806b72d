"""What a start of a sweep takes over of the store's other sweeps, and what is said of it."""

from __future__ import annotations

from rich.console import Console

from orchestrator.errors import UserError
from orchestrator.outcomes.adoption import adoptable, begin_adoption, carry_out
from orchestrator.search.adoption import describe
from orchestrator.search.content import Content
from orchestrator.search_space import Sweep
from orchestrator.state.adoption_log import AdoptionLog
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store, reader
from orchestrator.store.place import Root
from orchestrator.store.roots import is_there
from orchestrator.sweep.content import content_of
from orchestrator.sweep.preflight import StartOptions
from orchestrator.terminal.plain_console import shown
from trainables.data.survey import Survey


def adopt(stored: StoredSweep, content: Content, options: StartOptions, out: Console) -> None:
    """Takes over what other sweeps have trained, and says so at the first start.

    Args:
        stored: The sweep, held by this process.
        content: What its runs depend on.
        options: How it is started.
        out: Where to print.

    Raises:
        UserError: It has taken runs over before, and is now to begin without.
        StoreError: What is taken over cannot be stored.
    """
    is_first = not stored.files.has_begun()
    adoption = begin_adoption(stored, content, fresh=options.fresh or options.new)
    if adoption.runs and options.fresh:
        raise UserError(
            f"The sweep {stored.id} was begun with runs of other sweeps, and --fresh begins one"
            " without them; leave it out to continue, or start another sweep with --new."
        )
    if adoption.runs and is_first:
        out.print(shown(f"{describe(stored.sweep, adoption.runs)}."))
    carry_out(stored, adoption)


def planned_adoption(sweep: Sweep, root: Root, found: Survey | None, options: StartOptions) -> str:
    """Returns what a start would take over, or has, in words; nothing is written.

    Args:
        sweep: The resolved search space file; its base model and data set can be had.
        root: Of the experiment store.
        found: The sweep's rows.
        options: How it would be started.

    Raises:
        StoreError: The store cannot be read.
    """
    if not is_there(root) or not reader.sweeps(root):
        return "none: there is nothing in the store"
    stored = latest(sweep, Store(root, is_read=True), new=options.new)
    if stored.files.has_begun():
        runs = AdoptionLog(stored.files).read().runs
    elif options.fresh or options.new:
        return f"none, by {'--new' if options.new else '--fresh'}"
    else:
        runs = adoptable(stored, content_of(stored.sweep, found)).runs
    if not runs:
        return "none: no other sweep of the store has trained any of these runs"
    return describe(stored.sweep, runs)
