"""What is under a trial: device, memory, random numbers, groups of workers, files, and the hub.

Knows nothing of what models and data are.
"""
