"""Advances several trials on one frozen base together, by passes that they share.

    engine    trials join and leave between two optimiser steps; each has its own numbers

Knows nothing of who decides which trials there are, nor of Ray: that is `orchestrator`'s part.
"""
