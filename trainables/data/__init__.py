"""Rows of question, schema and SQL: found, read, divided, put into prompts, encoded and batched.

Which file is which split is decided in `locations` alone. Ends at tensors; what is learnt from them
is `training`'s to say, what is scored `evaluation`'s.
"""
