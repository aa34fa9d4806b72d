"""What a trained model is for: writing SQL, in the sweep and after it, and leaving the program.

Generation serves `evaluation`; prediction, export and model card serve `orchestrator.predict`.
"""
