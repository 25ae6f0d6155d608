"""Paths of every file of the workflow, its jobs, what they ask for, and what the main process does at its start.

``paths``, ``jobs``: where files are and which job makes them. ``resources``, ``memory``: time limits and memory.
``main_process``: checks and settings of the main process.
"""
