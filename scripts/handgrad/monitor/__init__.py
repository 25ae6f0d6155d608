"""Estimate the cost of an experiment, show its progress, and recover after Snakemake was killed.

``plan``, ``budget``, ``estimates``, ``work``, ``checkpoints``, ``throughput``: before it runs. ``planned_jobs``,
``job_progress``, ``status``, ``processes``, ``slurm``, ``groups``: while it runs. ``progress``, ``display``,
``events``: the live display. ``recovery``: afterwards.
"""
