"""Datasets: download, formats, the HDF5 store, scaling, splits and images."""
