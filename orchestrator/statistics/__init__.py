"""What scores of repeated runs say: variances, contrasts, several of them at once, a surface, the
best rates.

Arrays in, numbers out: nothing here knows a store, a sweep or a terminal.
"""
