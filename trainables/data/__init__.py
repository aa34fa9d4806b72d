"""Rows of question, schema and SQL: found, read, divided, put into prompts, encoded and batched.

What a data set's name means is decided in `locations` alone, which file is which split in
`split_files`. Ends at tensors; what is learnt from them is `training`'s to say, what is scored
`evaluation`'s.
"""
