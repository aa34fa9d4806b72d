"""Families of base models: all that differs between an encoder-decoder and a decoder-only model.

Which architectures there are, how they are loaded, asked, trained and adapted is said here alone;
no other module names a class of transformers' models.
"""
