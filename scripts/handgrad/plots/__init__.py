"""The plots, one module each.

``style`` and ``panels`` hold what all plots share. ``best_run`` is shared by the three plots of the best run.
``figure_files``: plots as files with a checksum.
"""
