"""Paths of every file of the workflow, resources that jobs ask for, and what the main process does at its start.

``paths``: paths. ``resources``, ``memory``: time limits and memory. ``dates``: files dated in the future.
``main_process``: checks and settings of the main process.
"""
