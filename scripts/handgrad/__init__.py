"""handgrad: a one-hidden-layer network with hand-derived gradients, and the workflow around it.

One package a stage, in layers: cli, monitor, archive, page, plots, tables, layout, storage, gradient_check, training,
datasets, experiment, network, common. A package imports only packages that come later in this list. Nothing here
imports Snakemake, and only ``cli``, ``monitor.display`` and ``common.logs`` write to the terminal.
"""
