"""Schedules and remembers: turns a search space file into trials and a Parquet experiment store."""
