"""What an experiment file describes.

``config``: read a file and return its experiment; the other ``config_*`` modules are its steps. ``runs``: runs, their
names and the run table. ``registry``: dataset formats. ``published``: the published table.
"""
