"""What one start of a sweep is given beside the file, and what is checked before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.ray_tune.access import check_address_form, check_dashboard, check_listens
from orchestrator.ray_tune.pitfalls import check_outlives_job
from orchestrator.search.identity import earlier_sweep_id
from orchestrator.search_space import Sweep
from orchestrator.search_space.distributions import extremes
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store.place import Root
from orchestrator.store.roots import local_folder
from orchestrator.sweep.base_fit import check_fit
from orchestrator.sweep.caps import Caps
from orchestrator.sweep.rows import reading, surveyed
from orchestrator.terminal.commands import command
from orchestrator.tracking.tools import check_tools
from trainables.base_models.availability import check_model
from trainables.contract.configuration import EMBEDDED
from trainables.contract.splits import BY_ROW
from trainables.data.availability import check_dataset
from trainables.data.row_counts import training_rows
from trainables.data.splits import group_column
from trainables.data.survey import Survey

LEARNER = "trainables.finetune:finetune"
ENGINE = "trainables.engine.serving:EngineThread"


@dataclass(frozen=True)
class StartOptions:
    """How a sweep is started: nothing here changes a trial's numbers.

    Attributes:
        max_hours: End after so many hours, with what there is then.
        max_device_hours: End after so many hours of devices, those of earlier starts included.
        max_cost: End when the devices have cost so much, at the price that the file gives.
        new: Start another sweep of the same search space file, which takes no runs over.
        retry_failed: Try the runs again that failed.
        address: Of a running Ray cluster; None starts one here.
        dashboard: Whether a cluster started here has a dashboard.
        dashboard_host: The address that it listens on; None means this machine alone.
        learner: "module:function" of what trains.
        engine: "module:class" of what trains packs of trials.
        command: The words of the command line that was given, for the commands that are printed;
            `--new` and `--retry-failed` are left out.
        fresh: Take no runs over from other sweeps.
        on_end: A command for the shell that is run when the sweep has ended, however it has.
    """

    max_hours: float | None = None
    max_device_hours: float | None = None
    max_cost: float | None = None
    new: bool = False
    retry_failed: bool = False
    address: str | None = None
    dashboard: bool = True
    dashboard_host: str | None = None
    learner: str = LEARNER
    engine: str = ENGINE
    command: tuple[str, ...] = ()
    fresh: bool = False
    on_end: str | None = None

    def caps(self, sweep: Sweep) -> Caps:
        """Returns the limits of this start, at the sweep's price of a device hour."""
        price = sweep.resources.price_per_device_hour
        return Caps.of(self.max_hours, self.max_device_hours, self.max_cost, price)


def same_command(new: bool, retry_failed: bool = False) -> str:
    """Returns what continues a sweep, in words.

    Args:
        new: Whether the command that was given has `--new`.
        retry_failed: Whether it has `--retry-failed`, with which what failed again would be tried
            once more.
    """
    if new:
        return "the same command without --new"
    return "the same command without --retry-failed" if retry_failed else "the same command"


def check_options(sweep: Sweep, options: StartOptions) -> None:
    """Checks that the options go with each other and with the file, and what it tracks in is there.

    Raises:
        UserError: They do not, or it is not.
        AccessError: Others could use the cluster that is started here, or the address of one that
            is to be joined is none.
    """
    if options.new and options.retry_failed:
        raise UserError(
            "--new begins another sweep, of which no run has failed yet, and --retry-failed tries"
            " those of a sweep again; leave out one of them."
        )
    if options.max_cost is not None and sweep.resources.price_per_device_hour is None:
        raise UserError(
            f"--max-cost {options.max_cost:g} needs the price of a device: add"
            " resources.price_per_device_hour to the file, or e.g."
            " --set resources.price_per_device_hour=2.5."
        )
    if sweep.resources.accelerators > 1 and not options.dashboard:
        raise UserError(
            f"resources.accelerators is {sweep.resources.accelerators:g}, and trials on several"
            " accelerators need the dashboard's services to be stopped early; leave out"
            " --no-dashboard."
        )
    if sweep.resources.members > 1 and options.address is not None:
        raise UserError(
            f"resources.pack is {sweep.resources.pack}, but packs run on this machine alone, and"
            f" --address is {options.address}; leave out one of them."
        )
    if options.address is not None:
        check_address_form(options.address)
    if options.dashboard_host is not None:
        if options.address is not None or not options.dashboard:
            option = "--no-dashboard" if options.address is None else "--address"
            raise UserError(
                f"--dashboard-host is of the dashboard that is started here, and {option} starts"
                " none; leave out one of them."
            )
        check_listens(options.dashboard_host)
        check_dashboard(options.dashboard_host)
    check_tools(sweep.track)


def check_place(sweep: Sweep, root: Root) -> None:
    """Checks that a sweep can be run at a root.

    Raises:
        UserError: It would be lost there, or asks for what needs a folder.
    """
    if isinstance(root, Path):
        check_outlives_job(root)
        return
    local_folder(root)  # which is needed, and may not be wanted
    if sweep.track:
        raise UserError(
            f"track: [{', '.join(sweep.track)}] keeps beside the tables what a tool has taken, and"
            f" needs a folder for it, but --root is {root}; leave it out (--set track=null), or"
            " name a folder."
        )


def check_not_begun_otherwise(sweep: Sweep, stored: StoredSweep, options: StartOptions) -> None:
    """Checks that a sweep which is to begin has not begun under an earlier way of stopping.

    Where the file says nothing of it, trials were once stopped by the objective, which is another
    sweep: it is not to be left behind unseen, nor all of it trained again.

    Args:
        sweep: The resolved search space file, by whose names its id is made.
        stored: Where it is, or is to be, stored.
        options: How it is started.

    Raises:
        UserError: It has; names what shows or continues it and what begins another one.
    """
    earlier = SweepFiles(stored.store, earlier_sweep_id(sweep))
    if options.new or stored.files.has_begun() or not earlier.has_begun():
        return
    if not sweep.scores_every_rung and "by" in sweep.stopping_given:
        return
    again = command("orchestrator.sweep", *options.command, "--new")
    if sweep.leaves_out_rungs:
        rungs = "compared trials at a rung a hair before the end too, which is left out now"
        board = command(
            "orchestrator.results", "--root", stored.address, "leaderboard", "--sweep",
            earlier.sweep_id,
        )  # fmt: skip
        raise UserError(
            f"The sweep {earlier.sweep_id} of this file {rungs}, so it cannot go on. What it has:\n"
            f"  {board}\nAnother sweep of this file:\n  {again}"
        )
    words = ("--set", "stopping.by=objective")
    raise UserError(
        f"The sweep {earlier.sweep_id} of this file stops trials by the objective, as was usual"
        " when it began; without stopping.by they are now stopped by eval_loss. To show or"
        f" continue it:\n  {command('orchestrator.sweep', *options.command, *words)}\nAnother"
        f" sweep, by the loss:\n  {again}"
    )


def check_sources(
    sweep: Sweep, *, ask_hub: bool = True, found: Survey | None = None
) -> Survey | None:
    """Checks that base model and data set can be had, suit the file, and have rows enough.

    Args:
        sweep: The resolved search space file.
        ask_hub: Whether to ask the hub for what is not in its local cache.
        found: What its rows are, where they have been read before.

    Returns:
        What its rows are, as far as that is known before they are downloaded (`rows.surveyed`).

    Raises:
        UserError: One cannot be had, or the file asks for more rows than there are, for a split
            that they do not allow, or for lengths or layers that the base model does not have.
    """
    check_model(sweep.base_model, sweep.base_model_revision, ask_hub=ask_hub)
    check_fit(sweep)
    if found is None:
        how = (group_column(sweep.dataset, sweep.split_by), reading(sweep))
        check_dataset(
            sweep.dataset,
            sweep.dataset_revision,
            group_column=how[0],
            reading=how[1],
            ask_hub=ask_hub,
        )
        wanted = sweep.evaluation
        if sweep.dataset == EMBEDDED or sweep.split_by == BY_ROW:
            most = training_rows(sweep.dataset, wanted.validation_rows, wanted.test_rows, *how)
            _check_sizes(sweep, most)
        found = surveyed(sweep)
    if found is not None:
        _check_sizes(sweep, found.train.rows)
    return found


def largest_size(sweep: Sweep) -> int:
    """Returns the largest number of rows that a trial may train on; 0 if none trains."""
    return max((size for _, size in _data_sizes(sweep)), default=0)


def _check_sizes(sweep: Sweep, most: int | None) -> None:
    """Refuses data sizes beyond the rows that there are.

    Raises:
        UserError: Naming them.
    """
    if most is None:
        return
    problems = [f"{key} {size:,}" for key, size in _data_sizes(sweep) if size > most]
    if problems:
        raise UserError(
            f"{' and '.join(problems)}, but the data set {sweep.dataset!r} has at most {most:,}"
            f" rows to train on beside those for validation and test; take at most {most:,}."
        )


def _data_sizes(sweep: Sweep) -> Iterator[tuple[str, int]]:
    """Yields the largest data size of each place that names one, with how it is said."""
    bounds = None if sweep.space is None else extremes(sweep.space.data_size)
    if bounds is not None:
        yield "space.data_size goes up to", int(bounds[1])
    for index, point in enumerate(sweep.points):
        size = point.get("data_size")
        if isinstance(size, int):
            yield f"points.{index}.data_size is", size
