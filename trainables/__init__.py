"""Learns and scores: fine-tunes a sequence-to-sequence model for text-to-SQL and measures it.

Everything here runs without Ray and knows nothing of sweeps: on a bare GPU machine, in a notebook,
in a unit test. A trial is handed a callable to report to and does not know who listens.
"""
