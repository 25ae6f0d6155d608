"""Readers of the formats in which datasets are published or stored.

``dataset_reader``: read a dataset of the registry. The other modules read one format each: idx, CIFAR, arrays, tables,
image folders, and the datasets of scikit-learn.
"""
