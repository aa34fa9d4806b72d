"""Rows of question, schema and SQL: read, divided, encoded and put into batches.

Ends at tensors; what is learnt from them is `training`'s, what is scored `evaluation`'s.
"""
