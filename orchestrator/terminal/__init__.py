"""What the commands share before a person: options, streams and tables.

Decides how something is said, never what; the commands do that.
"""
