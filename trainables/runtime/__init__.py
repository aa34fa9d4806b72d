"""The machine under a trial: device, memory, random numbers, groups of workers, file permissions.

Knows nothing of models or data.
"""
