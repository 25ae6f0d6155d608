"""What an experiment will cost, how far it is, and recovery after Snakemake was killed.

``plan``, ``estimates``, ``throughput``, ``makespan``, ``machines``: before it runs. ``job_progress``, ``planned_jobs``,
``status``, ``processes``, ``slurm``: while it runs. ``progress``, ``display``, ``events``: the live display.
``recovery``: afterwards.
"""
