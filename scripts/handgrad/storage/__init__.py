"""Files of runs.

``training_job``: train a run with checkpoints. ``run_writer``, ``run_reader``: run files. ``checkpoint``: checkpoints.
``provenance``: machines and versions.
"""
