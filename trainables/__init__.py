"""Learns and scores: fine-tunes a language model for text-to-SQL and measures it.

    contract      a `TrialConfiguration` says what to do; a trial answers with reports of its scores
    data          rows become splits, prompts, token ids and batches, the `embedded` corpus's too
    families      what differs between encoder-decoder and decoder-only models, one file each
    base_models   a name becomes a checkpoint, loaded once a process, and its tokenizer
    techniques    the base model gets what is trained: an adapter, a prefix, or all of its weights
    passes        adapters beside a frozen base, by a forward pass of our own
    training      batches become optimiser steps up to a rung, and a checkpoint from which to go on
    inference     the model writes SQL: for its evaluation, for `predict`, and exported for others
    evaluation    loss and scores of that SQL; what it does when it runs `sql` tells, in a sandbox
    finetune      one trial, taken from rung to rung by `rungs`; `runtime` is its machine

Runs without Ray and knows nothing of sweeps: on a bare GPU machine, in a notebook, in a unit test.
A trial is handed a callable to report to and does not know who listens.
"""

import logging

# On CPUs with AVX512-BF16 bitsandbytes warns, when it is first imported, that it did not find an
# optional faster kernel; what it then uses gives the numbers that are wanted here.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
