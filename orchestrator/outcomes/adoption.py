"""Takes runs over from other sweeps of the store, instead of training them again.

The list is made at a sweep's first start and never changes. What is on it gets its rows in this
sweep's tables by the rules by which a trial writes its own: proposal, checkpoint, predictions,
reports, verdicts, final row, each published once, so that a start which is killed in between is
taken up by the next one. A run whose rows are gone by then is trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.outcomes.adopted_rows import adopted_final_row, adopted_report
from orchestrator.search import adoption as search
from orchestrator.search.adoption import AdoptedRun, Adoption, Source, StoppingRule
from orchestrator.search.content import Content, content_id
from orchestrator.search.halving import RUNG, compared_with
from orchestrator.search.proposals import Numbering, Proposal, rungs, trial_configuration
from orchestrator.state.adoption_log import NOTHING, AdoptionLog
from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.state.content_log import ContentLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.state.verdict_log import VerdictLog
from orchestrator.store import StoreError, index, reader
from orchestrator.store.rows import Row


def adoptable(stored: StoredSweep, content: Content) -> Adoption:
    """Returns what the sweep would take over of what is stored now.

    A sweep whose rows cannot be read, such as one of a later version, is left aside, and so are
    runs whose METEOR had WordNet where this machine has none, or the other way: other numbers.

    Args:
        stored: A sweep that has not begun.
        content: What its runs depend on.
    """
    rows: list[Row] = []
    rules: dict[str, StoppingRule] = {}
    for sweep_id in reader.sweeps(stored.address):
        if sweep_id == stored.id:
            continue
        try:
            found = index.trials(stored.address, sweep_id, columns=search.COLUMNS).to_pylist()
            rule = AdoptionLog(SweepFiles(stored.store, sweep_id)).rule()
        except StoreError:
            continue
        rows += found
        if rule is not None:
            rules[sweep_id] = rule

    if any(row["meteor_synonyms"] is not None for row in rows):
        here = _has_synonyms()
        rows = [row for row in rows if row["meteor_synonyms"] in (None, here)]

    def reports(sources: Sequence[Source]) -> Mapping[Source, Sequence[Row]]:
        return _reports(stored, sources)

    return search.adoption(stored.sweep, content, rows, reports, rules)


def _has_synonyms() -> bool:
    # Imports NLTK, which a store without scores can do without.
    from trainables.evaluation.meteor import has_synonyms

    return has_synonyms()


def begin_adoption(stored: StoredSweep, content: Content, *, fresh: bool) -> Adoption:
    """Returns what the sweep takes over, which is decided at its first start.

    Args:
        stored: The sweep, held by this process.
        content: What its runs depend on.
        fresh: Whether a sweep that begins now is to take nothing over.

    Raises:
        DamagedError: The record is none.
        StoreError: It could not be stored.
    """
    log = AdoptionLog(stored.files)
    if stored.files.has_begun():
        return log.read()
    chosen = NOTHING if fresh else adoptable(stored, content)
    return log.begin(chosen, StoppingRule.of(stored.sweep))


def carry_out(stored: StoredSweep, adoption: Adoption) -> None:
    """Gives the adopted runs of the search their rows, as far as they have none yet.

    Raises:
        StoreError: One could not be stored.
        DamagedError: What is stored is not what it should be.
    """
    if not adoption.runs:
        return
    _propose(stored, adoption.runs)
    done = _done(stored)
    for run in adoption.runs:
        if run.proposal.trial_number not in done:
            _adopt(stored, run.proposal, run.source, undecided=run.undecided)


def carry_out_confirming(stored: StoredSweep, runs: Iterable[Proposal]) -> int:
    """Gives the confirming runs that were made in another sweep their rows, and says how many.

    Args:
        stored: The sweep.
        runs: What it confirms, as is on record.

    Raises:
        StoreError: As `carry_out`, DamagedError too.
    """
    adoption, content = AdoptionLog(stored.files).read(), ContentLog(stored.files).content()
    done, count = _done(stored), 0
    for proposal in runs:
        configuration = trial_configuration(stored.sweep, proposal)
        name = content_id(configuration, rungs(stored.sweep, configuration), content)
        source = None if name is None else adoption.confirming.get(name)
        if source is not None and proposal.trial_number not in done:
            ProposalLog(stored.files).write(proposal)
            count += _adopt(stored, proposal, source, undecided=False)
    return count


def _done(stored: StoredSweep) -> set[int]:
    columns = ("trial_number",)
    return set(index.trials(stored.address, stored.id, columns=columns)[columns[0]].to_pylist())


def _propose(stored: StoredSweep, runs: Sequence[AdoptedRun]) -> None:
    """Writes the proposals down, of a configuration all its replicates: one may be left to run."""
    numbering = Numbering(stored.sweep)
    proposals: dict[int, Proposal] = {}
    for run in runs:
        number, configuration = run.proposal.configuration_number, run.proposal.configuration
        if number is None:
            proposals[run.proposal.trial_number] = run.proposal
            continue
        for replicate in range(numbering.replicates(number)):
            trial = numbering.trial_number(number, replicate)
            proposals[trial] = Proposal(trial, number, replicate, configuration)
    log = ProposalLog(stored.files)
    for trial in sorted(proposals):
        log.write(proposals[trial])


def _adopt(stored: StoredSweep, proposal: Proposal, source: Source, *, undecided: bool) -> bool:
    """Publishes the rows of one run; returns whether its source is still there."""
    store, trial = stored.store, stored.trial_id(proposal.trial_number)
    row = store.trial(source.sweep_id, source.trial_id)
    reports = store.reports(source.sweep_id, source.trial_id)
    if row is None or len(reports) != (0 if row["last_rung"] is None else row["last_rung"] + 1):
        return False
    store.copy_predictions(
        source.sweep_id, source.trial_id, stored.id, trial, proposal.trial_number
    )
    group = compared_with(stored.sweep, proposal)
    verdicts = VerdictLog(stored.files)
    for report in reports:
        store.publish_report(adopted_report(stored, proposal, report))
        if group is not None and report is not reports[-1]:
            verdicts.write(trial, report[RUNG], stopped=False)
        elif row["outcome"] == "stopped" and not undecided:
            verdicts.write(trial, report[RUNG], stopped=True)
    if not undecided:
        _finish(stored, proposal, row)
    return True


def stopped_there_too(stored: StoredSweep, proposal: Proposal) -> Row | None:
    """Concludes a run that was taken over, once both its own sweep and this one have stopped it.

    Args:
        stored: The sweep.
        proposal: The run; nothing of it was trained here.

    Returns:
        The stored row; None of a run that was not taken over, or whose source has gone: then
        `source_of` says whose its reports are.

    Raises:
        StoreError: It could not be stored.
    """
    source = source_of(stored, proposal)
    row = None if source is None else stored.store.trial(source.sweep_id, source.trial_id)
    return None if row is None else _finish(stored, proposal, row)


def source_of(stored: StoredSweep, proposal: Proposal) -> Source | None:
    """Returns the trial that a run was taken over from, whether or not it is still stored."""
    for run in AdoptionLog(stored.files).read().runs:
        if run.proposal.trial_number == proposal.trial_number:
            return run.source
    return None


def _finish(stored: StoredSweep, proposal: Proposal, row: Row) -> Row:
    """Publishes the final row of a run, and its model before that."""
    if row["checkpoint"] is not None:
        trial = stored.trial_id(proposal.trial_number)
        TrialCheckpoints(stored.files, trial).take_over(row["checkpoint"])
    return stored.store.publish_trial(adopted_final_row(stored, proposal, row))


def _reports(stored: StoredSweep, sources: Sequence[Source]) -> dict[Source, list[Row]]:
    """Returns the reports of trials of other sweeps, by rung."""
    columns = ("sweep_id", "trial_id", "rung", RUNG, "eval_loss", stored.sweep.compared_by)
    found: dict[Source, list[Row]] = {source: [] for source in sources}
    for sweep_id in sorted({source.sweep_id for source in sources}):
        table = index.reports(stored.address, sweep_id, columns=tuple(dict.fromkeys(columns)))
        for row in table.to_pylist():
            source = Source(row["sweep_id"], row["trial_id"])
            if source in found:
                found[source].append(row)
    return found
