"""The metrics that a running sweep exports."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "ray_"
"""What Ray puts before the name of every metric that it exports."""

LABELS = ("sweep", "phase", "outcome", "trial", "technique", "stratum")
SWEEP, PHASE, OUTCOME, TRIAL, TECHNIQUE, STRATUM = LABELS
_OF_TRIAL = (SWEEP, TRIAL, TECHNIQUE, STRATUM)


@dataclass(frozen=True)
class Metric:
    """One gauge.

    Attributes:
        name: As a program sets it.
        description: With its unit.
        labels: What it is told apart by.
    """

    name: str
    description: str
    labels: tuple[str, ...] = (SWEEP,)

    @property
    def exported(self) -> str:
        """The name that Prometheus sees."""
        return PREFIX + self.name


RUNS = Metric("finetune_runs", "Runs in all, of each phase.", (SWEEP, PHASE))
ENDED = Metric("finetune_runs_ended", "Runs that have ended, by outcome.", (SWEEP, OUTCOME))
RUNNING = Metric("finetune_runs_running", "Runs that take a place now.")
PLACES = Metric("finetune_places", "Runs at a time that there is room for.")
BEST = Metric("finetune_best_objective", "The best objective of the search so far.")
DEVICE_SECONDS = Metric("finetune_device_seconds", "Seconds of devices spent, of all starts.")
SECONDS_LEFT = Metric("finetune_seconds_left", "Seconds until the end, by the work that is left.")
EXAMPLES = Metric("finetune_trial_examples", "Examples trained on.", _OF_TRIAL)
OBJECTIVE = Metric("finetune_trial_objective", "Objective on the validation rows.", _OF_TRIAL)
EVAL_LOSS = Metric("finetune_trial_eval_loss", "Loss on the validation rows, in nats.", _OF_TRIAL)
TRAIN_LOSS = Metric("finetune_trial_train_loss", "Loss in training, in nats.", _OF_TRIAL)
SPEED = Metric(
    "finetune_trial_examples_per_second", "Examples trained on a second of training.", _OF_TRIAL
)
MEMORY = Metric(
    "finetune_trial_memory_bytes", "The most that it has taken of its device.", _OF_TRIAL
)

METRICS = (
    *(RUNS, ENDED, RUNNING, PLACES, BEST, DEVICE_SECONDS, SECONDS_LEFT),
    *(EXAMPLES, OBJECTIVE, EVAL_LOSS, TRAIN_LOSS, SPEED, MEMORY),
)
