"""The pieces of a SQL text, and which of them a syntax tree shows to be optional.

`lexical` cuts a text; `sources`, `result_names` and `quotes` each decide on one kind of name, in
`edits`. Together they make `sql.normal_form`.
"""
