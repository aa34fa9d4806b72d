"""The scores of `trainables.metrics` and `trainables.sql_execution` as a module of `evaluate`."""
