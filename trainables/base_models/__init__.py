"""Base models: where they lie, whether they can be had, and how they are loaded and kept.

What a name means is decided in `locations` alone. What a technique does to a base model is
`techniques`' to say; setting up what a trial trains is `training`'s.
"""
