"""Estimate the cost of an experiment, show its progress, and recover after Snakemake was killed.

``plan``, ``estimates``, ``throughput``: before it runs. ``planned_jobs``, ``job_progress``, ``status``, ``processes``,
``slurm``: while it runs. ``progress``, ``display``, ``events``: the live display. ``recovery``: afterwards.
"""
