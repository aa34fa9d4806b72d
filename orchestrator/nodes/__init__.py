"""What a machine must have before it gets a trial, and what it answers; without Ray.

Who asks which machine, and what follows from an answer, is `ray_tune`'s to decide.
"""
