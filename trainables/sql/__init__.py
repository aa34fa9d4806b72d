"""What a SQL statement means: its normal form, its dialect, and what it does when it runs.

`execution` judges predictions; `plans` decides what a row is read as, `dialects` and the room
`translation` say other dialects in SQLite, `runs` holds the child process. Hostile statements run
in `sandbox` and are parsed in `parsing`, in child processes both.
"""
