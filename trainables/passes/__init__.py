"""Trains and asks adapters on a frozen base by a forward pass of our own, several at once.

    dropout         which inputs are zeroed: a function of the member's seed, step, layer and row
    low_rank        frozen layers and, by rows, the low-rank updates beside them
    frozen_base     what passes beside frozen weights are asked for
    frozen_t5       those of a T5, an mT5 or a UMT5
    frozen_decoder  those of decoder-only models, which transformers computes

A row's numbers depend on its own member alone, to rounding: not on who else is in the pass, nor on
how long their rows are. Of data this knows token ids alone, of reports and trials nothing: that is
`training`'s part. What no pass of ours is proved equal for runs through `families`.
"""
