"""Datasets: download, formats, dataset files, scaling, splits and images."""
