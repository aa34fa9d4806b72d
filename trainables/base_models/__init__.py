"""Base models: where they lie, whether they can be had, and how they are loaded and kept.

What a technique does to one is `techniques`'; setting up what a trial trains is `training`'s.
"""
