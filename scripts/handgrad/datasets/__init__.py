"""Datasets, from downloaded files to the inputs of a batch.

``download``: get a file. ``source_files``: find and verify the files of a dataset. ``data``: the dataset file.
``inputs``, ``scaling``: the meaning of the inputs, and their conversion. ``images``, ``warnings``: pictures of inputs,
and warnings about unusual data.
"""
