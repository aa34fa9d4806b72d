"""The command `init`: a commented search space for a table and a base model.

What is proposed follows from the rows that there are (`findings`); `template` puts it into words.
"""
