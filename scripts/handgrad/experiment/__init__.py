"""What an experiment file describes.

``config``: read a file and return its experiment; the other ``config_*`` modules are its steps. ``runs``: runs and
their names. ``blocks``: the entries of ``experiments`` and the run table; ``sampling``, ``sobol``: drawn values.
``registry``: dataset formats. ``published``: the published table.
"""
