"""The training of one trial: its model, its optimiser steps and its checkpoints.

Rows come from `data`, base models from `base_models`; measuring is `evaluation`'s.
"""
