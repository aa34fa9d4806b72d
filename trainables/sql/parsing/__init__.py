"""Text of a model read by a parser that may not end: bounded in steps, in a child process.

The process is the standard library's and knows no SQL; only `bounded_parser` imports sqlglot.
"""
