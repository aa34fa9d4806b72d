"""Versions of what a trial's numbers depend on beside its configuration, its rows and its base.

Standard library only. Runs of one version compare; those of the split and of the scores stand in
`trainables.contract.splits` and `trainables.contract.scores`, beside what they are versions of.
"""

from __future__ import annotations

PROMPT_VERSION = 1
"""Rises with every change to what a model is asked: the words around question and schema, and how
SQL is spelled for its tokenizer."""

TRAINING_VERSION = 5
"""Rises with every change after which the same configuration trains to other numbers: the order of
the batches, the loss, the optimiser, its schedule, dropout, a technique's defaults or initial
values. 2: LoRA on a T5 draws its dropout row by row (`trainables.passes.dropout`). 3: so do QLoRA,
and both on an mT5 and on decoder-only models. 4: that dropout draws by another hash. 5: so does
prefix tuning on a T5 or an mT5, and all of these on a UMT5."""
