"""Schedules and remembers: turns a search space file into trials and a Parquet experiment store."""

from __future__ import annotations

import os

# Ray reads these when it is first imported, by whichever module that is, hence here. Without the
# first one some of a local cluster's ports listen on every address of the machine; the second keeps
# its metrics of use at home.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
