"""Define the files and jobs of the workflow, their resources, and the checks of the main process.

``paths``, ``jobs``: the path of each file and the job that makes it. ``resources``, ``memory``: time limits and memory.
``main_process``: checks and settings of the main process.
"""
