"""What `--plan` prints: everything that would run, before anything does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table

from orchestrator.results.profile_words import profile_words
from orchestrator.search.halving import COHORT
from orchestrator.search.optuna_space import size
from orchestrator.search.proposals import confirming_runs
from orchestrator.search_space.distributions import plain
from orchestrator.search_space.membership import inside
from orchestrator.search_space.model import Sweep
from orchestrator.search_space.sections import Confirm
from orchestrator.search_space.space import Space
from orchestrator.search_space.strata import Stratum
from orchestrator.terminal.plain_console import shown, shown_line
from orchestrator.terminal.values import counted
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import is_untuned


def describe(
    sweep: Sweep, resources_text: str, rows: Iterable[tuple[str, str]] = ()
) -> RenderableType:
    """Describes a sweep for a person.

    Args:
        sweep: The resolved search space file.
        resources_text: What the machine or cluster offers, and what a trial takes of it.
        rows: What is known of the sweep's rows: name and words.

    Returns:
        Two columns, without borders, so that it reads the same on a terminal and in a file.
    """
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, value in _rows(sweep, resources_text, rows):
        table.add_row(shown_line(name), shown_line(value))
    return Group(shown(sweep.question, "bold"), shown(""), table)


def _rows(
    sweep: Sweep, resources_text: str, rows: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    yield "sweep", sweep.name
    words = profile_words(sweep.profile, sweep.base_model, sweep.dataset)
    yield "profile", f"{words} ({sweep.profile_reason})"
    yield "base model", _pinned(sweep.base_model, sweep.base_model_revision)
    yield "dataset", _pinned(sweep.dataset, sweep.dataset_revision)
    yield "objective", f"{sweep.objective.metric}, {sweep.objective.mode}"
    yield "asks", _asks(sweep)
    yield "trials", _trials(sweep)
    if sweep.space is not None:
        yield from _space(sweep, sweep.space)
    for index, point in enumerate(sweep.points):
        yield ("points" if index == 0 else ""), _point(point)
    yield from _training(sweep)
    yield "confirming", _confirming(sweep)
    yield "evaluation", _evaluation(sweep)
    yield from rows
    yield "resources", resources_text


def _pinned(name: str, revision: str | None) -> str:
    return name if revision is None else f"{name} at {revision[:12]}"


def _trials(sweep: Sweep) -> str:
    """Says how the number of runs comes about."""
    parts = []
    if sweep.baseline:
        parts.append("1 baseline")
    if sweep.points:
        parts.append(counted(len(sweep.points), "point"))
    if sweep.space is not None:
        parts.append(f"{sweep.trials} by {sweep.search.method} search")
    seeds = f", under {sweep.replicates} seeds each" if sweep.replicates > 1 else ""
    untuned = sweep.baseline or any(is_untuned(point) for point in sweep.points)
    once = " (the untuned model once)" if seeds and untuned else ""
    return f"{counted(sweep.runs, 'run')}: {' + '.join(parts)}{seeds}{once}"


def _asks(sweep: Sweep) -> str:
    """Says what the question is about, and how thinly it is searched."""
    strata = sweep.strata
    if not strata:
        return "which configuration is best"
    # Imports scipy, which a start of the sweep need not wait for.
    from orchestrator.statistics.response_surface import FEWEST_RATES

    each, left = divmod(sweep.trials, len(strata))
    share = f"{each} to {each + 1}" if left else str(each)
    listed = [stratum.name for stratum in sorted(strata, key=_by_size)]
    words = (
        f"about {', '.join(map(str, sweep.ask))}: {counted(len(strata), 'combination')}"
        f" ({'; '.join(listed[:6])}{'; ...' if listed[6:] else ''}),"
        f" {share} {'trial' if share == '1' else 'trials'} each"
    )
    if each < FEWEST_RATES:
        words += (
            f"; below {FEWEST_RATES} each the best of a combination is luck in part: set trials to"
            f" {FEWEST_RATES * len(strata)} or ask about fewer values"
        )
    return words


def _by_size(stratum: Stratum) -> list[tuple[str, bool, Scalar]]:
    """Orders combinations for a person: numbers by size."""
    return [(name, isinstance(value, str), value) for name, value in stratum.values]


def _confirming(sweep: Sweep) -> str:
    """Says what follows when tuning has ended."""
    confirm = sweep.confirm
    if confirm is None:
        return "none: the best trial is that of one seed, and chosen by its own score"
    most = confirming_runs(sweep) // confirm.runs_of_each
    what = "the best of each combination" if sweep.strata else "the best configurations"
    return (
        f"{counted(most * confirm.runs_of_each, 'run')} at most: {what}, up to {most}, under"
        f" {confirm.seeds} new seeds each{_around(confirm)}, in full, on test rows"
    )


def _around(confirm: Confirm) -> str:
    """Says at which further rates a combination is trained, and what for."""
    if not confirm.around:
        return ""
    decades = ", ".join(f"{each:+g}" for each in confirm.around)
    seeds = counted(confirm.seeds_around, "seed")
    return (
        f" and at learning rates {decades} decades from its own under {seeds} each, so that values"
        " are compared at the rate that suits each best"
    )


def _space(sweep: Sweep, space: Space) -> Iterator[tuple[str, str]]:
    configurations = size(space)
    if configurations is None:
        yield "space", "endlessly many configurations"
    else:
        yield (
            "space",
            f"{counted(configurations, 'configuration')}{_coverage(sweep, space, configurations)}",
        )
    yield "  data_size", plain(space.data_size)
    for technique, branch in space.technique.items():
        if not branch:
            yield f"  {technique}", "its defaults"
        for index, (name, distribution) in enumerate(branch.items()):
            yield (f"  {technique}" if index == 0 else ""), f"{name}: {plain(distribution)}"


def _coverage(sweep: Sweep, space: Space, configurations: int) -> str:
    """Says what follows from a finite space for the number of trials."""
    if sweep.trials + inside(space, sweep.points) == configurations:
        return "; each is tried once"
    if sweep.search.method == "grid":
        return f"; trials caps the grid at the first {sweep.trials}"
    return "; none is tried twice"


def _point(point: Mapping[str, Scalar]) -> str:
    rest = ", ".join(
        f"{name} {plain(value)}" for name, value in point.items() if name != "technique"
    )
    return f"{point['technique']}: {rest}" if rest else str(point["technique"])


def _training(sweep: Sweep) -> Iterator[tuple[str, str]]:
    """Says how long trials train, and when they report."""
    budgets = [sweep.budget_examples(point) for point in sweep.points]
    if sweep.budget is not None:
        yield "budget", f"{sweep.budget.examples:,} examples a trial"
        yield "rungs", _rungs(sweep, sweep.budget.examples)
    else:
        trained = ", ".join(f"{budget:,}" for budget in budgets)
        yield "budget", f"{sum(budgets):,} examples in all; by point: {trained}"
        yield "rungs", "at each quarter of a point's own budget"
    if sweep.stopping is not None:
        factor = sweep.stopping.reduction_factor
        group = "technique and combination" if sweep.strata else "technique"
        cohort = f"{COHORT} of them" if sweep.search.method == "tpe" else "all of them"
        yield (
            "stopping",
            f"by {sweep.compared_by}: at each rung but the last the trials of a {group} wait until"
            f" {cohort} are there; the best 1/{factor:g} go on, the others end. Other trials train"
            " meanwhile",
        )
    else:
        yield "stopping", "never"


def _rungs(sweep: Sweep, budget_examples: int) -> str:
    rungs = sweep.rungs(budget_examples)
    return ", ".join(f"{rung:,}" for rung in rungs) + " examples"


def _evaluation(sweep: Sweep) -> str:
    evaluation = sweep.evaluation
    tested = "all" if evaluation.test_rows is None else f"{evaluation.test_rows:,}"
    when = "at the end" if sweep.confirm is None else "at the end of what confirms"
    scored = "" if sweep.scores_every_rung else " (by the loss; SQL is written at the last alone)"
    return (
        f"{evaluation.validation_rows:,} validation rows at each rung{scored}, {tested} test rows"
        f" {when}; protocol {evaluation.protocol}"
    )
