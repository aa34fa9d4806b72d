"""By what the rows of a data set are divided into those of training, validation and test.

Standard library only: the search space file's `split_by` is checked against this module.
"""

from __future__ import annotations

BY_SCHEMA = "schema"
"""No schema stands on two sides. Any other word than these two is the name of a column."""

BY_ROW = "row"
"""Each row is drawn by itself, so that most schemas stand on all sides."""

SPLIT_VERSION = 2
"""Rises with every change that may put a row on another side: trials of one version compare. In
version 1 every data set was split by row."""
