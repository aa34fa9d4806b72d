"""The fine-tuning techniques, one file each: what each declares, and what it does to a base model.

A new technique is its file and its line in `registry`. Reading the declarations needs the standard
library only; loading the base model is `trainables.base_models`' part.
"""
