"""Datasets, from published files to the inputs of a batch.

``download``: get a file. ``formats``: read the files of a dataset. ``data``: the dataset file, splits and scaling.
``images``, ``warnings``: pictures of inputs, and warnings about unusual data.
"""
