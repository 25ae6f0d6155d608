"""handgrad: a network with one hidden layer and hand-derived gradients, and the workflow that trains it.

Each stage is a package. The layers, from top to bottom: cli, monitor, archive, page, plots, tables, layout, storage,
gradient_check, training, datasets, experiment, network, common. A package imports only packages below it. The library
does not import Snakemake. Only ``cli``, ``monitor.display`` and ``common.logs`` write to the terminal.
"""
