"""Turns scores of repeated runs into differences with intervals.

By variance components, contrasts, several of them at once, a response surface and the best rates.

Arrays in, numbers out: nothing here knows a store, a sweep or a terminal.
"""
