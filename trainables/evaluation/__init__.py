"""How good a model is: its loss and the scores of the SQL that it writes.

Compares texts; what a statement does when it runs is `sql`'s to say.
"""
