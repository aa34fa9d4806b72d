"""The parameters of how a technique's weights are trained, which most techniques share.

Standard library only.
"""

from __future__ import annotations

from trainables.techniques.parameter import Parameter


def optimizer_parameters(learning_rate: float, weight_decay: float) -> tuple[Parameter, ...]:
    """Returns the parameters of every technique that trains.

    Args:
        learning_rate: The technique's default.
        weight_decay: The technique's default.
    """
    return (
        Parameter(
            "learning_rate",
            float,
            learning_rate,
            "Peak step size of AdamW. Higher learns faster, until the loss rises or becomes NaN; "
            "adapters need ten to a thousand times the rate of full fine-tuning.",
            minimum=0.0,
            maximum=10.0,
            exclusive_minimum=True,
        ),
        Parameter(
            "batch_size",
            int,
            16,
            "Examples in one optimiser step. Higher means fewer, less noisy steps in the same "
            "budget of examples.",
            minimum=1,
            maximum=65536,
        ),
        Parameter(
            "micro_batch_size",
            int,
            None,
            "At most this many examples in one forward pass; gradients are accumulated up to "
            "batch_size. Lower saves memory and takes longer; of the results it changes only "
            "what dropout draws. Default: batch_size.",
            minimum=1,
            maximum=65536,
            at_most="batch_size",
        ),
        Parameter(
            "weight_decay",
            float,
            weight_decay,
            "Decoupled weight decay of AdamW, per step and unit of learning rate. Higher keeps "
            "trained weights nearer to zero.",
            minimum=0.0,
            maximum=1.0,
        ),
        Parameter(
            "warmup",
            float,
            0.02,
            "Fraction of the budget over which the rate rises linearly from 0 to its peak. Higher "
            "is steadier at large rates and leaves less budget at the peak.",
            minimum=0.0,
            maximum=0.5,
        ),
        Parameter(
            "schedule",
            str,
            "warmup_stable_decay",
            "What the rate does after the warm-up: stay, then fall to 0 over the last 20 % of the "
            "budget; fall linearly to 0 from the start (rungs then compare unfairly); or stay.",
            choices=("warmup_stable_decay", "linear", "constant"),
        ),
        Parameter(
            "gradient_clipping",
            float,
            1.0,
            "Largest global norm of the gradient; larger ones are scaled down to it. Higher clips "
            "less.",
            minimum=0.0,
            maximum=1e6,
            exclusive_minimum=True,
        ),
    )


GRADIENT_CHECKPOINTING = Parameter(
    "gradient_checkpointing",
    bool,
    False,
    "Recompute activations in the backward pass: about a third slower, much less memory, the same "
    "results.",
)
